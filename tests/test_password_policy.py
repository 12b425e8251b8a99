"""What new passwords are held to: length, how hard they are to guess, and whether thieves know them already."""

import hashlib
import os
import random
import tomllib
from pathlib import Path

import pytest

from authgate.errors import ConfigError, Refused
from authgate.passwords import PasswordPolicy, generated
from authgate.passwords.breached import Breached
from authgate.passwords.generate import _ALPHABET

DEFAULT = PasswordPolicy()
NAMES = ("ann.lee", "Ann Lee")

GOOD = {
    "as short as may be": (DEFAULT, "abcdefgh"),
    "characters of several bytes": (DEFAULT, "пароль-ж"),
    "emoji": (DEFAULT, "😀" * 8),
    "spaces": (DEFAULT, "a b c d "),
    "easy, where nobody asks": (DEFAULT, "password"),
    "the name and more": (DEFAULT, "ann.lee.1"),
    "shorter, where it may be": (PasswordPolicy(min_length=1), "a"),
    "hard to guess": (PasswordPolicy(min_score=4), "correct horse battery staple"),
    "hard to guess, and very long": (PasswordPolicy(min_score=4), "correct horse battery staple" * 9),
    "just hard enough": (PasswordPolicy(min_score=1), "passw0rd-ann"),
}


@pytest.mark.parametrize(("policy", "password"), GOOD.values(), ids=GOOD)
def test_what_may_be_a_password(policy: PasswordPolicy, password: str) -> None:
    policy.demand(password, NAMES)


BAD = {
    "a character short": (DEFAULT, "abcdefg", "at least 8 characters (passwords.min_length)"),
    "long by its bytes alone": (DEFAULT, "пароль", "at least 8 characters"),
    "long by marks that melt into letters": (DEFAULT, "e\u0301" * 7, "at least 8 characters"),
    "shorter than is wanted here": (PasswordPolicy(min_length=15), "abcdefghijklmn", "at least 15 characters"),
    "the user's name": (PasswordPolicy(min_length=1), "ANN.LEE", "not the user's own name"),
    "the user's name, as people write it": (PasswordPolicy(min_length=1), "Ann Lee", "not the user's own name"),
    "the user's name in full width": (PasswordPolicy(min_length=1), "ａｎｎ．ｌｅｅ", "not the user's own name"),
    "one of the first to be guessed": (PasswordPolicy(min_score=1), "12345678", "common password (its score is 0, and"),
    "a row of keys": (PasswordPolicy(min_score=3), "qwertyuiop", "passwords.min_score wants 3"),
    "one character again and again": (PasswordPolicy(min_score=2), "a" * 120, "passwords.min_score wants 2"),
    "the name with a digit": (PasswordPolicy(min_score=2), "ann.lee1", "its score is "),
}


