"""Who a login and a password prove."""

import asyncio
import dataclasses
import logging

import pytest

from authgate.errors import Overloaded, StoreError
from authgate.model import Credentials, Principal, Reason, Secret, User, Where
from authgate.ports import Means
from authgate.turn import Turn
from authgate.verifiers import password as module
from authgate.verifiers.password import PasswordVerifier
from tests.fakes import FakeGuessing
from tests.verifiers.fakes import FakeHasher, FakeUsers, means
from tests.verifiers.forge import NOW

VERIFIER = PasswordVerifier()
ANN = User("ann", "Ann", hash="made:right")
BOB = User("bob", "Bob", enabled=False, hash="made:right")
SSO = User("sso", "Sso", hash=None)
BLANK = User("blank", "Blank", hash="")
EMPTY = User("empty", "Empty", hash="made:")
OLD = User("old", "Old", hash="outdated:right")
LATE = User("late", "Late", hash="made:right", expires_at=NOW)
EARLY = User("early", "Early", hash="made:right", not_before=NOW + 1)
TIMELY = User("timely", "Timely", hash="made:right", not_before=NOW, expires_at=NOW + 1)
ALL = (ANN, BOB, SSO, BLANK, EMPTY, OLD, LATE, EARLY, TIMELY)


def offered(login: str | None, password: str | None, token: str | None = None) -> Credentials:
    return Credentials(
        token=None if token is None else Secret(token),
        login=login,
        password=None if password is None else Secret(password),
    )


CASES = {
    "nothing": (Credentials(), None),
    "a token only": (offered(None, None, "x"), None),
    "a login beside a token": (offered("ann", None, "x"), None),
    "a password beside a token": (offered(None, "right", "x"), None),
    "right": (offered("ann", "right"), Principal("ann", "password", stored_user=True, generation=0)),
    "right, login in another form": (
        offered(" ＡNN", "right"),
        Principal("ann", "password", stored_user=True, generation=0),
    ),
    "right, beside a token": (
        offered("ann", "right", "x"),
        Principal("ann", "password", stored_user=True, generation=0),
    ),
    "wrong": (offered("ann", "wrong"), Reason.PASSWORD_WRONG),
    "wrong by a capital letter": (offered("ann", "Right"), Reason.PASSWORD_WRONG),
    "empty password": (offered("ann", ""), Reason.PASSWORD_WRONG),
    "empty password that a hash was made of": (offered("empty", ""), Reason.PASSWORD_WRONG),
    "empty password of nobody": (offered("eve", ""), Reason.USER_UNKNOWN),
    "unknown user": (offered("eve", "right"), Reason.USER_UNKNOWN),
    "empty login": (offered("", "right"), Reason.USER_UNKNOWN),
    "both empty": (offered("", ""), Reason.USER_UNKNOWN),
    "disabled user, right": (offered("bob", "right"), Reason.USER_DISABLED),
    "disabled user, wrong": (offered("bob", "wrong"), Reason.PASSWORD_WRONG),
    "expired user, right": (offered("late", "right"), Reason.USER_EXPIRED),
    "expired user, wrong": (offered("late", "wrong"), Reason.PASSWORD_WRONG),
    "user of tomorrow, right": (offered("early", "right"), Reason.USER_NOT_YET_VALID),
    "user of tomorrow, wrong": (offered("early", "wrong"), Reason.PASSWORD_WRONG),
    "user of today": (offered("timely", "right"), Principal("timely", "password", stored_user=True, generation=0)),
    "user without a hash": (offered("sso", "right"), Reason.PASSWORD_WRONG),
    "user with an empty hash": (offered("blank", "right"), Reason.PASSWORD_WRONG),
    "user with an empty hash, empty password": (offered("blank", ""), Reason.PASSWORD_WRONG),
    "no password": (offered("ann", None), Reason.CREDENTIALS_MALFORMED),
    "no login": (offered(None, "right"), Reason.CREDENTIALS_MALFORMED),
    "malformed": (Credentials(malformed=True), Reason.CREDENTIALS_MALFORMED),
}


@pytest.mark.parametrize(("credentials", "outcome"), CASES.values(), ids=CASES)
async def test_password(credentials: Credentials, outcome: Principal | Reason | None) -> None:
    assert await VERIFIER.verify(credentials, means(*ALL)) == outcome


