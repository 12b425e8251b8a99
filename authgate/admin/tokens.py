"""Tokens: issue them, say what one comes to, and revoke them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from authgate.admin.pages import all_of
from authgate.errors import KeysError, NotThere, Refused
from authgate.issuance import Revocation, StreamKey, Token, Wanted
from authgate.model import Credentials, Reason, Secret
from authgate.names import canonical

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.ports import Issuer, Means, Users
    from authgate.store import Store
    from authgate.verifiers import AnyVerifier
    from authgate.verifiers.issued import IssuedVerifier
    from authgate.verifiers.reading import Claims

_SHORTEST = 60  # characters of a JSON Web Token


async def issue_token(issuer: "Issuer", wanted: Wanted, now: float) -> Token:
    """A token, as a verifier accepts it; ``now`` in seconds since the epoch.

    Raises:
        BadName: it cannot be a user's name.
        Refused: the verifier would not let this user in, or what is wanted cannot be had.
        SigningError: there is no key to sign with.
        StoreError: the store is away or too slow.
    """
    return await issuer.issue(wanted, now)


@dataclass(frozen=True, slots=True)
class TokenReport:
    """What a token comes to, now."""

    reason: Reason
    verifier: "AnyVerifier | None" = None  # the one that recognised it
    token_id: str | None = None
    subject: str | None = None
    expires_at: int | None = None  # seconds since the epoch
    grants: tuple[str, ...] | None = None
    shape: str = "JWT"
    key_id: str | None = None  # of the key that signed it
    issued_at: float | None = None  # seconds since the epoch
    bound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    once: bool = False
    generation: int | None = None  # of its user when it was issued; None: it names none
    cut_off: bool = False  # whether it is revoked since all of its user's were, and not by its own name or the like

    @property
    def valid(self) -> bool:
        return self.reason is Reason.OK


async def check_token(means: "Means", verifiers: Sequence["AnyVerifier"], token: str) -> TokenReport:
    """What a client would come to that offers this token at the time of ``means``.

    Raises:
        StoreError: the store is away or too slow.
    """
    for verifier in verifiers:
        if verifier.type == "password":
            continue
        try:
            answer = await verifier.verify(Credentials(token=Secret(token)), means)
        except KeysError:
            return TokenReport(Reason.KEYS_UNAVAILABLE, verifier)
        if answer is None:
            continue
        reason = answer if isinstance(answer, Reason) else Reason.OK
        said = await _said(verifier, token, means)
        if said is None:
            return TokenReport(reason, verifier, shape=_shape(token))
        return TokenReport(
            reason,
            verifier,
            said.token_id,
            said.user,
            said.expires_at,
            said.grants,
            _shape(token),
            said.key_id,
            said.issued_at,
            said.bound,
            said.once,
            said.generation,
            reason is Reason.TOKEN_REVOKED and await _cut_off(said, means),
        )
    return TokenReport(Reason.CREDENTIALS_UNRECOGNIZED, shape=_shape(token))


async def _said(verifier: "AnyVerifier", token: str, means: "Means") -> "Claims | None":
    if verifier.type == "password":
        return None
    if verifier.type == "issued":
        reading = await verifier.reading(token, means)
    else:
        reading = verifier.read(token, means.now, means.keys)
    return reading.claims if reading else None


async def _cut_off(said: "Claims", means: "Means") -> bool:
    from authgate.verifiers.admission import is_cut_off

    user = await means.users.find(said.user)
    return said.generation is not None if user is None else is_cut_off(said, user)


def _shape(token: str) -> str:
    from authgate.verifiers import short
    from authgate.verifiers.token import bare

    if bare(token).startswith(short.STREAM_KEY):
        return "stream key"
    return "signed address" if bare(token).startswith(short.SIGNED) else "JWT"


async def revoke_token(store: "Store", token_id: str, expires_at: int | None = None) -> None:
    """Refuse the token of this ``jti`` from now on, whoever issued it, and the sessions that it opened.

    ``expires_at``, in seconds since the epoch, is when it expires by itself, if that is known.

    Raises:
        Refused: it cannot be a ``jti``.
        StoreError: the store is away or too slow.
    """
    if token_id.count(".") == 2 and len(token_id) > _SHORTEST:  # a token's text is secret, and would be listed
        raise Refused("that is a token, and not its jti", "which this shows: authgate token check -")
    await store.revocations.add(Revocation("jti", token_id, expires_at=expires_at))


async def revoke_user(store: "Store", name: str) -> bool:
    """Refuse all that was issued to a user until now, also what others have issued, and the user's live sessions.

    False where the store has no such user; who comes by a token alone is cut off too.

    Raises:
        BadName: it cannot be a user's name.
        StoreError: the store is away or too slow.
    """
    user = canonical(name)
    if await store.users.cut_off(user):
        return True
    await store.revocations.add(Revocation("user", user, before=_now()))
    return False


async def revoke_issued(store: "Store", kind: str, value: str, *, ever: bool = False) -> None:
    """Refuse what an ``issuer`` has issued, or a ``key`` has signed, until now; ``ever``: also what comes yet.

    Raises:
        Refused: it cannot be the name of one.
        StoreError: the store is away or too slow.
    """
    await store.revocations.add(Revocation(kind, value, before=None if ever else _now()))


async def revocations(store: "Store") -> list[Revocation]:
    """All that was revoked and is not over, by kind and value.

    Raises:
        StoreError: the store is away or too slow.
    """
    return await all_of(store.revocations.list, lambda made: (made.kind, made.value))


async def add_stream_key(
    store: "Store", verifier: "IssuedVerifier", wanted: Wanted, action: str, users: "Users | None" = None
) -> tuple[str, StreamKey]:
    """A new stream key, to do an action on the first of the wanted streams; its text, which is shown this once.

    ``wanted.ttl`` of 0: it stays until it is revoked. ``users`` are those there are; None: of the store alone.

    Raises:
        BadName: it cannot be a user's name.
        Refused: the verifier would not let this user in, or what is wanted cannot be had.
        StoreError: the store is away or too slow.
    """
    from authgate.verifiers import short

    now = _now()
    generation = await _checked(users or store.users, verifier, wanted, action, now / 1000)
    text, prefix = short.new_stream_key()
    key = StreamKey(
        prefix,
        short.digest(text),
        canonical(wanted.user),
        action,
        wanted.streams[0],
        wanted.app_keys[0] if wanted.app_keys else "",
        generation,
        now,
        now // 1000 + wanted.ttl if wanted.ttl else None,
        wanted.once,
    )
    await store.stream_keys.add(key)
    return text, key


async def sign_address(
    store: "Store", verifier: "IssuedVerifier", wanted: Wanted, now: float, users: "Users | None" = None
) -> str:
    """A short token to play the first of the wanted streams, which nobody keeps; ``now`` in seconds since the epoch.

    ``users`` are those there are; None: of the store alone.

    Raises:
        BadName: it cannot be a user's name.
        Refused: the verifier would not let this user in, or what is wanted cannot be had.
        StoreError: the store is away or too slow.
    """
    from authgate.verifiers import short

    if not 0 < wanted.ttl <= verifier.max_ttl:
        raise Refused(f"a signed address lives 1 to {verifier.max_ttl} seconds; see max_ttl of {verifier.name!r}")
    generation = await _checked(users or store.users, verifier, wanted, "play", now)
    app_key = wanted.app_keys[0] if wanted.app_keys else ""
    said = short.Signed(canonical(wanted.user), int(now) + wanted.ttl, int(now), wanted.streams[0], app_key, generation)
    return short.signed(verifier.master_keys[0], said)


async def _checked(users: "Users", verifier: "IssuedVerifier", wanted: Wanted, action: str, now: float) -> int | None:
    """The generation of the user to whom something is issued; None where the store has no such user."""
    from authgate import bindings
    from authgate.grants import ACTIONS
    from authgate.grants import parse as parse_grant
    from authgate.signing.issuer import subject

    if action not in ACTIONS:
        raise Refused(f"there is no action {action!r}; there are {', '.join(ACTIONS)}")
    pattern = wanted.streams[0]
    try:
        parse_grant(f"{action}:{pattern}")
        bindings.asked_for("stream", wanted.streams[:1])
        if wanted.app_keys:
            bindings.asked_for("appKey", wanted.app_keys[:1])
    except ValueError as fault:
        raise Refused(str(fault)) from None
    user = await subject(verifier, users, canonical(wanted.user), now, early=True)
    return user.generation if user is not None and user.generation >= 0 else None


async def stream_keys(store: "Store", user: str | None = None) -> list[StreamKey]:
    """All stream keys, or those of a user, by their prefixes.

    Raises:
        BadName: it cannot be a user's name.
        StoreError: the store is away or too slow.
    """
    name = None if user is None else canonical(user)
    return await all_of(partial(store.stream_keys.list, user=name), lambda key: key.prefix)


async def revoke_stream_key(store: "Store", prefix: str) -> None:
    """Forget a stream key, and refuse the sessions that it opened.

    Raises:
        Refused: there is none.
        StoreError: the store is away or too slow.
    """
    if not await store.stream_keys.remove(prefix):
        raise NotThere(f"there is no stream key {prefix!r}; authgate streamkey list shows them all")
    await store.revocations.add(Revocation("jti", prefix))


def _now() -> int:
    return time.time_ns() // 1_000_000
