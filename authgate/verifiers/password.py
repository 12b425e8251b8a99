"""Who is the client? The login and password that it brings say so."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Literal

from authgate.errors import AuthgateError, BadName
from authgate.guessing import Attempt, Guess
from authgate.model import NOWHERE, Credentials, Principal, Reason, Secret, User
from authgate.names import canonical
from authgate.ports import Means
from authgate.turn import Turn

log = logging.getLogger(__name__)

_OF_A_USER = {
    Reason.PASSWORD_WRONG,
    Reason.GUESSING_LOCKED,
    Reason.USER_DISABLED,
    Reason.USER_EXPIRED,
    Reason.USER_NOT_YET_VALID,
}
_renewals: set[asyncio.Task[None]] = set()  # asyncio alone would not keep them alive


@dataclass(frozen=True, slots=True)
class PasswordVerifier:
    """Verifies a login and its password against the user store.

    A guess is counted before anything looks at the password, also what remembers it, and counts for nothing once it
    turns out to be right; see ``guessing``. Users who are unknown, locked, disabled, expired or without a password
    cost the work of a wrong password, and so does a login that is no possible user name; all of them are answered at a
    time that tells nothing. The hash of a good login is renewed where it is outdated, after the answer and without
    bearing on it, unless it is a source's, which is only read.
    """

    type: Literal["password"] = "password"
    name: str = "password"

    async def verify(self, offered: Credentials, means: Means) -> Principal | Reason | None:
        """The client, or the reason to reject it, or None where no login and password are offered.

        A login or a password alone beside a token belongs to the application, not to us.

        Raises:
            StoreError: the user cannot be looked up.
            Overloaded: the password cannot be hashed in time, or too many are being tried for this user.
        """
        if offered.malformed:
            return Reason.CREDENTIALS_MALFORMED
        if offered.login is None or offered.password is None:
            half = offered.login is not None or offered.password is not None
            return Reason.CREDENTIALS_MALFORMED if half and offered.token is None else None
        began = asyncio.get_running_loop().time()
        user = await _find(offered.login, means)
        guess = _guess(offered.login, offered.password, user, means)
        if user is not None and await _is_back(guess, offered.login, user, means):
            means.guessing.note(began, user.hash)
            return await self._let_in(user, offered.password.reveal(), user.hash, means)
        # Whoever cannot be served is told so before a guess is counted for it: in a storm that is nearly everybody.
        known = user.hash if user is not None else None
        with means.hasher.room(offered.password.reveal(), known, _turn(offered.login, user, means)):
            attempt = await means.guessing.begin(guess, dry=means.dry)
        stored = user.hash if user is not None and not attempt.refused else None
        try:
            reason = await _tried(offered.login, offered.password.reveal(), stored, user, attempt, means)
        finally:
            attempt.over()
        if user is None or reason is not Reason.OK:
            await means.guessing.even(began + attempt.waited, stored)
            return reason
        means.guessing.note(began + attempt.waited, stored)
        return await self._let_in(user, offered.password.reveal(), stored, means)

    async def _let_in(self, user: User, password: str, stored: str | None, means: Means) -> Principal:
        user = await _proven(user, password, stored, means)
        return Principal(
            user.name, self.name, stored_user=True, generation=user.generation, max_sessions=user.max_sessions
        )

    def claimed(self, offered: Credentials, _means: Means, why: Reason) -> str | None:
        """The login in its canonical form, where the reason says that a user of that name is in the store."""
        return _canonical(offered.login) if why in _OF_A_USER else None


async def _is_back(guess: Guess, login: str, user: User, means: Means) -> bool:
    """Whether this client comes back with what it was let in with just before, from where it was: after a restart of
    the media server all of them do, and to count each of them for a moment would take longer than all the rest.
    """
    turn = _turn(login, user, means)
    password = guess.password.reveal()
    return turn.lets_in and await means.guessing.settled(guess) and means.hasher.remembers(password, user.hash, turn)


def _guess(login: str, password: Secret, user: User | None, means: Means) -> Guess:
    where = means.where() if means.where is not None else NOWHERE
    stored = user.hash if user is not None else None
    return Guess(_canonical(login) or "", password, user is not None, stored, where.address, where.app_key)


async def _tried(
    login: str, password: str, stored: str | None, user: User | None, attempt: Attempt, means: Means
) -> Reason:
    """OK, or why not. Only a wrong password counts; the right one of a user who is not let in does not."""
    refusal = _refusal(user, means)
    right = await means.hasher.verify(password, stored, _turn(login, user, means, refused=attempt.refused))
    if user is None or not right or not password or not stored:
        await attempt.wrong()
        if user is None:
            return Reason.USER_UNKNOWN
        return Reason.GUESSING_LOCKED if attempt.refused else Reason.PASSWORD_WRONG
    if refusal is not None:
        return refusal
    attempt.right()
    return Reason.OK


def _refusal(user: User | None, means: Means) -> Reason | None:
    return user.refusal(means.now) if user is not None else Reason.USER_UNKNOWN


def _turn(login: str, user: User | None, means: Means, *, refused: bool = False) -> Turn:
    return means.turn.of(_canonical(login) or login, lets_in=not refused and _refusal(user, means) is None)


async def _proven(user: User, password: str, stored: str | None, means: Means) -> User:
    """The user as it is from now on, since its password was right: the store may take it over from a source."""
    if means.dry or stored is None:
        return user
    user = await means.users.proven(user)
    if user.origin is None or user.origin.moves:
        _renew_later(user, password, stored, means)
    return user


async def _find(login: str, means: Means) -> User | None:
    name = _canonical(login)
    # Without one the store is not asked: not every one takes every character.
    return None if name is None else await means.users.find(name, login)


def _canonical(login: str | None) -> str | None:
    try:
        return None if login is None else canonical(login)
    except BadName:
        return None


def _renew_later(user: User, password: str, stored: str, means: Means) -> None:
    task = asyncio.create_task(_renew(user, password, stored, means))
    _renewals.add(task)
    task.add_done_callback(_renewals.discard)


async def _renew(user: User, password: str, stored: str, means: Means) -> None:
    name = user.name
    try:
        renewed = await means.hasher.renewed(password, stored)
        if renewed is None and user.origin is not None:
            renewed = stored  # good as it is, and from now on the store has it
        if renewed is not None and await means.users.renew(name, stored, renewed):
            log.info("renewed the password hash of user %s", name)
    except AuthgateError as fault:
        log.warning("could not renew the password hash of user %s: %s", name, fault)
    except Exception as fault:  # its traceback could hold the password
        log.error("could not renew the password hash of user %s: %s", name, type(fault).__name__)
