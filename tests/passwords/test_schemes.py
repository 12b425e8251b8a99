"""Forms of hash: each is recognised and verified as its maker did, bounded, and broken ones open nothing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authgate.passwords import Hashing, known, recognise, schemes
from authgate.passwords.hashing import WEAKNESSES
from authgate.passwords.schemes import examine, refusal
from tests.passwords.hashers import CHEAP, EVERYTHING
from tests.passwords.vectors import ASCII, OTHER, PUBLISHED, VECTORS, Vector

EACH = [pytest.param(each, id=name) for name, each in VECTORS.items()]


@pytest.mark.parametrize("vector", EACH)
def test_a_form_is_recognised(vector: Vector) -> None:
    for stored in (vector.ascii, vector.other):
        form = recognise(stored)
        assert (form.scheme, form.legacy, form.unusable) == (vector.scheme, vector.legacy, "")
        assert bool(form.weak) == bool(vector.legacy)
        assert stored[-12:] not in repr(form)


@pytest.mark.parametrize("vector", EACH)
def test_a_password_opens_what_it_made_elsewhere(vector: Vector) -> None:
    for password, wrong, stored in ((ASCII, OTHER, vector.ascii), (OTHER, ASCII, vector.other)):
        found = examine(stored)[1]
        assert found is not None
        assert found.opens(password.encode())
        for each in (wrong, password.title(), password[:-1], password + " ", password + password):
            assert not found.opens(each.encode())


@pytest.mark.parametrize(("password", "stored"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_vectors(password: str, stored: str) -> None:
    found = examine(stored)[1]
    assert found is not None
    assert found.opens(password.encode())


def _opens(password: str, stored: str) -> bool:
    found = examine(stored)[1]
    try:
        return found is not None and found.opens(password.encode())
    except Exception:
        return False  # the hasher takes each for a broken hash


@pytest.mark.parametrize("vector", EACH)
def test_a_changed_hash_opens_nothing(vector: Vector) -> None:
    last = len(vector.ascii.rstrip("=")) - 1
    for at in (last, last - 1, last - 5, last - 20, last - 24):
        if at >= 0 and vector.ascii[at] not in "${}*":
            changed = vector.ascii[:at] + ("0" if vector.ascii[at] != "0" else "1") + vector.ascii[at + 1 :]
            assert not _opens(ASCII, changed), at


@pytest.mark.parametrize("vector", EACH)
def test_a_hash_that_is_cut_or_grown_opens_nothing(vector: Vector) -> None:
    stored = vector.ascii
    for changed in (stored[:-1], stored[:-8], stored[: len(stored) // 2], stored + "0", stored + "=", stored + "=" * 4):
        assert not _opens(ASCII, changed), changed
    for changed in (" " + stored, "\n" + stored, stored + "\n", stored + "\0", stored + "é", stored[:-1] + "\ud800"):
        assert not recognise(changed).usable


BCRYPT = "$2b$05$l5kqpOdvsjk57mSIVzEmy.XxFkLw1h/.JhdKDmgERdSwi1t0KgXJC"
ARGON2 = "$argon2id$v=19$m={},t={},p={}$vvd+z/n/nzMG4DzHOCeEEA$KqfogIvuyHmJZ6gItd0ETebajS2ZS05DpEPOZ+n36tA"
SCRYPT = "$scrypt$ln={},r={},p={}$yzln7L1XilEq5VwrhRBCyA$bXu6t545RWuiHyMTWtRiQvmgbRWvX19QHlcfatSOJaQ"
PBKDF2 = "$pbkdf2-sha256${}$WytFaE2Jcc55bw2hlBLiPA$ZFgDBeHNN4LQdS/csHSvhR5KzSdOm7.rxbF9vJxXP2g"
SHA512 = "$6${}saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
SHA256 = "$5$rounds={}$vEyWDoT8oz58G5dN$axuXsetZOuowSc2rOvxfFLaJ6tCYB0f8DC4/bTx9Ru/"
PHPASS = "$P${}tCg99XmWQNnRVgeJ7HUCd049oQLfN/"
DRUPAL7 = "$S${}OV1HiUjRV8OpgoFhd8BkgY/3gRBIc39F.r9B9BJ2ZXFNIGmjB23"

UNUSABLE = {
    "empty": ("", "unknown"),
    "blank": (" ", "unknown"),
    "a word": ("password", "unknown"),
    "a megabyte": ("$2b$05$" + "x" * 1_000_000, "damaged"),
    "locked account": ("!", "locked"),
    "locked account, shadow": ("*", "locked"),
    "locked with its hash": ("!" + BCRYPT, "locked"),
    "no password, Django": ("!7nGzLmN0WQxJ2m3zLb8sDc0pQ9rT4uVwXyZaBcDe", "locked"),
    "clear": ("{PLAIN}password", "in clear"),
    "DES": ("rqXexS6ZhobKA", "unknown"),
    "yescrypt": ("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", "not verified here"),
    "LDAP without a salt": ("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "cut off"),
    "LDAP, two words": ("{CRYPT}{CRYPT}" + BCRYPT, "not verified here"),
    "LDAP, crypt of a digest": ("{CRYPT}5f4dcc3b5aa765d61d8327deb882cf99", "not verified here"),
    "LDAP, DES": ("{CRYPT}rqXexS6ZhobKA", "not verified here"),
    "LDAP, only a prefix": ("{CRYPT}$6$", "damaged"),
    "only a prefix, bcrypt": ("$2b$", "damaged"),
    "only a prefix, argon2": ("$argon2id$", "damaged"),
    "only a prefix, sha512_crypt": ("$6$", "damaged"),
    "no digest, bcrypt": ("$2b$12$", "damaged"),
    "no digest, argon2": ("$argon2id$v=19$m=8,t=1,p=1$vvd+z/n/nzMG4DzHOCeEEA", "damaged"),
    "no digest, sha512_crypt": ("$6$saltstring", "damaged"),
    "no digest, pbkdf2": ("pbkdf2_sha256$10000$salt$", "damaged"),
    "a digest of one byte, pbkdf2": ("$pbkdf2-sha256$10000$c2FsdA$AA", "damaged"),
    "a digest of another size, pbkdf2": (VECTORS["pbkdf2 sha1 of passlib"].ascii.replace("2$", "2-sha256$", 1), "cut"),
    "a digest of another size, sha512_crypt": (SHA256.format(5000).replace("$5$", "$6$"), "cut off"),
    "bcrypt of another version": (BCRYPT.replace("2b", "2c"), "unknown"),
    "bcrypt without a cost": (BCRYPT.replace("$05", "$"), "damaged"),
    "bcrypt of no rounds": (BCRYPT.replace("$05", "$00"), "damaged"),
    "bcrypt with bits that are none": (BCRYPT.replace("y.Xx", "yaXx"), "last bits"),
    "argon2 of another kind": (ARGON2.format(1024, 1, 1).replace("argon2id", "argon2x"), "damaged"),
    "argon2 of another version": (ARGON2.format(1024, 1, 1).replace("v=19", "v=20"), "damaged"),
    "argon2 of no memory": (ARGON2.format(0, 1, 1), "damaged"),
    "argon2 of less memory than threads": (ARGON2.format(8, 1, 2), "8 KiB for each thread"),
    "argon2 with bits that are none": (ARGON2.format(1024, 1, 1).replace("EEA$", "EEB$"), "last bits"),
    "scrypt that is no power of two": (VECTORS["scrypt of Werkzeug"].ascii.replace("1024", "1023"), "power of two"),
    "scrypt of cost one": (VECTORS["scrypt of Werkzeug"].ascii.replace("1024", "1"), "power of two"),
    "sha512_crypt of too few rounds": (SHA512.format("rounds=999$"), "fewer rounds"),
    "argon2 that needs a terabyte": (ARGON2.format(1 << 30, 1, 1), "absurd: memory 1073741824, at most"),
    "argon2 of a million passes": (ARGON2.format(1024, 1_000_000, 1), "absurd: time 1000000, at most 16"),
    "argon2 on a million threads": (ARGON2.format(8 << 20, 1, 1 << 20), "absurd"),
    "bcrypt that takes a day": (BCRYPT.replace("$05", "$31"), "absurd: rounds 31, at most 15"),
    "bcrypt of Django that takes a day": ("bcrypt_sha256$" + BCRYPT.replace("$05", "$31"), "absurd"),
    "bcrypt of WordPress that takes a day": ("$wp" + BCRYPT.replace("$05", "$31"), "absurd"),
    "bcrypt of passlib that takes a day": (VECTORS["bcrypt_sha256 of passlib"].ascii.replace("r=5", "r=31"), "absurd"),
    "pbkdf2 that takes a day": (PBKDF2.format(4_294_967_295), "absurd: rounds 4294967295, at most 5000000"),
    "pbkdf2 of Werkzeug that takes a day": (
        VECTORS["pbkdf2 sha256 of Werkzeug"].ascii.replace("10000", "999999999"),
        "absurd",
    ),
    "pbkdf2 of more rounds than a number has digits": (PBKDF2.format("9" * 300), "damaged"),
    "scrypt that needs a terabyte": (SCRYPT.format(30, 8, 1), "absurd: memory"),
    "scrypt that needs more than there is": (SCRYPT.format(4_000_000_000, 8, 1), "absurd: memory"),
    "scrypt of a million blocks": (SCRYPT.format(10, 1 << 20, 1), "absurd: memory"),
    "scrypt on a million threads": (SCRYPT.format(10, 1, 1 << 20), "absurd: parallelism"),
    "scrypt of some memory, many times": (SCRYPT.format(16, 8, 9), "absurd: 589923 KiB are gone through"),
    "scrypt of little, and of large blocks on all threads": (SCRYPT.format(1, 1 << 18, 16), "absurd: 10485760 KiB"),
    "scrypt of Django that needs a terabyte": (
        VECTORS["scrypt of Django"].ascii.replace("$1024$", "$1073741824$"),
        "absurd",
    ),
    "sha512_crypt that takes an hour": (SHA512.format("rounds=999999999$"), "absurd"),
    "sha256_crypt that takes an hour": (SHA256.format(999999999), "absurd"),
    "phpass that takes a day": (PHPASS.format("S"), "absurd: rounds 30, at most 20"),
    "Drupal 7 that takes a day": (DRUPAL7.format("z"), "absurd: rounds 63, at most 20"),
}


@pytest.mark.parametrize(("stored", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_hash_is_told(stored: str, why: str) -> None:
    form, found = examine(stored)
    assert found is None
    assert not form.usable
    assert why in form.unusable
    assert form.costly == ("absurd" in why)
    assert refusal(form, EVERYTHING) == form.unusable
    assert len(stored) < 10 or stored not in repr(form)


AT_THE_CEILING = {
    "argon2": ARGON2.format(1 << 20, 16, 16),
    "bcrypt": BCRYPT.replace("$05", "$15"),
    "pbkdf2": PBKDF2.format(5_000_000),
    "scrypt": SCRYPT.format(16, 8, 7),
    "sha512_crypt": SHA512.format("rounds=2000000$"),
    "sha256_crypt": SHA256.format(2_000_000),
    "phpass": PHPASS.format("I"),
    "drupal7": DRUPAL7.format("I"),
}


@pytest.mark.parametrize("stored", AT_THE_CEILING.values(), ids=AT_THE_CEILING)
def test_the_ceiling_itself_is_bearable(stored: str) -> None:
    assert recognise(stored).usable


BELOW_THE_FLOOR = {
    "argon2": (ARGON2, (1023, 3, 1), (1024, 1, 1)),
    "bcrypt": (BCRYPT.replace("$05", "${}"), ("04",), ("05",)),
    "pbkdf2": (PBKDF2, (9_999,), (10_000,)),
    "scrypt": (SCRYPT, (9, 8, 16), (10, 8, 1)),
    "sha512_crypt": (SHA512, ("rounds=4999$",), ("rounds=5000$",)),
}


@pytest.mark.parametrize(("stored", "below", "at"), BELOW_THE_FLOOR.values(), ids=BELOW_THE_FLOOR)
def test_below_a_floor_a_good_scheme_is_a_weak_one(
    stored: str, below: tuple[object, ...], at: tuple[object, ...]
) -> None:
    weak = recognise(stored.format(*below))
    assert (weak.legacy, weak.usable) == ("low_cost", True)
    assert "too little cost" in weak.weak
    assert refusal(weak, CHEAP) == "hashing.legacy does not list low_cost"
    assert refusal(weak, Hashing(legacy=("low_cost",))) == ""
    good = recognise(stored.format(*at))
    assert (good.legacy, good.weak, refusal(good, CHEAP)) == ("", "", "")


@pytest.mark.parametrize("vector", EACH)
def test_a_legacy_form_is_refused_unless_it_is_listed(vector: Vector) -> None:
    form = recognise(vector.ascii)
    others = tuple(each for each in EVERYTHING.legacy if each != vector.legacy)
    said = f"hashing.legacy does not list {vector.legacy}" if vector.legacy else ""
    assert refusal(form, CHEAP) == said
    assert refusal(form, Hashing(legacy=others)) == said
    assert refusal(form, EVERYTHING) == ""


BITS = st.sampled_from([*"$,=:{}*!./", *(part for each in VECTORS.values() for part in each.ascii.split("$"))])


@given(st.text() | st.lists(BITS, max_size=8).map("$".join) | st.lists(BITS, max_size=8).map("".join))
@example("$scrypt$ln=9999999999,r=9999999999,p=9999999999$c2FsdA$bXu6t545RWuiHyMTWtRiQvmgbRWvX19QHlcfatSOJaQ")
@example("$argon2id$v=19$m=9999999999,t=9999999999,p=9999999999$c2FsdHNhbHQ$bXu6t545RWuiHyMTWtRiQvmgbRWvX19Q")
@example("٣" * 32)
@example("$pbkdf2-sha256$١٠٠٠٠$WytFaE2Jcc55bw2hlBLiPA$ZFgDBeHNN4LQdS/csHSvhR5KzSdOm7.rxbF9vJxXP2g")
def test_whatever_stands_in_a_row_it_is_told_and_bounded(stored: str) -> None:
    form, found = examine(stored)
    assert form.usable == (found is not None)
    assert stored.isascii() or not form.usable
    for name, most in (("memory", 1 << 20), ("time", 16), ("parallelism", 16), ("rounds", 5_000_000)):
        assert not form.usable or form.costs.get(name, 0) <= most


def test_a_hostile_row_takes_no_more_memory_than_is_said() -> None:
    for stored in (ARGON2.format(300_000, 1, 1), SCRYPT.format(18, 10, 1)):
        assert "hashing.max_memory is 262144" in refusal(recognise(stored), Hashing())
        assert refusal(recognise(stored), Hashing(max_memory=400_000)) == ""
        assert refusal(recognise(stored), Hashing(memory=400_000)) == ""  # what is made here can be verified here


def test_what_is_made_here_under_any_options_can_be_verified_here() -> None:
    for options in (Hashing(memory=1 << 20, time=16, parallelism=16), Hashing(memory=1024, time=1, max_memory=1024)):
        made = ARGON2.format(options.memory, options.time, options.parallelism)
        assert refusal(recognise(made), options) == ""


def test_only_what_is_enabled_has_to_work() -> None:
    """Where MD5 is forbidden, as by FIPS 140, the rest goes on."""
    assert "unsalted_md5" not in schemes.enabled(CHEAP)
    assert {"argon2", "bcrypt", "scrypt", "pbkdf2_sha256", "sha512_crypt"} <= {*schemes.enabled(CHEAP)}
    assert "unsalted_md5" in schemes.enabled(Hashing(legacy=("unsalted_digest",)))
    assert set(schemes.enabled(EVERYTHING)) == set(schemes._SCHEMES)


def test_every_scheme_has_its_bounds_its_proof_and_its_vectors() -> None:
    assert set(known.KNOWN) == set(schemes._SCHEMES)
    assert {each.scheme for each in VECTORS.values()} == set(schemes._SCHEMES)
    assert {each.legacy for each in VECTORS.values()} == {"", *EVERYTHING.legacy}
    assert set(WEAKNESSES) == set(EVERYTHING.legacy)


def test_the_proof_of_every_scheme_is_a_hash_of_that_scheme() -> None:
    assert {name: recognise(each).scheme for name, each in known.KNOWN.items()} == {name: name for name in known.KNOWN}
