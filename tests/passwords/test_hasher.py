"""Password hashing: right and wrong, unusable hashes, what it costs and where it runs."""

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from passlib.context import CryptContext

from authgate.errors import ConfigError, Overloaded, Refused
from authgate.passwords import Hasher, Hashing, recognise, schemes

CHEAP = Hashing(memory=1024, time=1, workers=2)

# Hashes of "password" made elsewhere than here, at little cost; sha512_crypt is the vector of its specification.
BCRYPT = "04$m/TSfY31AM9O4VU2EN6z4ek85iDn37QO1Sm0OmgT0hg7gbRiQ.Mwy"
LEGACY = {
    "argon2id": "$argon2id$v=19$m=8,t=1,p=1$vvd+z/n/nzMG4DzHOCeEEA$KqfogIvuyHmJZ6gItd0ETebajS2ZS05DpEPOZ+n36tA",
    "bcrypt 2a": "$2a$" + BCRYPT,
    "bcrypt 2b": "$2b$" + BCRYPT,
    "bcrypt 2x": "$2x$" + BCRYPT,
    "bcrypt 2y": "$2y$" + BCRYPT,
    "pbkdf2 sha1": "$pbkdf2$1$9z5nrDVmjBFiLMWYsxbCeA$ZU.nlEVwHKzWD5KHwE6q7Fb0TZE",
    "pbkdf2 sha256": "$pbkdf2-sha256$1$WytFaE2Jcc55bw2hlBLiPA$ZFgDBeHNN4LQdS/csHSvhR5KzSdOm7.rxbF9vJxXP2g",
    "scrypt": "$scrypt$ln=1,r=8,p=1$yzln7L1XilEq5VwrhRBCyA$bXu6t545RWuiHyMTWtRiQvmgbRWvX19QHlcfatSOJaQ",
}
# "Hello world!"
SHA512 = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
ARGON2_WITH = "$argon2id$v=19$m={},t={},p={}$vvd+z/n/nzMG4DzHOCeEEA$KqfogIvuyHmJZ6gItd0ETebajS2ZS05DpEPOZ+n36tA"
SCRYPT_WITH = "$scrypt$ln={},r={},p={}$yzln7L1XilEq5VwrhRBCyA$bXu6t545RWuiHyMTWtRiQvmgbRWvX19QHlcfatSOJaQ"


class WatchedContext:
    """A libpass context that remembers which hashes were really tried."""

    def __init__(self, inner: CryptContext) -> None:
        self._inner = inner
        self.tried: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def verify(self, secret: bytes, stored: str) -> bool:
        self.tried.append(stored)
        return bool(self._inner.verify(secret, stored))


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    made = Hasher(CHEAP)
    yield made
    made.close()


@pytest.fixture
def tried(hasher: Hasher) -> list[str]:
    watched = WatchedContext(hasher._context)
    hasher._context = watched
    return watched.tried


@pytest.mark.parametrize("stored", LEGACY.values(), ids=LEGACY)
async def test_every_scheme(hasher: Hasher, stored: str) -> None:
    assert await hasher.verify("password", stored)
    for wrong in ("Password", "password ", "passwor", "password\0", "", "пароль"):
        assert not await hasher.verify(wrong, stored)


async def test_sha512_crypt(hasher: Hasher) -> None:
    assert await hasher.verify("Hello world!", SHA512)
    assert not await hasher.verify("Hello world", SHA512)


async def test_a_new_hash(hasher: Hasher) -> None:
    stored = await hasher.hash("pass wörd\n")
    assert stored.startswith("$argon2id$v=19$m=1024,t=1,p=1$")
    assert await hasher.verify("pass wörd\n", stored)
    assert not await hasher.verify("pass word\n", stored)
    assert stored != await hasher.hash("pass wörd\n")


NOT_HASHED = {
    "empty": "",
    "too long": "x" * 129,
    "not Unicode": "pass\ud800word",
    "NUL": "\0",
    "NUL inside": "pass\0word",
    "NUL at the end": "password\0",
}


