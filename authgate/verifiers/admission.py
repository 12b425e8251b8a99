"""What a proven token says -> the client, or why it is turned away: the same for tokens of every shape."""

from dataclasses import replace
from typing import Literal

from authgate import bindings
from authgate.issuance import OneTimeToken
from authgate.model import NOWHERE, Principal, Reason, User, Where
from authgate.ports import Means
from authgate.verifiers.reading import Claims

UserMode = Literal["required", "optional", "create"]


async def admit(said: Claims, verifier: str, users: UserMode, means: Means) -> Principal | Reason:
    """The client whom a proven token stands for, or why it does not.

    What costs nothing is asked first. A one-time token is reserved when nothing else can turn it away, and a user is
    added last of all, so that a token which is used up leaves no user behind. Where that fails, the reservation is
    released with time.

    Raises:
        StoreError: the user cannot be looked up, or it is not known what was revoked or used up.
    """
    if said.bound and means.where is not None:
        reason = await _broken(said, means.where(), means)
        if reason is not None:
            return reason
    user = await means.users.find(said.user)
    if user is None and users == "required":
        return Reason.USER_UNKNOWN
    if user is not None and (reason := _shut_out(said, user, means.now)):
        return reason
    issued = said.issued
    if user is None and said.generation is not None:
        return Reason.TOKEN_REVOKED  # its user has been deleted
    if await means.revocations.revoked(issued):
        return Reason.TOKEN_REVOKED
    if said.once and not await _reserved(said, verifier, means):
        return Reason.TOKEN_USED
    if user is None and users == "create" and not means.dry:
        user = await means.users.create(said.user)
        if user is None:
            return Reason.TOKEN_INVALID
        if reason := _shut_out(said, user, means.now):  # another process was faster, and somebody saw to the user since
            return reason
    return Principal(
        said.user,
        verifier,
        said.grants,
        said.expires_at,
        said.token_id,
        user is not None,
        said.groups,
        said.others,
        user.generation if user is not None else None,
        issued,
        said.bound,
        user.max_sessions if user is not None else None,
        said.told_apart(verifier),
    )


def _shut_out(said: Claims, user: User, now: float) -> Reason | None:
    """Why a token that holds is of no use to its user, or None."""
    return user.refusal(now) or (Reason.TOKEN_REVOKED if is_cut_off(said, user) else None)


def is_cut_off(said: Claims, user: User) -> bool:
    """Whether a token was issued before all of its user's were cut off.

    Our own tokens name the generation of their user, which tells exactly. Of others ``iat`` has to do: whole seconds
    count as begun, and a token without one is cut off with all the rest.
    """
    if said.generation is not None:
        return said.generation != user.generation
    if user.cut_off_at is None:
        return False
    return said.issued_at is None or said.issued_at * 1000 <= user.cut_off_at


async def _broken(said: Claims, where: Where, means: Means) -> Reason | None:
    """Why a hook from there does not keep to what its token is bound to, or None."""
    if where.origin is None and "origin" in said.bound:
        where = replace(where, origin=await means.page() if means.page is not None else "")
    return bindings.broken(said.bound, where)


async def _reserved(said: Claims, verifier: str, means: Means) -> bool:
    expires_at = said.expires_at if said.expires_at is not None else _NEVER
    where = means.where() if means.where is not None else NOWHERE
    token = OneTimeToken(verifier, said.issuer, said.token_id or "")
    return await means.one_time.reserve(token, where, expires_at, means.now, dry=means.dry)


_NEVER = 253_402_300_799  # the end of the year 9999, in seconds since the epoch
