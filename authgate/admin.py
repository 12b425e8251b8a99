"""What the people who run it ask for: users, tokens, records and sessions, over the store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from authgate.errors import Refused, StoreError
from authgate.model import Credentials, Reason, Record, Secret, Session, User
from authgate.names import canonical
from authgate.ports import Means

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.passwords import Hasher
    from authgate.store import Store
    from authgate.store.migrate import Revision
    from authgate.verifiers import AnyVerifier
    from authgate.verifiers.token import TokenVerifier

_PAGE = 500  # rows of a list that are read at once
_DISPLAY_LENGTH = 190  # characters; what the store keeps


async def revision(store: "Store") -> "Revision":
    """The revision of the store, and the newest one.

    Raises:
        StoreError: the store is away or too slow.
    """
    return await store.revision()


async def upgrade(store: "Store") -> "Revision":
    """Bring the store to the newest revision; where it was before comes back.

    Raises:
        Refused: the database holds something else.
        StoreError: the store is away or too slow.
    """
    from authgate.store import migrate

    before = await store.revision()
    await migrate.upgrade(store.engine)
    return before


async def demand_newest(store: "Store") -> None:
    """Come back if the store is at the newest revision.

    Raises:
        Refused: it is not; says what to do.
        StoreError: the store is away or too slow.
    """
    found = await revision(store)
    try:
        found.demand_newest()
    except StoreError as fault:
        raise Refused(str(fault)) from None


async def add_user(store: "Store", hasher: "Hasher", name: str, display: str | None, password: str | None) -> User:
    """Add a user who is let in from now on; without a password, by tokens only.

    Raises:
        BadName: it cannot be a user's name.
        Refused: the name is taken, or the password or the display name cannot be one.
        StoreError: the store is away or too slow.
    """
    fresh = User(canonical(name), _display(name.strip() if display is None else display))
    hashed = None if password is None else await hasher.hash(password)
    await store.users.add(replace(fresh, hash=hashed))
    return await user(store, name)


async def user(store: "Store", name: str) -> User:
    """The user of this name.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is none.
        StoreError: the store is away or too slow.
    """
    found = await store.users.find(canonical(name))
    if found is None:
        raise _unknown(name)
    return found


async def users(store: "Store") -> list[User]:
    """All users, by name.

    Raises:
        StoreError: the store is away or too slow.
    """
    found: list[User] = []
    while page := await store.users.list(after=found[-1].name if found else "", limit=_PAGE):
        found += page
    return found


async def set_password(store: "Store", hasher: "Hasher", name: str, password: str) -> None:
    """Give a user another password.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user, or it cannot be a password.
        StoreError: the store is away or too slow.
    """
    hashed = await hasher.hash(password)
    _there(name, await store.users.set_password_hash(canonical(name), hashed))


async def change_user(store: "Store", name: str, *, display: str | None = None, drop_password: bool = False) -> None:
    """Show a user's name otherwise, or take the password away, or both.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user, or the display name cannot be one.
        StoreError: the store is away or too slow.
    """
    if display is not None:
        _there(name, await store.users.set_display(canonical(name), _display(display)))
    if drop_password:
        _there(name, await store.users.set_password_hash(canonical(name), None))


async def set_enabled(store: "Store", name: str, *, enabled: bool) -> None:
    """Let a user in, or keep one out: also one who has a token or a live session.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user.
        StoreError: the store is away or too slow.
    """
    _there(name, await store.users.set_enabled(canonical(name), enabled))


async def delete_user(store: "Store", name: str) -> None:
    """Remove a user; the records stay.

    Raises:
        BadName: it cannot be a user's name.
        Refused: there is no such user.
        StoreError: the store is away or too slow.
    """
    _there(name, await store.users.delete(canonical(name)))


async def issue_token(
    store: "Store", verifiers: Sequence["AnyVerifier"], name: str, ttl: int, now: float, verifier: str | None = None
) -> str:
    """A token for a user, as a verifier accepts it for ``ttl`` seconds; ``now`` in seconds since the epoch.

    Raises:
        BadName: it cannot be a user's name.
        Refused: the verifier cannot sign, or would not let this user in.
        StoreError: the store is away or too slow.
    """
    from authgate.verifiers.issue import issue

    chosen = _token_verifier(verifiers, verifier)
    found = await store.users.find(canonical(name))
    if found is None and chosen.users == "required":
        raise Refused(
            f"there is no user {canonical(name)!r}, and verifier {chosen.name!r} lets in users of the store only"
        )
    if found is not None and not found.enabled:
        raise Refused(f"user {found.name!r} is disabled; run: authgate user enable {found.name}")
    return issue(chosen, name, ttl, now)


@dataclass(frozen=True, slots=True)
class TokenReport:
    """What a token comes to, now."""

    reason: Reason
    verifier: "TokenVerifier | None" = None  # the one that recognised it
    token_id: str | None = None
    subject: str | None = None
    expires_at: int | None = None  # seconds since the epoch
    grants: tuple[str, ...] | None = None

    @property
    def valid(self) -> bool:
        return self.reason is Reason.OK


async def check_token(
    store: "Store", hasher: "Hasher", verifiers: Sequence["AnyVerifier"], token: str, now: float
) -> TokenReport:
    """What a client would come to that offers this token; ``now`` in seconds since the epoch.

    Raises:
        StoreError: the store is away or too slow.
    """
    means = Means(store.users, hasher, now)
    for verifier in verifiers:
        answer = await verifier.verify(Credentials(token=Secret(token)), means)
        if answer is None or verifier.type != "token":
            continue
        reason = answer if isinstance(answer, Reason) else Reason.OK
        reading = verifier.read(token, now)
        said = reading.claims if reading else None
        if said is None:
            return TokenReport(reason, verifier)
        return TokenReport(reason, verifier, said.token_id, said.user, said.expires_at, said.grants)
    return TokenReport(Reason.CREDENTIALS_UNRECOGNIZED)


async def records(
    store: "Store",
    *,
    limit: int,
    user: str | None = None,
    session: str | None = None,
    method: str | None = None,
    app_key: str | None = None,
    allowed: bool | None = None,
    reason: Reason | None = None,
    since: int | None = None,
) -> Sequence[Record]:
    """The newest records that match all that is given, newest first; ``since`` in milliseconds since the epoch.

    Raises:
        BadName: it cannot be a user's name.
        StoreError: the store is away or too slow.
    """
    return await store.records.list(
        limit=limit,
        user=None if user is None else canonical(user),
        session=session,
        method=method,
        app_key=app_key,
        allowed=allowed,
        reason=reason,
        since=since,
    )


async def sessions(store: "Store", user: str | None = None) -> list[Session]:
    """All live sessions, or those of a user, by node and session.

    Raises:
        BadName: it cannot be a user's name.
        StoreError: the store is away or too slow.
    """
    name = None if user is None else canonical(user)
    found: list[Session] = []
    while page := await store.sessions.list(user=name, after=found[-1].key if found else None, limit=_PAGE):
        found += page
    return found


def _display(text: str) -> str:
    if not text.strip() or len(text) > _DISPLAY_LENGTH or not text.isprintable():
        raise Refused(f"a display name is 1 to {_DISPLAY_LENGTH} characters that can be seen")
    return text


def _there(name: str, changed: bool) -> None:
    if not changed:
        raise _unknown(name)


def _unknown(name: str) -> Refused:
    return Refused(f"there is no user {canonical(name)!r}")


def _token_verifier(verifiers: Sequence["AnyVerifier"], name: str | None) -> "TokenVerifier":
    able = [each for each in verifiers if each.type == "token" and name in (None, each.name)]
    if len(able) == 1:
        return able[0]
    names = ", ".join(each.name for each in verifiers if each.type == "token")
    if not names:
        raise Refused('no verifier of the configuration takes tokens; add [[verifiers]] with type = "token"')
    if name is None:
        raise Refused(f"several verifiers take tokens; say for which one this is: --verifier, one of {names}")
    raise Refused(f"there is no verifier {name!r} that takes tokens; there are: {names}")
