"""Password hashing: right and wrong, unusable hashes and what they cost, renewal."""

import asyncio
import logging
import threading
import time

import pytest

from authgate.errors import ConfigError, Overloaded, Refused
from authgate.passwords import Hasher, Hashing, known
from authgate.passwords.lanes import Effort
from authgate.turn import Turn
from tests.passwords.hashers import CHEAP, Watched
from tests.passwords.test_schemes import UNUSABLE
from tests.passwords.vectors import ASCII, OTHER, VECTORS, Vector

EACH = [pytest.param(each, id=name) for name, each in VECTORS.items()]
GOOD = {name: each.ascii for name, each in VECTORS.items() if not each.legacy}
LEGACY = {name: each for name, each in VECTORS.items() if each.legacy}
ARGON2 = GOOD["argon2id of PHP"]
BCRYPT = GOOD["bcrypt 2b"]


@pytest.mark.parametrize("vector", EACH)
async def test_every_form(tolerant: Watched, vector: Vector) -> None:
    assert await tolerant.verify(ASCII, vector.ascii)
    assert await tolerant.verify(OTHER, vector.other)
    for wrong in ("Password", "password ", "passwor", "password\0", "", "пароль"):
        assert not await tolerant.verify(wrong, vector.ascii)


async def test_bcrypt_2x_is_right_for_ascii(hasher: Watched) -> None:
    """PHP: crypt($P, "\\$2x\\$05\\$m/TSfY31AM9O4VU2EN6z4e"); its fault is not computed here, so the other is wrong."""
    assert await hasher.verify(ASCII, "$2x$05$m/TSfY31AM9O4VU2EN6z4eHeBgARp2xmI4asQvtwAfK5njrOVCU7m")
    assert not await hasher.verify(OTHER, "$2x$05$m/TSfY31AM9O4VU2EN6z4e.6IHL5LxUpVXfIPoBG1LlLbWkbaPyUa")


async def test_a_new_hash(hasher: Watched) -> None:
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
async def test_what_cannot_be_a_password_is_refused_before_hashing(tolerant: Watched, password: str) -> None:
    with pytest.raises(Refused, match="a password"):
        await tolerant.hash(password)
    for stored in (*GOOD.values(), *UNUSABLE["clear"], None, ""):  # alike for every user: it tells nothing about them
        assert not await tolerant.verify(password, stored)
    assert await tolerant.renewed(password, BCRYPT) is None
    assert tolerant.tried == []


