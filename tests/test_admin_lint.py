"""Which password hashes let nobody in or protect badly, and what is said about them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest

from authgate.admin import pages
from authgate.admin.lint import REFUSED, Fault, Finding, Lint
from authgate.errors import Overloaded
from authgate.model import User
from authgate.passwords import Hashing
from tests.passwords.hashers import EVERYTHING, Watched
from tests.passwords.vectors import VECTORS

STRICT = Hashing(memory=1024, time=1, workers=2)
GOOD = VECTORS["argon2id of PHP"].ascii
MANY = VECTORS["pbkdf2 sha256 of Django"].ascii


class FakeUsers:
    """The page by page list of the store's users."""

    def __init__(self, **hashes: str | None) -> None:
        self._users = [User(name, name, hash=stored) for name, stored in sorted(hashes.items())]
        self.pages = 0

    async def list(self, *, after: str = "", limit: int = 100) -> Sequence[User]:
        self.pages += 1
        return [each for each in self._users if each.name > after][:limit]


@pytest.fixture
async def hasher() -> AsyncIterator[Watched]:
    made = Watched(EVERYTHING)
    yield made
    made.close()


def lint(hasher: Watched, users: FakeUsers, options: Hashing = STRICT, deadline: float = 60) -> Lint:
    return Lint(SimpleNamespace(users=users), hasher, options, deadline)


async def found(of: Lint) -> list[Finding]:
    return [each async for each in of.findings()]


CASES = {
    # hash, the options that are not at rest -> fault, part of why, part of the advice
    "good": (GOOD, {}, None, "", ""),
    "no password": (None, {}, None, "", ""),
    "empty": ("", {}, Fault.UNUSABLE, "form is unknown", "user set --no-password -- ann"),
    "locked": ("!", {}, Fault.UNUSABLE, "locked", "user password -- ann"),
    "cut off": (VECTORS["bcrypt 2b"].ascii[:-1], {}, Fault.UNUSABLE, "damaged", "user password -- ann"),
    "clear": ("{PLAIN}letmein", {}, Fault.UNUSABLE, "in clear", "user password -- ann"),
    "over the ceiling": (MANY.replace("10000", "9999999"), {}, Fault.OVER_COSTLY, "rounds 9999999", "user password"),
    "over the memory": (GOOD.replace("m=1024", "m=300000"), {}, Fault.OVER_COSTLY, "300000 KiB", "hashing.max_memory"),
    "memory allowed": (GOOD.replace("m=1024", "m=30000"), {"max_memory": 40_000}, None, "", ""),
    "legacy": (VECTORS["phpass"].ascii, {}, Fault.NOT_ENABLED, "rounds of MD5", "list phpass in hashing.legacy"),
    "legacy, listed": (
        VECTORS["phpass"].ascii,
        {"legacy": ("phpass",)},
        Fault.WEAK,
        "rounds of MD5",
        "next good login",
    ),
    "below the floor": (MANY.replace("10000", "999"), {}, Fault.NOT_ENABLED, "rounds 999, less", "list low_cost"),
    "below the floor, listed": (
        MANY.replace("10000", "999"),
        {"legacy": ("low_cost",)},
        Fault.BELOW_FLOOR,
        "rounds 999, less than 10000",
        "next good login",
    ),
}


@pytest.mark.parametrize(("stored", "options", "fault", "why", "advice"), CASES.values(), ids=CASES)
async def test_findings(hasher, stored, options, fault, why, advice):
    seen = lint(hasher, FakeUsers(ann=stored), replace(STRICT, **options))
    findings = await found(seen)
    assert [each.fault for each in findings] == ([fault] if fault else [])
    assert seen.refused == (fault in REFUSED)
    for each in findings:
        assert each.user == "ann"
        assert why in each.why
        assert advice in each.advice
        assert not stored or stored not in repr(each)


async def test_all_pages_are_read_and_counted(hasher):
    names = {f"u{number:04}": GOOD for number in range(2 * pages.PAGE)} | {"zoe": "!", "tok": None}
    users = FakeUsers(**names)
    seen = lint(hasher, users)
    assert [each.user for each in await found(seen)] == ["zoe"]
    assert users.pages == 4
    assert seen.users == 2 * pages.PAGE + 2
    assert seen.schemes == {"argon2": 2 * pages.PAGE, "unknown": 1}
    assert seen.faults == {Fault.UNUSABLE: 1}


async def test_a_hash_past_the_deadline_is_told(hasher):
    seen = lint(hasher, FakeUsers(ann=GOOD), deadline=0)
    (only,) = await found(seen)
    assert only.fault is Fault.OVER_COSTLY
    assert "server.deadline is 0 s" in only.why
    assert "raise server.deadline" in only.advice


async def test_each_cost_is_tried_once_and_cheaper_ones_never(hasher):
    rounds = [12_000, 10_000, 12_000, 11_000, 13_000, 13_000, 10_001]
    hashes = {f"u{at}": MANY.replace("10000", str(each)) for at, each in enumerate(rounds)}
    await found(lint(hasher, FakeUsers(**hashes)))
    assert len(hasher.tried) == 2  # 12,000 and 13,000


async def test_each_cost_past_the_deadline_is_tried_once(hasher):
    seen = lint(hasher, FakeUsers(ann=MANY, bob=MANY, eve=MANY.replace("10000", "10001")), deadline=0)
    assert len(await found(seen)) == 3
    assert len(hasher.tried) == 2


async def test_rows_that_each_cost_something_else_do_not_take_for_ever(hasher):
    hashes = {f"u{each}": MANY.replace("10000", str(each)) for each in range(10_000, 10_200)}
    await found(lint(hasher, FakeUsers(**hashes)))
    assert len(hasher.tried) == 100


async def test_a_hash_whose_process_is_killed_is_past_the_deadline(hasher, monkeypatch):
    def killed(*_: object) -> bool:
        raise Overloaded("it does not answer")

    monkeypatch.setattr(hasher._apart, "opens", killed)
    (only,) = await found(lint(hasher, FakeUsers(ann=VECTORS["sha512_crypt"].ascii)))
    assert only.fault is Fault.OVER_COSTLY


async def test_a_name_cannot_put_a_command_into_the_advice(hasher):
    (only,) = await found(lint(hasher, FakeUsers(**{"$(reboot)": "!"})))
    assert "-- '$(reboot)'" in only.advice