@pytest.mark.parametrize("password", NOT_HASHED.values(), ids=NOT_HASHED)
async def test_what_cannot_be_a_password_is_refused_before_hashing(
    hasher: Hasher, tried: list[str], password: str
) -> None:
    with pytest.raises(Refused, match="a password"):
        await hasher.hash(password)
    for stored in (*LEGACY.values(), None, ""):  # alike for every user, so it tells nothing about them
        assert not await hasher.verify(password, stored)
    assert tried == []


async def test_a_megabyte_password_burns_nothing(hasher: Hasher, tried: list[str]) -> None:
    assert not await hasher.verify("x" * 10_000_000, LEGACY["bcrypt 2b"])
    assert tried == []


async def test_the_longest_password(hasher: Hasher) -> None:
    longest = "🙂" * 128
    stored = await hasher.hash(longest)
    assert await hasher.verify(longest, stored)
    assert not await hasher.verify("🙂" * 127 + "🙃", stored)


@pytest.mark.parametrize("stored", [*LEGACY.values(), None, ""])
async def test_an_empty_password_never_authenticates(hasher: Hasher, stored: str | None) -> None:
    assert not await hasher.verify("", stored)


async def test_an_empty_password_does_not_open_its_own_hash(hasher: Hasher) -> None:
    made_elsewhere = hasher._context.hash("")
    assert not await hasher.verify("", made_elsewhere)


# --- unusable hashes: never right, and as slow as a wrong password

UNUSABLE = {
    "none": None,
    "empty": "",
    "blank": " ",
    "a word": "password",
    "locked account": "!",
    "locked with its hash": "!" + LEGACY["bcrypt 2b"],
    "plain": "{PLAIN}password",
    "md5": "5f4dcc3b5aa765d61d8327deb882cf99",
    "old crypt": "$1$salt$abcdefghijklmnopqrstu1",
    "LDAP": "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr",
    "only a prefix, bcrypt": "$2b$",
    "only a prefix, argon2": "$argon2id$",
    "only a prefix, sha512_crypt": "$6$",
    "no digest, bcrypt": "$2b$12$",
    "no digest, argon2": "$argon2id$v=19$m=8,t=1,p=1$vvd+z/n/nzMG4DzHOCeEEA",
    "no digest, sha512_crypt": "$6$saltstring",
    "cut off, bcrypt": LEGACY["bcrypt 2b"][:-1],
    "cut off, argon2": LEGACY["argon2id"][:-20],
    "longer, bcrypt": LEGACY["bcrypt 2b"] + "x",
    "line end, bcrypt": LEGACY["bcrypt 2b"] + "\n",
    "line end, sha512_crypt": SHA512 + "\n",
    "NUL": LEGACY["argon2id"] + "\0",
    "letters outside ASCII": LEGACY["argon2id"] + "é",
    "lone surrogate": "$2b$\ud800",
    "lone surrogate, sha512_crypt": SHA512[:-1] + "\ud800",
    "bcrypt of another version": "$2c$" + BCRYPT,
    "bcrypt without a cost": "$2b$$" + BCRYPT[3:],
    "argon2 of another kind": LEGACY["argon2id"].replace("argon2id", "argon2x"),
    "argon2 that needs a terabyte": ARGON2_WITH.format(1 << 30, 1, 1),
    "argon2 of a million passes": ARGON2_WITH.format(8, 1_000_000, 1),
    "argon2 on a million threads": ARGON2_WITH.format(8 << 20, 1, 1 << 20),
    "argon2 of no memory": ARGON2_WITH.format(0, 1, 1),
    "bcrypt that takes a day": "$2b$31" + BCRYPT[2:],
    "pbkdf2 that takes a day": LEGACY["pbkdf2 sha256"].replace("$1$", "$4294967295$"),
    "scrypt that needs a terabyte": SCRYPT_WITH.format(30, 8, 1),
    "scrypt of a million blocks": SCRYPT_WITH.format(1, 1 << 20, 1),
    "scrypt on a million threads": SCRYPT_WITH.format(1, 8, 1 << 20),
    "sha512_crypt that takes an hour": SHA512.replace("$6$", "$6$rounds=999999999$"),
}


