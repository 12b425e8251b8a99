"""Who is the client? The login and password that it brings say so."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Literal

from authgate.errors import AuthgateError, BadName
from authgate.model import Credentials, Principal, Reason, User
from authgate.names import canonical
from authgate.ports import Means

log = logging.getLogger(__name__)

_OF_A_USER = {Reason.PASSWORD_WRONG, Reason.USER_DISABLED, Reason.USER_EXPIRED, Reason.USER_NOT_YET_VALID}
_renewals: set[asyncio.Task[None]] = set()  # asyncio alone would not keep them alive


@dataclass(frozen=True, slots=True)
class PasswordVerifier:
    """Verifies a login and its password against the user store.

    Users who are unknown, disabled or without a password cost the time of a wrong password, and so does a
    login that is no possible user name. The hash of a good login is renewed where it is outdated, after the
    answer and without bearing on it.
    """

    type: Literal["password"] = "password"
    name: str = "password"

    async def verify(self, offered: Credentials, means: Means) -> Principal | Reason | None:
        """The client, or the reason to reject it, or None where no login and password are offered.

        A login or a password alone beside a token belongs to the application, not to us.

        Raises:
            StoreError: the user cannot be looked up.
            Overloaded: the password cannot be hashed in time.
        """
        if offered.malformed:
            return Reason.CREDENTIALS_MALFORMED
        if offered.login is None or offered.password is None:
            half = offered.login is not None or offered.password is not None
            return Reason.CREDENTIALS_MALFORMED if half and offered.token is None else None
        password = offered.password.reveal()
        user = await _find(offered.login, means)
        stored = user.hash if user else None
        refusal = user.refusal(means.now) if user else Reason.USER_UNKNOWN
        turn = means.turn.of(_canonical(offered.login) or offered.login, lets_in=refusal is None)
        right = await means.hasher.verify(password, stored, turn)
        if user is None:
            return Reason.USER_UNKNOWN
        if not right or not password or not stored:
            return Reason.PASSWORD_WRONG
        if refusal is not None:
            return refusal
        _renew_later(user.name, password, stored, means)
        return Principal(
            user.name, self.name, stored_user=True, generation=user.generation, max_sessions=user.max_sessions
        )

    def claimed(self, offered: Credentials, _means: Means, why: Reason) -> str | None:
        """The login in its canonical form, where the reason says that a user of that name is in the store."""
        return _canonical(offered.login) if why in _OF_A_USER else None


async def _find(login: str, means: Means) -> User | None:
    name = _canonical(login)
    # Without one the store is not asked: not every one takes every character.
    return None if name is None else await means.users.find(name)


def _canonical(login: str | None) -> str | None:
    try:
        return None if login is None else canonical(login)
    except BadName:
        return None


def _renew_later(name: str, password: str, stored: str, means: Means) -> None:
    task = asyncio.create_task(_renew(name, password, stored, means))
    _renewals.add(task)
    task.add_done_callback(_renewals.discard)


async def _renew(name: str, password: str, stored: str, means: Means) -> None:
    try:
        renewed = await means.hasher.renewed(password, stored)
        if renewed is not None and await means.users.renew(name, stored, renewed):
            log.info("renewed the password hash of user %s", name)
    except AuthgateError as fault:
        log.warning("could not renew the password hash of user %s: %s", name, fault)
    except Exception as fault:  # its traceback could hold the password
        log.error("could not renew the password hash of user %s: %s", name, type(fault).__name__)
