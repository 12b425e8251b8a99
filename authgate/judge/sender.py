"""Who sent a hook: by credentials of its own, or by its session; found out when a rule asks, and once."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from authgate.bindings import broken
from authgate.errors import BadName
from authgate.hooks.address import client_address
from authgate.hooks.fields import ACTION_OF, name_of
from authgate.judge.standing import at_banned_address, is_banned, unless_revoked
from authgate.judge.trace import Trace
from authgate.model import (
    NO_AUTHORITY,
    Asks,
    Case,
    Credentials,
    Hook,
    Kind,
    Principal,
    Reason,
    Session,
    Where,
)
from authgate.names import canonical
from authgate.ports import (
    Authorities,
    Guessing,
    Hasher,
    Keys,
    Means,
    OneTime,
    Revocations,
    Sessions,
    StreamKeys,
    Targets,
    Users,
    Verifier,
)
from authgate.sessions import SessionOptions, client_of, holder
from authgate.turn import ANY_TIME, Turn
from authgate.value import value
from authgate.verifiers.credentials import CredentialPaths


@value(frozen=True, slots=True)
class Outside:
    """What the judge asks of the outside."""

    users: Users
    hasher: Hasher
    sessions: Sessions
    authorities: Authorities
    targets: Targets
    keys: Keys
    revocations: Revocations
    one_time: OneTime
    stream_keys: StreamKeys
    guessing: Guessing
    dry: bool = False  # True: somebody only asks, so nothing is reserved or created

    def means(
        self,
        now: float,
        where: Callable[[], Where] | None = None,
        page: Callable[[], Awaitable[str]] | None = None,
        turn: Turn = ANY_TIME,
    ) -> Means:
        """What verifiers may use for credentials from there, at a time in seconds since the epoch."""
        return Means(
            self.users,
            self.hasher,
            self.keys,
            self.revocations,
            self.one_time,
            self.stream_keys,
            self.guessing,
            now,
            where,
            page,
            self.dry,
            turn,
        )


@value(frozen=True, slots=True)
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
    until: float = math.inf  # seconds of the event loop's clock: nobody waits longer for the verdict
    user: str | None = None  # of a rejected client: who it said to be, or was
    verifier: str = ""  # the key of the verifier that recognised the credentials
    offered: bool = False  # whether the hook brings credentials of its own
    _credentials: Credentials | None = None
    _found: Session | None = None
    _looked: bool = False

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
        offered = self.credentials()
        self.offered = offered.offered
        if self.trace is not None:
            self.trace.add("credentials", "", _kinds(offered))
        banned = await self.at_banned_address()
        own = await self._own(offered, banned)
        if not (vouched or banned) and self.fallback and _unknown(own, offered, connecting=connecting):
            own = await self._ask_fallback(self.fallback, offered)
        own = client = await self._unless_banned(own)
        origin = hook.text("origin") if connecting else ""
        alone = connecting or hook.method.sessionless
        if not alone and (not offered.offered or self.with_origin):
            session = await self.session()
            origin = session.origin if session else ""
            if not offered.offered:
                client = Reason.BANNED if banned else await self._unless_banned(await self._of_session(session))
                self.user = session.client.user if session and session.client else None
        if isinstance(client, Principal):
            self.user = client.user
        self.case = Case(hook, self.case.now, client, own, origin, asked=Asks.CLIENT)
        self._tell("client", self.user or "", "known" if isinstance(client, Principal) else client)

    def credentials(self) -> Credentials:
        """What the client offers in the hook, looked for once."""
        if self._credentials is None:
            self._credentials = self.paths.find(self.case.hook.fields)
        return self._credentials

    async def at_banned_address(self) -> bool:
        """Whether the hook comes from an address that somebody has banned.

        Raises:
            StoreError: it is not known who is banned.
        """
        return await at_banned_address(self.case.hook.key, self.outside.guessing)

    async def _own(self, offered: Credentials, banned: bool) -> Principal | Reason:
        if banned and (offered.offered or self.case.hook.method.kind is Kind.CONNECT):
            return Reason.BANNED
        return await self._verify(offered) if offered.offered else Reason.CREDENTIALS_MISSING

    async def _unless_banned(self, client: Principal | Reason) -> Principal | Reason:
        """Who is proven to be somebody who is banned learns no more than whoever is not proven to be anybody."""
        if isinstance(client, Principal) and await is_banned(client, self.outside.guessing):
            self.user = client.user
            return Reason.BANNED
        return client

    async def session(self) -> Session | None:
        """The session that the hook belongs to, looked up once."""
        if not self._looked:
            key = self.case.hook.key
            self._found = await self.outside.sessions.find(key) if key.session else None
            self._looked = True
            self._tell("session", key.session, "live" if self._found else Reason.SESSION_UNKNOWN)
        return self._found

    async def _page(self) -> str:
        session = await self.session()
        return session.origin if session else ""

    async def _of_session(self, session: Session | None) -> Principal | Reason:
        """Whose session it is, while what it was opened with is good: what was looked at then is looked at again."""
        client = client_of(session, self.case.now, self.sessions)
        if isinstance(client, Principal) and client.bound:
            reason = broken(client.bound, _where(self.case.hook, session.origin if session else ""))
            if reason is not None:
                return reason
        return await unless_revoked(client, self.outside.revocations)

    async def _verify(self, offered: Credentials) -> Principal | Reason:
        if offered.malformed:
            return Reason.CREDENTIALS_MALFORMED
        turn = Turn(self.case.hook.app_key, self.until)
        means = self.outside.means(self.case.now, self._where, self._page, turn)
        for verifier in self.verifiers:
            outcome = await verifier.verify(offered, means)
            if outcome is None:
                self._tell("verifier", verifier.name, "not mine")
                continue
            self.verifier = f"verifiers.{verifier.name}"
            self._tell("verifier", verifier.name, "ok" if isinstance(outcome, Principal) else outcome)
            if not isinstance(outcome, Principal):
                self.user = verifier.claimed(offered, means, outcome)
            return outcome
        return Reason.CREDENTIALS_UNRECOGNIZED

    def _where(self) -> Where:
        """Where the hook's own credentials are shown; few ask, so it is not read before."""
        hook = self.case.hook
        return _where(hook, hook.text("origin") if hook.method.kind is Kind.CONNECT else None)

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
        offered = offered or self.credentials()
        try:
            by_login = offered.login is not None and offered.password is not None and offered.token is None
            name = canonical(offered.login) if by_login and offered.login else f"anonymous@{target}"
        except BadName:
            return Reason.CREDENTIALS_MALFORMED
        user = await self.outside.users.find(name)
        refusal = user.refusal(self.case.now) if user is not None else None
        if refusal is not None:
            self.user = name
            return refusal
        # A user of the store is proven by our verifiers or not at all: nobody knows what the target looked at.
        if await self.outside.guessing.banned(name, ""):
            return Reason.BANNED
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


def _where(hook: Hook, origin: str | None) -> Where:
    """What a token may be bound to; ``origin`` is that of the client's page, None where that is looked up later."""
    method = hook.method
    action = ACTION_OF.get(method.name, "")
    if not action and method.refusable and method.kind in (Kind.CALL, Kind.INCOMING):
        action = method.name  # nothing that could be granted, and so none of the actions that a token is bound to
    return Where(
        hook.app_key,
        str(client_address(hook.key.session) or ""),
        "" if method.sessionless and origin is None else origin,
        action,
        name_of(hook),
        holder(hook),
        method.sessionless,
        hook.key if method.kind is Kind.CONNECT else None,
    )


def _unknown(own: Principal | Reason, offered: Credentials, *, connecting: bool) -> bool:
    """Whether nobody here knows these credentials; what a verifier has rejected is known."""
    return own is Reason.CREDENTIALS_UNRECOGNIZED or (connecting and not offered.offered)


def _kinds(offered: Credentials) -> str:
    if not offered.offered:
        return "none"
    kinds = ["malformed"] * offered.malformed
    kinds += ["a token"] * (offered.token is not None) + ["a login"] * (offered.login is not None)
    return ", ".join([*kinds, *["a password"] * (offered.password is not None)])
