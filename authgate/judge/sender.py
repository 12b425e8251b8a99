"""Who sent a hook: by credentials of its own, or by its session; found out when a rule asks, and once."""

from dataclasses import dataclass, replace

from authgate.errors import BadName
from authgate.judge.trace import Trace
from authgate.model import NO_AUTHORITY, Asks, Case, Credentials, Kind, Principal, Reason
from authgate.names import canonical
from authgate.ports import Authorities, Hasher, Means, Sessions, Targets, Users, Verifier
from authgate.sessions import SessionOptions, client_of
from authgate.verifiers.credentials import CredentialPaths


@dataclass(frozen=True, slots=True)
class Outside:
    """What the judge asks of the outside."""

    users: Users
    hasher: Hasher
    sessions: Sessions
    authorities: Authorities
    targets: Targets


@dataclass(frozen=True, slots=True)
class Given:
    """Who is taken to have sent a hook, whatever it says itself: for people who ask why, and for recorded hooks."""

    client: Principal | Reason | None  # None: nobody knows
    own: bool = True  # whether by credentials in the hook itself
    origin: str = ""


class Unknowable(Exception):
    """It was asked who sent a hook of which nobody knows."""


@dataclass(slots=True)
class Sender:
    """What is known of who sent one hook. ``case`` holds as much as was asked for."""

    case: Case
    outside: Outside
    verifiers: "tuple[Verifier, ...]"
    paths: CredentialPaths
    sessions: SessionOptions
    fallback: str | None
    with_origin: bool  # whether some rule asks where the client's page is from
    trace: Trace | None = None
    given: Given | None = None
    user: str | None = None  # of a rejected client: who it said to be, or was
    verifier: str = ""  # the key of the verifier that recognised the credentials
    offered: bool = False  # whether the hook brings credentials of its own

    async def find(self, asks: Asks, *, vouched: bool = False) -> None:
        """Find out as much as is asked for; ``vouched``: a target is going to judge credentials that nobody knows.

        Raises:
            Trouble: it could not be found out.
        """
        if asks > Asks.NOTHING and self.case.asked is Asks.NOTHING:
            if self.given is not None:
                self._take(self.given)
            else:
                await self._find_client(vouched)
        if asks is Asks.AUTHORITY and self.case.asked is not Asks.AUTHORITY:
            await self._find_authority()

    @property
    def spoiled(self) -> bool:
        """Whether it was asked who sent the hook, and the hook's own credentials are no good.

        They reject it, whatever a rule that passes it over would have led to: a bad credential is never none.
        """
        return self.offered and isinstance(self.case.own, Reason)

    def _take(self, given: Given) -> None:
        if given.client is None:
            raise Unknowable
        known = isinstance(given.client, Principal)
        own = given.client if given.own else Reason.CREDENTIALS_MISSING
        self.offered = given.own and not known and given.client is not Reason.CREDENTIALS_MISSING
        self.user = given.client.user if isinstance(given.client, Principal) else None
        if isinstance(given.client, Principal) and given.own:
            names = {each.name for each in self.verifiers}
            self.verifier = f"verifiers.{given.client.verifier}" if given.client.verifier in names else ""
        self.case = Case(self.case.hook, self.case.now, given.client, own, given.origin, asked=Asks.CLIENT)
        self._tell("client", self.user or "", "taken to be this")

    async def _find_client(self, vouched: bool) -> None:
        hook = self.case.hook
        connecting = hook.method.kind is Kind.CONNECT
        offered = self.paths.find(hook.fields)
        self.offered = offered.offered
        if self.trace is not None:
            self.trace.add("credentials", "", _kinds(offered))
        own = await self._verify(offered) if offered.offered else Reason.CREDENTIALS_MISSING
        if not vouched and self.fallback and _unknown(own, offered, connecting=connecting):
            own = await self._ask_fallback(self.fallback, offered)
        client = own
        origin = hook.text("origin") if connecting else ""
        alone = connecting or hook.method.sessionless
        if not alone and (not offered.offered or self.with_origin):
            session = await self.outside.sessions.find(hook.key) if hook.key.session else None
            origin = session.origin if session else ""
            self._tell("session", hook.key.session, "live" if session else Reason.SESSION_UNKNOWN)
            if not offered.offered:
                client = client_of(session, self.case.now, self.sessions)
                self.user = session.client.user if session and session.client else None
        if isinstance(client, Principal):
            self.user = client.user
        self.case = Case(hook, self.case.now, client, own, origin, asked=Asks.CLIENT)
        self._tell("client", self.user or "", "known" if isinstance(client, Principal) else client)

    async def _verify(self, offered: Credentials) -> Principal | Reason:
        if offered.malformed:
            return Reason.CREDENTIALS_MALFORMED
        means = Means(self.outside.users, self.outside.hasher, self.case.now)
        for verifier in self.verifiers:
            outcome = await verifier.verify(offered, means)
            if outcome is None:
                self._tell("verifier", verifier.name, "not mine")
                continue
            self.verifier = f"verifiers.{verifier.name}"
            self._tell("verifier", verifier.name, "ok" if isinstance(outcome, Principal) else outcome)
            if not isinstance(outcome, Principal):
                self.user = verifier.claimed(offered, self.case.now)
            return outcome
        return Reason.CREDENTIALS_UNRECOGNIZED

    async def _ask_fallback(self, target: str, offered: Credentials) -> Principal | Reason:
        answered = await self.outside.targets.ask(target, self.case.hook)
        self._tell("fallback", target, "ok" if answered.allowed else Reason.TARGET_REFUSED)
        self.verifier = f"targets.{target}"
        if not answered.allowed:
            return Reason.TARGET_REFUSED
        if answered.trouble:  # it was passed over, and so vouches for nobody
            return Reason.TARGET_UNAVAILABLE
        return await self.vouched(target, offered)

    async def vouched(self, target: str, offered: Credentials | None = None) -> Principal | Reason:
        """The client that a target has let in: by the login that it offered with a password, else nobody in particular.

        A login beside a token is no name: a target that looks at the token alone would vouch for any login.

        Raises:
            StoreError: the user cannot be looked up.
        """
        offered = offered or self.paths.find(self.case.hook.fields)
        try:
            by_login = offered.login is not None and offered.password is not None and offered.token is None
            name = canonical(offered.login) if by_login and offered.login else f"anonymous@{target}"
        except BadName:
            return Reason.CREDENTIALS_MALFORMED
        user = await self.outside.users.find(name)
        if user is not None and not user.enabled:
            self.user = name
            return Reason.USER_DISABLED
        # A user of the store is proven by our verifiers or not at all: nobody knows what the target looked at.
        return Principal(name if user is None else f"anonymous@{target}", target)

    async def _find_authority(self) -> None:
        client, authority = self.case.client, NO_AUTHORITY
        if isinstance(client, Principal):
            authority = await self.outside.authorities.of(client.user)
            groups = ", ".join(sorted(authority.groups | client.groups)) or "none"
            grants = "no list" if authority.grants is None else ", ".join(authority.grants) or "an empty list"
            self._tell("authority", client.user, f"groups: {groups}; grants: {grants}")
        self.case = replace(self.case, authority=authority, asked=Asks.AUTHORITY)

    def _tell(self, what: str, name: str, outcome: str) -> None:
        if self.trace is not None:
            self.trace.add(what, name, outcome)


def _unknown(own: Principal | Reason, offered: Credentials, *, connecting: bool) -> bool:
    """Whether nobody here knows these credentials; what a verifier has rejected is known."""
    return own is Reason.CREDENTIALS_UNRECOGNIZED or (connecting and not offered.offered)


def _kinds(offered: Credentials) -> str:
    if not offered.offered:
        return "none"
    kinds = ["malformed"] * offered.malformed
    kinds += ["a token"] * (offered.token is not None) + ["a login"] * (offered.login is not None)
    return ", ".join([*kinds, *["a password"] * (offered.password is not None)])