@pytest.mark.parametrize("stored", UNUSABLE.values(), ids=UNUSABLE)
async def test_an_unusable_hash_costs_a_wrong_password(hasher: Hasher, tried: list[str], stored: str | None) -> None:
    assert not await hasher.verify("password", stored)
    assert tried[-1] == hasher._decoy


async def test_the_decoy_costs_what_today_s_hashes_cost(hasher: Hasher) -> None:
    """Neither cheaper nor dearer than the configured parameters, or the time would tell who exists."""
    assert await hasher.renewed("password", hasher._decoy) is None
    assert await Hasher(Hashing(memory=2048, time=1, workers=1)).renewed("password", hasher._decoy) is not None


async def test_a_wrong_password_tries_one_hash(hasher: Hasher, tried: list[str]) -> None:
    assert not await hasher.verify("wrong", LEGACY["argon2id"])
    assert tried == [LEGACY["argon2id"]]


@pytest.mark.parametrize("scheme", ["bcrypt 2b", "argon2id", "pbkdf2 sha1", "scrypt"])
@pytest.mark.parametrize("password", ["\x01", "\x7f", "\r\n", "\ufffe", "\U0010ffff", "\u202e"])
async def test_no_password_raises(hasher: Hasher, tried: list[str], scheme: str, password: str) -> None:
    assert not await hasher.verify(password, LEGACY[scheme])
    assert len(tried) == 1