async def test_a_megabyte_password_burns_nothing(hasher: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authgate.passwords.hasher._normal", lambda _: pytest.fail("its length is looked at first"))
    assert not await hasher.verify("\ufdfa" * 10_000_000, BCRYPT)
    with pytest.raises(Refused):
        await hasher.hash("\ufdfa" * 10_000_000)
    assert hasher.tried == []


async def test_the_longest_password(hasher: Watched) -> None:
    longest = "🙂" * 128
    stored = await hasher.hash(longest)
    assert await hasher.verify(longest, stored)
    assert not await hasher.verify("🙂" * 127 + "🙃", stored)


@pytest.mark.parametrize("stored", [*GOOD.values(), None, ""])
async def test_an_empty_password_never_authenticates(hasher: Watched, stored: str | None) -> None:
    assert not await hasher.verify("", stored)


async def test_an_empty_password_does_not_open_its_own_hash(hasher: Watched) -> None:
    assert not await hasher.verify("", hasher._make(b""))


# --- hashes that are not tried: never right, and as slow as a wrong password

NOT_TRIED = {name: stored for name, (stored, _) in UNUSABLE.items()} | {"none": None}


@pytest.mark.parametrize("stored", NOT_TRIED.values(), ids=NOT_TRIED)
async def test_an_unusable_hash_costs_a_wrong_password(tolerant: Watched, stored: str | None) -> None:
    assert not await tolerant.verify("password", stored)
    assert tolerant.told == ["decoy"]


DAMAGED_WITHIN = {
    "argon2, cut off": ARGON2[:-20],
    "argon2, changed": ARGON2.replace("KFfN", "KFf+"),
    "sha512_crypt, salt of bits that are none": VECTORS["sha512_crypt"].ascii.replace("$6$", "$6$rounds=0005000$"),
}


@pytest.mark.parametrize("stored", DAMAGED_WITHIN.values(), ids=DAMAGED_WITHIN)
async def test_a_hash_that_only_its_library_finds_damaged_opens_nothing(hasher: Watched, stored: str) -> None:
    assert not await hasher.verify("password", stored)


async def test_what_a_library_raises_costs_a_wrong_password(
    hasher: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(secret: bytes, hashed: str) -> bool:
        raise RuntimeError(f"{secret!r} {hashed}")

    monkeypatch.setattr("authgate.passwords.algorithms.bcrypt", broken)
    assert not await hasher.verify("letmein", BCRYPT)
    assert hasher.told == ["bcrypt", "decoy"]
    assert "RuntimeError" in caplog.text
    assert "letmein" not in caplog.text
    assert BCRYPT not in caplog.text


@pytest.mark.parametrize("vector", LEGACY.values(), ids=LEGACY)
async def test_a_legacy_hash_that_is_not_enabled_is_a_wrong_password(
    hasher: Watched, caplog: pytest.LogCaptureFixture, vector: Vector
) -> None:
    assert not await hasher.verify(ASCII, vector.ascii)
    assert hasher.told == ["decoy"]
    assert await hasher.renewed(ASCII, vector.ascii) is None
    assert f"hashing.legacy does not list {vector.legacy}" in caplog.text
    assert "authgate user lint" in caplog.text


@pytest.mark.parametrize("password", [ASCII, "wrong"])
@pytest.mark.parametrize("vector", LEGACY.values(), ids=LEGACY)
async def test_a_legacy_hash_is_no_faster_than_a_good_one(tolerant: Watched, vector: Vector, password: str) -> None:
    """Or guesses would tell who has one, and a right password of a disabled user that it is right."""
    assert await tolerant.verify(password, vector.ascii) == (password == ASCII)
    assert tolerant.told[-1] == "decoy"


async def test_the_decoy_costs_what_today_s_hashes_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither cheaper nor dearer than the configured parameters, or the time would tell who exists."""
    seen = []
    monkeypatch.setattr("authgate.passwords.algorithms.argon2", lambda secret, hashed: bool(seen.append(hashed)))
    for options in (CHEAP, Hashing(memory=2048, time=2, parallelism=2, workers=1)):
        made = Hasher(options)
        assert not await made.verify("password", None)
        assert made._today.fullmatch(seen.pop())
        made.close()


async def test_a_wrong_password_tries_one_hash(hasher: Watched) -> None:
    assert not await hasher.verify("wrong", ARGON2)
    assert hasher.tried == [(b"wrong", "argon2")]


@pytest.mark.parametrize("scheme", ["bcrypt 2b", "argon2id of PHP", "pbkdf2 sha1 of Django", "scrypt of Werkzeug"])
@pytest.mark.parametrize("password", ["\x01", "\x7f", "\r\n", "\ufffe", "\U0010ffff", "\u202e"])
async def test_no_password_raises(hasher: Watched, scheme: str, password: str) -> None:
    assert not await hasher.verify(password, GOOD[scheme])
    assert len(hasher.tried) == 1


async def test_hashes_that_are_not_tried_are_told_without_their_value(
    hasher: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for stored in (VECTORS["SSHA"].ascii, UNUSABLE["LDAP without a salt"][0], UNUSABLE["bcrypt that takes a day"][0]):
        await hasher.verify("letmein", stored)
        assert stored not in caplog.text
    assert len(caplog.records) == 3
    assert "letmein" not in caplog.text


async def test_guesses_do_not_fill_the_log(
    hasher: Watched, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("authgate.passwords.hasher.time.monotonic", lambda: now[0])
    for rounds in range(6_000_000, 6_000_020):
        await hasher.verify("password", VECTORS["pbkdf2 sha256 of Django"].ascii.replace("10000", str(rounds)))
    assert len(caplog.records) == 1
    assert len(hasher._said) == 1
    now[0] += 61
    await hasher.verify("password", VECTORS["pbkdf2 sha256 of Django"].ascii.replace("10000", "7000000"))
    assert len(caplog.records) == 2


async def test_a_user_without_a_hash_is_no_fault(hasher: Watched, caplog: pytest.LogCaptureFixture) -> None:
    await hasher.verify("password", None)
    assert caplog.records == []


# --- bcrypt-72

LONG = "x" * 71 + "é" + "tail"  # the 72 bytes end inside a letter
# php -r 'echo crypt($LONG, "\$2a\$05\$m/TSfY31AM9O4VU2EN6z4e");', and password_hash($LONG, PASSWORD_BCRYPT, ...)
OF_LONG = {
    "2a": "$2a$05$m/TSfY31AM9O4VU2EN6z4eo61eh3/QbTENMYz5jglaWxCaupnvQJ.",
    "2y": "$2y$05$247DnNqKSY.NCDWMi3wFX.SznuWP5skoQtNYDzp2thPxPJIQd/wpm",
    "LDAP": "{CRYPT}$2y$05$247DnNqKSY.NCDWMi3wFX.SznuWP5skoQtNYDzp2thPxPJIQd/wpm",
}


@pytest.mark.parametrize("stored", OF_LONG.values(), ids=OF_LONG)
async def test_bcrypt_sees_72_bytes_as_its_maker_did(hasher: Watched, stored: str) -> None:
    assert await hasher.verify(LONG, stored)
    assert await hasher.verify("x" * 71 + "é" + "other", stored)
    assert not await hasher.verify("x" * 71, stored)
    assert not await hasher.verify("y" + LONG[1:], stored)


@pytest.mark.parametrize("stored", OF_LONG.values(), ids=OF_LONG)
async def test_a_hash_of_a_part_never_becomes_the_hash_of_a_mistyped_rest(hasher: Watched, stored: str) -> None:
    assert await hasher.renewed("x" * 71 + "é" + "mistyped", stored) is None


async def test_a_long_password_whose_normal_form_is_short_is_not_renewed_either(hasher: Watched) -> None:
    assert await hasher.renewed("\u00c5" * 30 + "A\u030a" * 10, OF_LONG["2y"]) is None  # 90 bytes, and 80
    assert await hasher.renewed("A\u030a" * 30, OF_LONG["2y"]) is None  # 90 bytes, and 60


async def test_new_hashes_see_all_of_a_long_password(hasher: Watched) -> None:
    """Joined with 72 bytes of anything in front, no password may open the door for another."""
    stored = await hasher.hash("x" * 80 + "right")
    assert await hasher.verify("x" * 80 + "right", stored)
    assert not await hasher.verify("x" * 80 + "wrong", stored)


PREHASHED = ["bcrypt_sha256 of Django", "bcrypt_sha256 of passlib", "WordPress 6.8"]


@pytest.mark.parametrize("name", PREHASHED)
async def test_a_prehashed_bcrypt_is_renewed_at_any_length(hasher: Watched, name: str) -> None:
    assert await hasher.renewed("x" * 100, GOOD[name]) is not None


# --- renewal


@pytest.mark.parametrize("vector", [each for each in EACH if each.id != "argon2id of PHP"])
async def test_outdated_hashes_are_renewed(tolerant: Watched, vector: Vector) -> None:
    renewed = await tolerant.renewed(ASCII, vector.ascii)
    assert renewed is not None
    assert renewed.startswith("$argon2id$v=19$m=1024,t=1,p=1$")
    assert await tolerant.verify(ASCII, renewed)
    assert await tolerant.renewed(ASCII, renewed) is None


NOT_RENEWED = {"unknown form": "x", "empty": "", "damaged": BCRYPT[:-1], "absurd": BCRYPT.replace("$05", "$16")}


@pytest.mark.parametrize("stored", NOT_RENEWED.values(), ids=NOT_RENEWED)
async def test_nothing_else_is_renewed(tolerant: Watched, stored: str) -> None:
    assert await tolerant.renewed("password", stored) is None


async def test_today_s_hash_is_not_renewed(hasher: Watched) -> None:
    assert await hasher.renewed("password", await hasher.hash("password")) is None


OUTDATED = {
    "other memory": ARGON2.replace("m=1024", "m=2048"),
    "another kind": ARGON2.replace("argon2id", "argon2i"),
    "another version": ARGON2.replace("v=19", "v=16"),
    "a short salt": GOOD["argon2 of Django"].removeprefix("argon2"),
    "another spelling": "{ARGON2}" + ARGON2,
}


@pytest.mark.parametrize("stored", OUTDATED.values(), ids=OUTDATED)
async def test_only_what_would_be_made_today_is_good_enough(hasher: Watched, stored: str) -> None:
    assert await hasher.renewed("password", stored) is not None


# --- the pool


async def test_a_full_pool_renews_nothing_and_refuses_the_rest() -> None:
    hasher, gate = Hasher(Hashing(memory=1024, time=1, workers=1, queue=1)), threading.Event()
    try:
        jobs = [asyncio.create_task(hasher._pool.run(gate.wait, Effort())) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await hasher.verify("password", ARGON2)
        with pytest.raises(Overloaded):
            await hasher.hash("password")
        assert await hasher.renewed("password", BCRYPT) is None  # the next login renews it
    finally:
        gate.set()
    assert await asyncio.gather(*jobs) == [True, True]
    assert await hasher.renewed("password", BCRYPT) is not None
    hasher.close()


async def test_a_hook_without_time_is_refused_before_hashing(hasher: Watched) -> None:
    gate = threading.Event()
    try:
        jobs = [asyncio.create_task(hasher._pool.run(gate.wait, Effort())) for _ in range(CHEAP.workers)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="before their deadlines"):
            await hasher.verify("password", ARGON2, Turn("app", until=time.monotonic()))
    finally:
        gate.set()
    await asyncio.gather(*jobs)
    assert hasher.tried == []


@pytest.mark.parametrize("hint", ["", "it would be faster so"])
async def test_what_a_hash_costs_is_known_from_the_start(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, hint: str
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("authgate.passwords.hasher.advice", lambda: hint)
    hasher = Hasher(CHEAP)
    hasher.start(deadline=60)
    await hasher._measuring
    assert hasher.state()["seconds"] > 0
    said, *more = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert " ".join(said).startswith("INFO passwords are hashed 2 at once, 1 MiB each; one takes ")
    assert more == ([("INFO", f"{hint}; see docs/passwords.md")] if hint else [])
    hasher.close()


async def test_a_hash_that_takes_longer_than_a_hook_has_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    hasher = Hasher(CHEAP)
    hasher.start(deadline=1e-6)
    await hasher._measuring
    assert "so few or none can log in: lower hashing.time or hashing.memory" in caplog.text
    hasher.close()


TODAY = Effort("argon2", CHEAP.memory)
EFFORTS = {
    "of today": (ARGON2, TODAY),
    "of much memory": (ARGON2.replace("m=1024", "m=65536"), Effort("argon2", 65536)),
    "of another scheme": (BCRYPT, Effort("bcrypt")),
    "weak, and so tried beside one of today": (LEGACY["phpass"].ascii, Effort("phpass", CHEAP.memory)),
    "none": (None, TODAY),
    "of no known form": ("x", TODAY),
    "of absurd cost": (BCRYPT.replace("$05", "$16"), TODAY),
}


@pytest.mark.parametrize(("stored", "effort"), EFFORTS.values(), ids=EFFORTS)
def test_the_effort_of_a_hash(tolerant: Watched, stored: str | None, effort: Effort) -> None:
    assert tolerant._effort_of(stored) == effort


def test_what_is_not_listed_takes_the_effort_of_its_decoy(hasher: Watched) -> None:
    assert hasher._effort_of(LEGACY["phpass"].ascii) == TODAY


async def test_a_closed_hasher_takes_no_work() -> None:
    hasher = Hasher(CHEAP)
    hasher.close()
    for _ in range(100):  # more than its places: refusing keeps none of them
        with pytest.raises(Overloaded, match="has ended"):
            await hasher.verify("password", ARGON2)


# --- the libraries


def test_the_self_test_proves_every_scheme_that_is_enabled(tolerant: Watched) -> None:
    tolerant.self_test()


def test_a_scheme_that_does_not_work_and_is_off_does_not_matter(
    hasher: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(known.KNOWN, "phpass", "x")
    hasher.self_test()


def test_a_scheme_that_does_not_work_stops_the_start(tolerant: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the old passlib with bcrypt 5 does: every bcrypt hash raises, or is wrong."""
    monkeypatch.setattr("authgate.passwords.algorithms.pbkdf2", lambda *_, **__: True)
    monkeypatch.setitem(known.KNOWN, "bcrypt", "$2b$04$")
    monkeypatch.setitem(known.KNOWN, "phpass", VECTORS["phpass"].other)
    with pytest.raises(ConfigError) as caught:
        tolerant.self_test()
    assert {fault.partition(" does not work")[0] for fault in caught.value.faults} == {
        "hashing: bcrypt",
        "hashing: phpass",
        "hashing: pbkdf2_sha1",
        "hashing: pbkdf2_sha256",
        "hashing: pbkdf2_sha512",
    }
    assert "libpass" in caught.value.faults[0]


def test_defaults_for_workers_come_from_the_machine() -> None:
    Hasher(Hashing()).close()
