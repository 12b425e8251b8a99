"""Whether a session goes on: asked for each of its hooks, and in between by those who end what may not go on."""

from authgate.hooks.address import client_address
from authgate.model import Principal, Reason, Session, SessionKey
from authgate.ports import Guessing, Revocations
from authgate.sessions import SessionOptions, client_of

# Why a session stands for nobody, though it may stay open.
_HARMLESS = (Reason.SESSION_UNKNOWN, Reason.SESSION_ANONYMOUS, Reason.SESSION_ENDED)


async def why_to_end(
    session: Session, now: float, options: SessionOptions, revocations: Revocations, guessing: Guessing
) -> Reason | None:
    """Why whatever the client of this session asks for would be refused; None: it would not, or that ends nothing.

    ``now`` in seconds since the epoch. What its token is bound to is left out: of a session, that does not change.

    Raises:
        StoreError: it is not known who is banned or what was revoked.
    """
    if await at_banned_address(session.key, guessing):
        return Reason.BANNED
    client = await unless_revoked(client_of(session, now, options), revocations)
    if isinstance(client, Principal):
        return Reason.BANNED if await is_banned(client, guessing) else None
    return None if client in _HARMLESS else client


async def at_banned_address(key: SessionKey, guessing: Guessing) -> bool:
    """Whether a connection comes from an address that somebody has banned.

    Raises:
        StoreError: it is not known who is banned.
    """
    if not await guessing.any_banned():
        return False
    address = client_address(key.session)
    return address is not None and await guessing.banned("", str(address))


async def is_banned(client: Principal, guessing: Guessing) -> bool:
    """Whether somebody has banned this user.

    Raises:
        StoreError: it is not known who is banned.
    """
    return await guessing.any_banned() and await guessing.banned(client.user, "")


async def unless_revoked(client: Principal | Reason, revocations: Revocations) -> Principal | Reason:
    """The same client, unless the token that it came with was revoked since.

    Raises:
        StoreError: it is not known what was revoked.
    """
    if isinstance(client, Principal) and client.issued is not None and await revocations.revoked(client.issued):
        return Reason.TOKEN_REVOKED
    return client