def _parts(given: Means) -> tuple[FakeUsers, FakeHasher]:
    assert isinstance(given.users, FakeUsers)
    assert isinstance(given.hasher, FakeHasher)
    return given.users, given.hasher


ENUMERATION = {
    "known": ("ann", "made:right"),
    "unknown": ("eve", None),
    "disabled": ("bob", "made:right"),
    "expired": ("late", "made:right"),
    "of tomorrow": ("early", "made:right"),
    "without a hash": ("sso", None),
    "no possible name": ("ann\0", None),
}


@pytest.mark.parametrize(("login", "tried"), ENUMERATION.values(), ids=ENUMERATION)
async def test_every_wrong_login_costs_one_hash(login: str, tried: str | None) -> None:
    given = means(*ALL)
    outcome = await VERIFIER.verify(offered(login, "wrong"), given)
    assert outcome in (Reason.PASSWORD_WRONG, Reason.USER_UNKNOWN)
    assert _parts(given)[1].tried == [tried]


TURNS = {
    "known": ("ann", "ann", True),
    "in another form": (" \uff21NN", "ann", True),
    "unknown": ("eve", "eve", False),
    "disabled": ("bob", "bob", False),
    "expired": ("late", "late", False),
    "not let in yet": ("early", "early", False),
    "without a hash": ("sso", "sso", True),
    "no possible name": ("ann\0", "ann\0", False),
}


@pytest.mark.parametrize(("login", "user", "lets_in"), TURNS.values(), ids=TURNS)
async def test_only_users_who_may_come_in_are_let_in_from_memory(login: str, user: str, lets_in: bool) -> None:
    """Or the time of a right password would tell it of a user who is locked out."""
    given = dataclasses.replace(means(*ALL), turn=Turn("app", 12.0))
    await VERIFIER.verify(offered(login, "right"), given)
    assert _parts(given)[1].turns == [Turn("app", 12.0, user, lets_in)]


IMPOSSIBLE_LOGINS = [
    "",
    " ",
    "ann\0",
    "\0",
    "ann\n",
    "\ud800",
    "ann\udfff",
    "a" * 191,
    "\u202enna",
    "ann\u200b",
    "\x7f",
]


@pytest.mark.parametrize("login", IMPOSSIBLE_LOGINS, ids=ascii)
async def test_nul_in_a_login_never_reaches_the_store(login: str) -> None:
    given = means(*ALL)
    assert await VERIFIER.verify(offered(login, "right"), given) is Reason.USER_UNKNOWN
    users, hasher = _parts(given)
    assert users.asked == []
    assert hasher.tried == [None]


SQL = ["ann'--", "' OR '1'='1", "ann\\", "%", "_nn", "ann;DROP TABLE users", "1 OR 1=1", "$(id)", "{{ann}}"]


@pytest.mark.parametrize("login", SQL)
async def test_sql_in_a_login_is_an_unknown_user(login: str) -> None:
    assert await VERIFIER.verify(offered(login, "right"), means(*ALL)) is Reason.USER_UNKNOWN


CLAIMED = {
    "a user's name": ("Ann ", Reason.PASSWORD_WRONG, "ann"),
    "a disabled user's": ("Ann ", Reason.USER_DISABLED, "ann"),
    "an expired user's": ("Ann ", Reason.USER_EXPIRED, "ann"),
    "one's whose time has not come": ("Ann ", Reason.USER_NOT_YET_VALID, "ann"),
    "nobody's name, which may be a password in the wrong field": ("correct horse", Reason.USER_UNKNOWN, None),
    "a name alone": ("correct horse", Reason.CREDENTIALS_MALFORMED, None),
    "a name that was not looked up": ("correct horse", Reason.OVERLOADED, None),
    "no possible name": ("a\0b", Reason.PASSWORD_WRONG, None),
    "nothing": (None, Reason.PASSWORD_WRONG, None),
}


@pytest.mark.parametrize(("login", "why", "user"), CLAIMED.values(), ids=CLAIMED)
def test_claimed(login: str | None, why: Reason, user: str | None) -> None:
    assert PasswordVerifier().claimed(Credentials(login=login), means(), why) == user


async def test_an_empty_user_table_lets_nobody_in() -> None:
    assert await VERIFIER.verify(offered("ann", "right"), means()) is Reason.USER_UNKNOWN


