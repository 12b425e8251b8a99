"""When failed logins are answered: as late as the slowest kind usually is."""

import pytest

from authgate.guessing.pace import Pace, kind_of

NOW = 1_000.0


def test_nothing_is_known_yet():
    assert Pace(0.25, 1.0).floor(NOW) == 0.25
    assert Pace(0.0, 1.0).left(0.3, NOW) == 0.0


def test_the_slowest_kind_counts_however_rare_it_is():
    pace = Pace(0.1, 2.0)
    pace.note("bcrypt", 0.5, NOW)
    for _ in range(1_000):
        pace.note("argon2", 0.05, NOW)
    assert 0.5 < pace.floor(NOW) < 2.0


def test_it_grows_with_what_logins_cost_and_shrinks_again():
    pace = Pace(0.1, 5.0)
    for _ in range(50):
        pace.note("argon2", 0.2, NOW)
    quick = pace.floor(NOW)
    for _ in range(50):
        pace.note("argon2", 0.8, NOW)
    assert quick == pytest.approx(0.25)
    assert pace.floor(NOW) > 0.8
    for _ in range(200):
        pace.note("argon2", 0.2, NOW)
    assert pace.floor(NOW) == pytest.approx(quick, rel=0.1)


def test_logins_that_are_remembered_make_nobody_be_answered_sooner():
    pace = Pace(0.1, 5.0)
    pace.note("argon2", 0.3, NOW)
    before = pace.floor(NOW)
    for _ in range(100):
        pace.note_right("argon2", 0.001, NOW)
    assert pace.floor(NOW) == before
    pace.note_right("argon2", 0.9, NOW)
    assert pace.floor(NOW) > before


def test_one_login_that_took_very_long_is_soon_forgotten():
    pace = Pace(0.1, 10.0)
    for _ in range(50):
        pace.note("argon2", 0.2, NOW)
    pace.note("argon2", 5.0, NOW)
    for _ in range(60):
        pace.note("argon2", 0.2, NOW)
    assert pace.floor(NOW) < 0.3


def test_what_a_crowd_took_is_forgotten_though_nobody_of_its_kind_comes_again():
    pace = Pace(0.1, 10.0)
    pace.note("bcrypt", 0.4, NOW)
    for _ in range(20):
        pace.note("bcrypt", 6.0, NOW)
    assert pace.floor(NOW) > 6.0
    assert pace.floor(NOW + 1_200) < 0.7


def test_nobody_is_kept_waiting_beyond_the_deadline():
    pace = Pace(0.1, 1.2)
    pace.note("bcrypt", 30.0, NOW)
    assert pace.floor(NOW) == 1.2


LEFT = {
    "at once": (0.0, 0.4),
    "in time": (0.3, 0.1),
    "just in time": (0.4, 0.0),
    "a little late": (0.41, 0.09),
    "one step late": (0.5, 0.0),
    "between two steps": (0.55, 0.05),
}


@pytest.mark.parametrize(("spent", "left"), LEFT.values(), ids=LEFT)
def test_left(spent, left):
    assert Pace(0.4, 1.0).left(spent, NOW) == pytest.approx(left)


def test_kinds_are_bounded():
    pace = Pace(0.0, 1.0)
    for n in range(1_000):
        pace.note(f"kind {n}", 0.1, NOW)
    assert len(pace._costs) <= 64


KINDS = {
    "none": (None, ""),
    "argon2": ("$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$ZGlnZXN0", "$argon2id$v=19$m=65536,t=3,p=1$"),
    "bcrypt": ("$2b$12$m/TSfY31AM9O4VU2EN6z4ek85iDn37QO1Sm0OmgT0hg7gbRiQ.Mwy", "$2b$12$"),
    "pbkdf2, passlib": ("$pbkdf2-sha256$29000$salt$digest", "$pbkdf2-sha256$29000$"),
    "pbkdf2, Django": ("pbkdf2_sha256$600000$salt$digest", "pbkdf2_sha256$600000$"),
    "scrypt, Werkzeug": ("scrypt:32768:8:1$salt$digest", "scrypt:32768:8:1$"),
    "scrypt, passlib": ("$scrypt$ln=16,r=8,p=1$salt$digest", "$scrypt$ln=16,r=8,p=1$"),
    "sha-crypt": ("$6$rounds=5000$salt$digest", "$6$rounds=5000$"),
    "sha-crypt without rounds": ("$6$saltsalt$digest", "$6$"),
    "phpass": ("$P$BsaltsaltDigest", "$P$"),
    "LDAP": ("{SSHA}c2FsdA==", "{SSHA}"),
    "MySQL": ("*2470C0C06DEE42FD1618BBB99005ADCA2EC9D1E19", "*"),
    "another": ("hash", "other"),
}


@pytest.mark.parametrize(("stored", "kind"), KINDS.values(), ids=KINDS)
def test_kind_of(stored, kind):
    """Neither salt nor digest is in it."""
    assert kind_of(stored) == kind