async def test_unusable_hashes_are_told_without_their_value(hasher: Hasher, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for stored in (UNUSABLE["LDAP"], UNUSABLE["cut off, argon2"], UNUSABLE["bcrypt that takes a day"]):
        assert stored
        await hasher.verify("letmein", stored)
        assert stored not in caplog.text
    assert len(caplog.records) == 3
    assert "letmein" not in caplog.text


async def test_a_user_without_a_hash_is_no_fault(hasher: Hasher, caplog: pytest.LogCaptureFixture) -> None:
    await hasher.verify("password", None)
    assert caplog.records == []


@pytest.mark.parametrize("stored", [*LEGACY.values(), SHA512], ids=[*LEGACY, "sha512_crypt"])
def test_a_form_tells_the_scheme_and_never_the_hash(stored: str) -> None:
    form = recognise(stored)
    assert form.usable
    assert form.scheme in schemes.CEILINGS
    assert form.costs.keys() == schemes.CEILINGS[form.scheme].keys()
    assert stored[-12:] not in repr(form)


# --- bcrypt and its 72 bytes

LONG = "x" * 71 + "é" + "tail"  # the 72 bytes end inside a letter


@pytest.fixture
def of_long(hasher: Hasher) -> str:
    return str(hasher._context.handler("bcrypt").using(rounds=4).hash(LONG.encode()[:72]))


async def test_bcrypt_sees_72_bytes(hasher: Hasher, of_long: str) -> None:
    assert await hasher.verify(LONG, of_long)
    assert await hasher.verify("x" * 71 + "é" + "other", of_long)
    assert not await hasher.verify("x" * 71, of_long)
    assert not await hasher.verify("y" + LONG[1:], of_long)


async def test_a_hash_of_a_part_never_becomes_the_hash_of_a_mistyped_rest(hasher: Hasher, of_long: str) -> None:
    assert await hasher.renewed("x" * 71 + "é" + "mistyped", of_long) is None


async def test_new_hashes_see_all_of_a_long_password(hasher: Hasher) -> None:
    """Joined with 72 bytes of anything in front, no password may open the door for another."""
    stored = await hasher.hash("x" * 80 + "right")
    assert await hasher.verify("x" * 80 + "right", stored)
    assert not await hasher.verify("x" * 80 + "wrong", stored)


# --- renewal


@pytest.mark.parametrize("stored", [*LEGACY.values(), SHA512], ids=[*LEGACY, "sha512_crypt"])
async def test_outdated_hashes_are_renewed(hasher: Hasher, stored: str) -> None:
    renewed = await hasher.renewed("password", stored)
    assert renewed is not None
    assert renewed.startswith("$argon2id$v=19$m=1024,t=1,p=1$")
    assert await hasher.verify("password", renewed)


NOT_RENEWED = {
    "empty password": ("", LEGACY["bcrypt 2b"]),
    "unknown form": ("password", "x"),
    "empty": ("password", ""),
}


@pytest.mark.parametrize(("password", "stored"), NOT_RENEWED.values(), ids=NOT_RENEWED)
async def test_nothing_else_is_renewed(hasher: Hasher, password: str, stored: str) -> None:
    assert await hasher.renewed(password, stored) is None


async def test_today_s_hash_is_not_renewed(hasher: Hasher) -> None:
    assert await hasher.renewed("password", await hasher.hash("password")) is None


# --- the pool


async def test_hashing_leaves_the_event_loop_alone(hasher: Hasher) -> None:
    assert await hasher._pool.run(threading.get_ident) != threading.get_ident()


async def _until_waits(jobs: list[asyncio.Task[bool]]) -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(job.done() for job in jobs)


async def test_what_does_not_fit_into_the_queue_is_refused_at_once() -> None:
    hasher, gate = Hasher(Hashing(memory=1024, time=1, workers=1, queue=1)), threading.Event()
    try:
        jobs = [asyncio.create_task(hasher._pool.run(gate.wait)) for _ in range(2)]
        await _until_waits(jobs)
        with pytest.raises(Overloaded):
            await hasher.verify("password", LEGACY["argon2id"])
        with pytest.raises(Overloaded):
            await hasher.hash("password")
        with pytest.raises(Overloaded):
            await hasher.renewed("password", LEGACY["bcrypt 2b"])
    finally:
        gate.set()
    assert await asyncio.gather(*jobs) == [True, True]
    assert await hasher.verify("password", LEGACY["argon2id"])
    hasher.close()


async def test_a_caller_that_gives_up_withdraws_its_job() -> None:
    hasher, gate, done = Hasher(Hashing(memory=1024, time=1, workers=1, queue=1)), threading.Event(), []
    try:
        busy = asyncio.create_task(hasher._pool.run(gate.wait))
        late: asyncio.Task[None] = asyncio.create_task(hasher._pool.run(done.append, "late"))
        await _until_waits([busy])
        late.cancel()
        with pytest.raises(asyncio.CancelledError):
            await late
        next_one: asyncio.Task[None] = asyncio.create_task(hasher._pool.run(done.append, "next"))
        await _until_waits([busy])
    finally:
        gate.set()
    await asyncio.gather(busy, next_one)
    assert done == ["next"]
    hasher.close()


async def test_a_closed_hasher_takes_no_work() -> None:
    hasher = Hasher(CHEAP)
    hasher.close()
    for _ in range(100):  # more than its places: refusing keeps none of them
        with pytest.raises(Overloaded, match="has ended"):
            await hasher.verify("password", LEGACY["argon2id"])


async def test_a_machine_that_starts_no_process_is_trouble(hasher: Hasher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(Overloaded, match="sha512_crypt"):
        await hasher.verify("Hello world!", SHA512)


async def test_a_process_that_fails_opens_nothing(
    hasher: Hasher, tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert not await hasher.verify("Hello world!", SHA512)
    assert tried == [hasher._decoy]


# --- the libraries


def test_the_self_test_proves_every_scheme(hasher: Hasher) -> None:
    hasher.self_test()
    assert set(schemes.KNOWN) == set(schemes.CEILINGS)


def test_a_scheme_that_does_not_work_stops_the_start(hasher: Hasher, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the old passlib with bcrypt 5 does: every bcrypt hash raises, or is wrong."""
    monkeypatch.setitem(schemes.KNOWN, "bcrypt", "$2b$04$")
    monkeypatch.setitem(schemes.KNOWN, "scrypt", SCRYPT_WITH.format(2, 8, 1))
    with pytest.raises(ConfigError) as caught:
        hasher.self_test()
    assert [fault.partition(" does not work")[0] for fault in caught.value.faults] == [
        "hashing: bcrypt",
        "hashing: scrypt",
    ]
    assert "libpass" in caught.value.faults[0]


def test_defaults_for_workers_come_from_the_machine() -> None:
    Hasher(Hashing()).close()