@pytest.mark.parametrize("trouble", [StoreError("away"), Overloaded("full")], ids=["store away", "queue full"])
async def test_trouble_lets_nobody_in(trouble: StoreError | Overloaded) -> None:
    given = means(*ALL)
    users, hasher = _parts(given)
    if isinstance(trouble, StoreError):
        users.fault = trouble
    else:
        hasher.fault = trouble
    with pytest.raises(type(trouble)):
        await VERIFIER.verify(offered("ann", "right"), given)


def _guessing(given: Means) -> FakeGuessing:
    assert isinstance(given.guessing, FakeGuessing)
    return given.guessing


COUNTED = {
    "right": ("ann", "right", ["right", "over"]),
    "wrong": ("ann", "wrong", ["wrong", "over"]),
    "empty": ("ann", "", ["wrong", "over"]),
    "unknown": ("eve", "right", ["wrong", "over"]),
    "no possible name": ("a\0", "right", ["wrong", "over"]),
    "without a hash": ("sso", "right", ["wrong", "over"]),
    "disabled, right": ("bob", "right", ["over"]),
    "disabled, wrong": ("bob", "wrong", ["wrong", "over"]),
}


@pytest.mark.parametrize(("login", "password", "told"), COUNTED.values(), ids=COUNTED)
async def test_only_a_wrong_password_counts(login: str, password: str, told: list[str]) -> None:
    given = means(*ALL)
    await VERIFIER.verify(offered(login, password), given)
    assert _guessing(given).told == told


@pytest.mark.parametrize("credentials", [Credentials(), offered("ann", None, "x"), Credentials(malformed=True)])
async def test_what_is_no_guess_is_not_counted(credentials: Credentials) -> None:
    given = means(*ALL)
    await VERIFIER.verify(credentials, given)
    assert _guessing(given).guesses == []


async def test_a_guess_says_whose_password_it_is_and_where_it_comes_from() -> None:
    given = dataclasses.replace(means(*ALL), where=lambda: Where("app", "203.0.113.7"))
    await VERIFIER.verify(offered(" ANN", "wrong"), given)
    await VERIFIER.verify(offered("Eve", "wrong"), given)
    ann, eve = _guessing(given).guesses
    assert (ann.user, ann.exists, ann.stored, ann.address, ann.app_key) == (
        "ann",
        True,
        ANN.hash,
        "203.0.113.7",
        "app",
    )
    assert (eve.user, eve.exists, eve.stored) == ("eve", False, None)
    assert "wrong" not in repr(ann)


LOCKED = {
    "right": ("ann", "right", Reason.GUESSING_LOCKED),
    "wrong": ("ann", "wrong", Reason.GUESSING_LOCKED),
    "unknown": ("eve", "right", Reason.USER_UNKNOWN),
    "disabled": ("bob", "right", Reason.GUESSING_LOCKED),
}


@pytest.mark.parametrize(("login", "password", "reason"), LOCKED.values(), ids=LOCKED)
async def test_what_is_refused_costs_a_hash_that_no_password_opens(login: str, password: str, reason: Reason) -> None:
    given = means(*ALL)
    _guessing(given).refused |= {"ann", "eve", "bob"}
    assert await VERIFIER.verify(offered(login, password), given) is reason
    assert _parts(given)[1].tried == [None]
    assert _guessing(given).evened == [None]
    assert "right" not in _guessing(given).told


EVENED = {
    "wrong": ("ann", "wrong", ["made:right"]),
    "unknown": ("eve", "wrong", [None]),
    "disabled": ("bob", "right", ["made:right"]),
    "without a hash": ("sso", "wrong", [None]),
    "right": ("ann", "right", []),
}


@pytest.mark.parametrize(("login", "password", "evened"), EVENED.values(), ids=EVENED)
async def test_every_failed_login_is_answered_at_an_even_pace(login: str, password: str, evened: list[str]) -> None:
    given = means(*ALL)
    await VERIFIER.verify(offered(login, password), given)
    assert _guessing(given).evened == evened
    assert _guessing(given).noted == ([] if evened else ["made:right"])


@pytest.mark.parametrize("fault", [Overloaded("full"), asyncio.CancelledError()], ids=["overload", "deadline"])
async def test_what_was_not_tried_to_its_end_does_not_count(fault: BaseException) -> None:
    given = means(*ALL)
    _parts(given)[1].fault = fault  # type: ignore[assignment]
    with pytest.raises(type(fault)):
        await VERIFIER.verify(offered("ann", "wrong"), given)
    assert _guessing(given).told == ["over"]