@pytest.mark.parametrize(("policy", "password", "words"), BAD.values(), ids=BAD)
def test_what_may_not(policy: PasswordPolicy, password: str, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        policy.demand(password, NAMES)
    assert words in str(refusal.value)
    assert password not in str(refusal.value)


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest().upper()


KNOWN = ["password", "letmein-now", "пароль-ж", "correct horse", "12345678", "áccent-1"]


def hashes(*texts: str, end: str = "\r\n", count: str = ":7") -> bytes:
    return "".join(f"{each}{count}{end}" for each in sorted(map(sha1, texts))).encode()


FILES = {
    "as Have I Been Pwned has it": hashes(*KNOWN),
    "other line ends": hashes(*KNOWN, end="\n"),
    "without counts": hashes(*KNOWN, count=""),
    "in small letters": hashes(*KNOWN).lower(),
    "without the last line end": hashes(*KNOWN).removesuffix(b"\r\n"),
    "a hash twice": hashes(*KNOWN, *KNOWN),
    "among many": hashes(*KNOWN, *(f"x{n}" for n in range(5000))),
    "as they are": "\n".join(KNOWN).encode() + b"\n",
    "as they are, with other line ends": "\r\n".join(KNOWN).encode() + b"\r\n",
    "as they are, without the last line end": "\n".join(KNOWN).encode(),
    "as they are, the other way round": "\n".join(KNOWN[::-1]).encode() + b"\n",
}
UNKNOWN = ["passwor", "password1", "assword", "PASSWORD", "letmein", "-now", "7", ":7", "correct"]
UNKNOWN += ["", "x", "a\nb", "\ud800"]


@pytest.fixture(params=FILES.values(), ids=FILES)
def known_file(request: pytest.FixtureRequest, tmp_path):
    path = tmp_path / "known"
    path.write_bytes(request.param)
    return path


def test_each_known_password_is_found_and_no_other(known_file) -> None:
    known = Breached(known_file)
    known.demand()
    assert [each for each in KNOWN if not known.holds({each})] == []
    assert [each for each in UNKNOWN if known.holds({each})] == []
    assert not known.holds(set())


def test_a_known_password_is_refused_in_each_spelling(known_file) -> None:
    policy = PasswordPolicy(breached=known_file)
    for spelling in ("áccent-1", "a\u0301ccent-1", "ｐａｓｓｗｏｒｄ"):
        with pytest.raises(Refused, match="known from breaches") as refusal:
            policy.demand(spelling)
        assert "passwords.breached" in str(refusal.value)
    policy.demand("nobody-knows-this")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_hashes_are_found_wherever_they_stand(tmp_path, size: int) -> None:
    dice = random.Random(size)
    texts = [f"known-{n}" for n in range(size)]
    lines = sorted(f"{sha1(each)}:{10 ** dice.randrange(9)}" for each in texts)
    path = tmp_path / "known"
    path.write_text("\n".join(lines) + "\n")
    known = Breached(path)
    assert all(known.holds({each}) for each in texts)
    assert not any(known.holds({f"unknown-{n}"}) for n in range(300))


def test_a_plain_line_is_found_only_as_a_whole(tmp_path) -> None:
    path = tmp_path / "known"
    path.write_bytes(b"ab\naab\nabab\nba\n\nb")
    found = {each for each in ("a", "b", "ab", "ba", "aab", "bab", "abab", "aba", "aa") if Breached(path).holds({each})}
    assert found == {"b", "ab", "ba", "aab", "abab"}


def test_a_file_that_is_larger_than_memory_is_not_read_as_a_whole(tmp_path) -> None:
    """Sparse: of 64 GiB only the places are read that are looked at."""
    path = tmp_path / "known"
    path.write_bytes(hashes("password"))
    os.truncate(path, 1 << 36)
    with pytest.raises(ConfigError, match="no SHA-1"):
        Breached(path).demand()


BY_COUNT = "".join(f"{sha1(str(n))}:{99999 - n}\r\n" for n in range(500)).encode()
UNUSABLE = {
    "empty": (b"", "is empty"),
    "hashes of NTLM": (b"8846F7EAEE8FB117AD06BDD830B7586C:7\r\n", "NTLM"),
    "ordered by how often": (BY_COUNT, "is not in order"),
    "two lines the wrong way round": (hashes("a", "b")[44:] + hashes("a", "b")[:44], "is not in order"),
    "hashes and then words": (hashes("a") + b"password\n" * 99, "a line that is no SHA-1"),
    "hashes and an empty line": (hashes("a") + b"\r\n" + hashes("a") * 9, "a line that is no SHA-1"),
    "a hash and a line without end": (hashes("a") + b"x" * 100_000, "a line that is no SHA-1"),
}


@pytest.mark.parametrize(("content", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_cannot_be_used_lets_no_password_pass(tmp_path, content: bytes, words: str) -> None:
    path = tmp_path / "known"
    path.write_bytes(content)
    policy = PasswordPolicy(breached=path)
    with pytest.raises(ConfigError, match=words) as fault:
        policy.demand("nobody-knows-this")
    assert str(fault.value).startswith("passwords.breached: ")
    assert "nobody" not in str(fault.value)


def test_a_file_that_is_not_there_lets_no_password_pass(tmp_path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            PasswordPolicy(breached=path).demand("nobody-knows-this")


def test_a_generated_password_is_hard_to_guess_and_easy_to_read() -> None:
    made = [generated() for _ in range(200)]
    assert len(set(made)) == 200
    assert all(set(each) <= {*_ALPHABET, "-"} for each in made)
    assert {len(each.replace("-", "")) for each in made} == {28}
    assert len(_ALPHABET) ** 26 > 2**128
    assert not {*"0o1il"} & {*_ALPHABET}
    assert set("".join(made)) == {*_ALPHABET, "-"}  # each of them comes


@pytest.mark.parametrize("at_least", [0, 34, 35, 39, 40, 128])
def test_a_generated_password_is_as_long_as_is_wanted(at_least: int) -> None:
    made = generated(at_least)
    assert len(made) == max(34, at_least)
    PasswordPolicy(min_length=max(1, at_least), min_score=4).demand(made, NAMES)


def test_the_defaults_are_those_of_the_manual() -> None:
    manual = tomllib.loads((Path(__file__).parents[1] / "config" / "authgate.toml").read_text())
    assert PasswordPolicy(**manual["passwords"]) == DEFAULT