async def test_whoever_comes_back_to_where_it_was_let_in_is_not_counted() -> None:
    given = means(*ALL)
    hasher = _parts(given)[1]
    _guessing(given).at_home, hasher.remembered = {"ann"}, ("right",)
    found = await VERIFIER.verify(offered("Ann", "right"), given)
    assert isinstance(found, Principal)
    assert (found.user, hasher.tried, _guessing(given).guesses) == ("ann", [], [])
    assert _guessing(given).noted == ["made:right"]


COUNTED_ALL_THE_SAME = {
    "elsewhere": ("ann", "right", set[str](), ("right",)),
    "another password": ("ann", "wrong", {"ann"}, ("right",)),
    "not remembered": ("ann", "right", {"ann"}, ()),
    "disabled": ("bob", "right", {"bob"}, ("right",)),
    "expired": ("late", "right", {"late"}, ("right",)),
    "nobody": ("nobody", "right", {"nobody"}, ("right",)),
    "without a hash": ("sso", "right", {"sso"}, ()),
}


@pytest.mark.parametrize(
    ("name", "password", "at_home", "remembered"), COUNTED_ALL_THE_SAME.values(), ids=COUNTED_ALL_THE_SAME
)
async def test_everybody_else_is_counted(
    name: str, password: str, at_home: set[str], remembered: tuple[str, ...]
) -> None:
    given = means(*ALL)
    _guessing(given).at_home, _parts(given)[1].remembered = at_home, remembered
    await VERIFIER.verify(offered(name, password), given)
    assert len(_guessing(given).guesses) == 1
    assert _guessing(given).told[-1] == "over"


@pytest.mark.parametrize("name", ["ann", "nobody", "bob"])
@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_whoever_cannot_be_served_takes_no_place_among_the_guesses(name: str, password: str) -> None:
    given = means(*ALL)
    _parts(given)[1].full = True
    with pytest.raises(Overloaded):
        await VERIFIER.verify(offered(name, password), given)
    assert _guessing(given).told == _guessing(given).guesses == []


async def _settle() -> None:
    while module._renewals:
        await asyncio.wait(module._renewals)


async def test_a_good_login_renews_an_outdated_hash_after_the_answer() -> None:
    given = means(*ALL)
    users, _ = _parts(given)
    assert await VERIFIER.verify(offered("old", "right"), given) == Principal(
        "old", "password", stored_user=True, generation=0
    )
    assert users.rows["old"].hash == "outdated:right"
    await _settle()
    assert users.rows["old"].hash == "made:right"


@pytest.mark.parametrize("login", ["ann", "eve", "bob", "old"])
async def test_nothing_else_renews_a_hash(login: str) -> None:
    given = means(*ALL)
    users, _ = _parts(given)
    before = dict(users.rows)
    password = "wrong" if login == "old" else "right"
    await VERIFIER.verify(offered(login, password), given)
    await _settle()
    assert users.rows == before


async def test_a_hash_that_was_changed_meanwhile_is_left_alone() -> None:
    given = means(*ALL)
    users, _ = _parts(given)
    await VERIFIER.verify(offered("old", "right"), given)
    users.rows["old"] = User("old", "Old", hash="made:another")
    await _settle()
    assert users.rows["old"].hash == "made:another"


FAULTS = {
    "store away": StoreError("away"),
    "our mistake": RuntimeError("secret right"),
    "queue full": Overloaded("full"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_failed_renewal_fails_no_login(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    given = means(*ALL)
    users, hasher = _parts(given)
    if isinstance(fault, StoreError):
        users.renew_fault = fault
    else:
        hasher.renew_fault = fault
    assert await VERIFIER.verify(offered("old", "right"), given) == Principal(
        "old", "password", stored_user=True, generation=0
    )
    await _settle()
    assert users.rows["old"].hash == "outdated:right"
    assert "could not renew the password hash of user old" in caplog.text
    assert "right" not in caplog.text


@pytest.mark.parametrize("limit", [None, 0, 3])
async def test_a_client_brings_the_limit_of_its_user(limit: int | None) -> None:
    user = User("ann", "Ann", hash="made:right", max_sessions=limit)
    found = await VERIFIER.verify(offered("ann", "right"), means(user))
    assert isinstance(found, Principal)
    assert found.max_sessions == limit
