"""How stored hashes are written: text -> what it costs, and how a password is tried on it."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from authgate.passwords import algorithms


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored hash that was read. Whether its cost is bearable is another question; trying asks none."""

    scheme: str
    opens: Callable[[bytes], bool] = field(repr=False)  # whether this password made it
    costs: Mapping[str, int] = field(default_factory=dict)  # "memory" in KiB, "time", "parallelism", "rounds"
    work: int = 0  # KiB that are gone through altogether, where the memory is what costs
    sees: int = 0  # bytes of a password that count; 0: all
    apart: str = field(default="", repr=False)  # what a process of its own reads, as only Python computes it; "": here


def read(stored: str) -> Stored | None:
    """What is known of a stored hash; None where its form is not known.

    Raises:
        ValueError: the form is known, and the hash is broken.
    """
    if len(stored) > _LENGTH or not stored.isascii():
        return None
    bare = _WRAPPED.sub("", stored, count=1)
    for pattern, reader in _SPELLINGS:
        found = pattern.fullmatch(bare)
        if found:
            return reader(found)
    return None


_LENGTH = 512  # characters, as in the store
# LDAP and Dovecot write a word in front of what already says itself what it is.
_WRAPPED = re.compile(
    r"^\{(?:CRYPT|BCRYPT|BLF-CRYPT|ARGON2I?D?|MD5-CRYPT|SHA256-CRYPT|SHA512-CRYPT)\}(?=\$)", re.IGNORECASE
)


def _argon2(found: re.Match[str]) -> Stored:
    memory, time, parallelism = (int(found[name]) for name in ("memory", "time", "parallelism"))
    if memory < 8 * parallelism:  # RFC 9106, section 3.1
        raise ValueError("argon2 needs 8 KiB for each thread")
    for name in ("salt", "digest"):
        _base64(found[name])
    costs = {"memory": memory, "time": time, "parallelism": parallelism}
    return Stored("argon2", partial(algorithms.argon2, hashed=found["hash"]), costs)


def _bcrypt(found: re.Match[str]) -> Stored:
    hashed, costs = _bcrypt_hash(found)
    return Stored("bcrypt", partial(algorithms.bcrypt, hashed=hashed), costs, sees=algorithms.BCRYPT_BYTES)


def _bcrypt_hash(found: re.Match[str]) -> tuple[str, dict[str, int]]:
    if found["salt"][-1] not in ".Oeu" or found["digest"][-1] not in ".CGKOSWaeimquy26":
        raise ValueError("its last bits are no bits of a bcrypt hash")
    return found["hash"], {"rounds": int(found["rounds"])}


def _bcrypt_django(found: re.Match[str]) -> Stored:
    hashed, costs = _bcrypt_hash(found)
    return Stored("bcrypt_django", partial(algorithms.bcrypt_django, hashed=hashed), costs)


def _bcrypt_wordpress(found: re.Match[str]) -> Stored:
    hashed, costs = _bcrypt_hash(found)
    return Stored("bcrypt_wordpress", partial(algorithms.bcrypt_wordpress, hashed=hashed), costs)


def _bcrypt_sha256(found: re.Match[str]) -> Stored:
    hashed, costs = _bcrypt_hash(found)
    return Stored("bcrypt_sha256", partial(algorithms.libpass, scheme="bcrypt_sha256", hashed=hashed), costs)


def _pbkdf2(digest: str, salt: bytes, rounds: str, expected: bytes) -> Stored:
    if len(expected) != hashlib.new(digest, usedforsecurity=False).digest_size:
        raise ValueError("it is cut off")
    opens = partial(algorithms.pbkdf2, digest=digest, salt=salt, rounds=int(rounds), expected=expected)
    return Stored(f"pbkdf2_{digest}", opens, {"rounds": int(rounds)})


def _pbkdf2_libpass(found: re.Match[str]) -> Stored:
    salt, expected = (_base64(found[name].replace(".", "+")) for name in ("salt", "digest"))
    return _pbkdf2((found["name"] or found["ldap"] or "sha1").lower(), salt, found["rounds"], expected)


def _pbkdf2_django(found: re.Match[str]) -> Stored:
    return _pbkdf2(found["name"], found["salt"].encode(), found["rounds"], _base64(found["digest"], padded=True))


def _pbkdf2_werkzeug(found: re.Match[str]) -> Stored:
    return _pbkdf2(found["name"], found["salt"].encode(), found["rounds"], bytes.fromhex(found["digest"]))


def _scrypt(salt: bytes, n: int, r: str, p: str, expected: bytes) -> Stored:
    if n < 2 or n & (n - 1) or not expected:
        raise ValueError("scrypt's cost is a power of two")
    memory = max(1, 128 * int(r) * (n + int(p) + 2) >> 10)  # what OpenSSL takes
    opens = partial(algorithms.scrypt, salt=salt, n=n, r=int(r), p=int(p), expected=expected)
    return Stored("scrypt", opens, {"memory": memory, "parallelism": int(p)}, work=memory * int(p))


def _scrypt_libpass(found: re.Match[str]) -> Stored:
    exponent = min(int(found["n"]), 63)  # beyond that it is absurd anyway
    return _scrypt(_base64(found["salt"]), 1 << exponent, found["r"], found["p"], _base64(found["digest"]))


def _scrypt_django(found: re.Match[str]) -> Stored:
    return _scrypt(
        found["salt"].encode(), int(found["n"]), found["r"], found["p"], _base64(found["digest"], padded=True)
    )


def _scrypt_werkzeug(found: re.Match[str]) -> Stored:
    return _scrypt(found["salt"].encode(), int(found["n"]), found["r"], found["p"], bytes.fromhex(found["digest"]))


def _sha_crypt(found: re.Match[str]) -> Stored:
    scheme = "sha256_crypt" if found["name"] == "5" else "sha512_crypt"
    if len(found["digest"]) != {"sha256_crypt": 43, "sha512_crypt": 86}[scheme]:
        raise ValueError("it is cut off")
    if int(found["rounds"] or 5000) < 1000:
        raise ValueError("it has fewer rounds than there can be")
    opens = partial(algorithms.libpass, scheme=scheme, hashed=found["hash"])
    return Stored(scheme, opens, {"rounds": int(found["rounds"] or 5000)}, apart=found[0])


def _md5_crypt(found: re.Match[str]) -> Stored:
    scheme = "md5_crypt" if found["name"] == "1" else "apr_md5_crypt"
    return Stored("md5_crypt", partial(algorithms.libpass, scheme=scheme, hashed=found["hash"]), apart=found[0])


def _phpass(found: re.Match[str]) -> Stored:
    opens = partial(algorithms.libpass, scheme="phpass", hashed=found["hash"])
    return Stored("phpass", opens, {"rounds": _H64.index(found["rounds"])}, apart=found[0])


def _drupal7(found: re.Match[str]) -> Stored:
    rounds, of_md5 = _H64.index(found["rounds"]), bool(found["of_md5"])
    opens = partial(algorithms.drupal7, salt=found["salt"], rounds=rounds, expected=found["digest"], of_md5=of_md5)
    return Stored("drupal7", opens, {"rounds": rounds}, apart=found[0])


def _ldap(found: re.Match[str]) -> Stored:
    name = found["name"].lower()
    digest = {"smd5": "md5", "ssha": "sha1", "ssha256": "sha256", "ssha512": "sha512"}[name]
    both, size = _base64(found["both"], padded=True), hashlib.new(digest, usedforsecurity=False).digest_size
    expected, salt = both[:size], both[size:]
    if not salt:
        raise ValueError("it is cut off")
    return _salted(f"ldap_{name}", digest, b"", salt, expected)


def _django_salted(found: re.Match[str]) -> Stored:
    return _salted(
        f"django_{found['name']}", found["name"], found["salt"].encode(), b"", bytes.fromhex(found["digest"])
    )


def _unsalted_ldap(found: re.Match[str]) -> Stored:
    digest = {"md5": "md5", "sha": "sha1"}[found["name"].lower()]
    return _salted(f"unsalted_{digest}", digest, b"", b"", _base64(found["digest"], padded=True))


def _unsalted(found: re.Match[str]) -> Stored:
    digest = {32: "md5", 40: "sha1", 64: "sha256"}[len(found[0])]
    return _salted(f"unsalted_{digest}", digest, b"", b"", bytes.fromhex(found[0]))


def _salted(scheme: str, digest: str, before: bytes, after: bytes, expected: bytes) -> Stored:
    if len(expected) != hashlib.new(digest, usedforsecurity=False).digest_size:
        raise ValueError("it is cut off")
    return Stored(scheme, partial(algorithms.salted, digest=digest, before=before, after=after, expected=expected))


def _mysql41(found: re.Match[str]) -> Stored:
    return Stored("mysql41", partial(algorithms.mysql41, expected=bytes.fromhex(found["digest"])))


def _base64(text: str, *, padded: bool = False) -> bytes:
    """Bytes of base64; text that is not the only one for its bytes is damaged."""
    found = base64.b64decode(text if padded else text + "=" * (-len(text) % 4), validate=True)
    again = base64.b64encode(found).decode()
    if (again if padded else again.rstrip("=")) != text:
        raise ValueError("its last bits are no bits of base64")
    return found


_H64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_N = "[1-9][0-9]{0,9}"
_SALT = "[!-#%-~]{1,128}"  # what Django and Werkzeug write: anything that can be seen but a dollar sign
_BCRYPT = r"\$2[abxy]\$(?P<rounds>0[4-9]|[12][0-9]|3[01])\$(?P<salt>[./A-Za-z0-9]{22})(?P<digest>[./A-Za-z0-9]{31})"

_SPELLINGS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Stored]]] = [
    (re.compile(pattern), reader)
    for pattern, reader in (
        (
            rf"(?:argon2)?(?P<hash>\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?m=(?P<memory>{_N}),t=(?P<time>{_N}),"
            rf"p=(?P<parallelism>{_N})\$(?P<salt>[A-Za-z0-9+/]{{11,86}})\$(?P<digest>[A-Za-z0-9+/]{{22,86}}))",
            _argon2,
        ),
        (rf"(?:bcrypt\$)?(?P<hash>{_BCRYPT})", _bcrypt),
        (rf"bcrypt_sha256\$(?P<hash>{_BCRYPT})", _bcrypt_django),
        (rf"\$wp(?P<hash>{_BCRYPT})", _bcrypt_wordpress),
        (
            r"(?P<hash>\$bcrypt-sha256\$(?:v=2,t=2b,r=|2[ab],)(?P<rounds>[4-9]|[12][0-9]|3[01])"
            r"\$(?P<salt>[./A-Za-z0-9]{22})\$(?P<digest>[./A-Za-z0-9]{31}))",
            _bcrypt_sha256,
        ),
        (
            rf"(?:\$pbkdf2(?:-(?P<name>sha256|sha512))?\$|(?i:\{{PBKDF2(?:-(?P<ldap>SHA1|SHA256|SHA512))?\}}))"
            rf"(?P<rounds>{_N})\$(?P<salt>[./A-Za-z0-9]{{2,172}})\$(?P<digest>[./A-Za-z0-9]{{27,86}})",
            _pbkdf2_libpass,
        ),
        (
            rf"pbkdf2_(?P<name>sha1|sha256)\$(?P<rounds>{_N})\$(?P<salt>{_SALT})\$(?P<digest>[A-Za-z0-9+/]{{27,43}}=)",
            _pbkdf2_django,
        ),
        (
            rf"pbkdf2:(?P<name>sha1|sha256|sha512):(?P<rounds>{_N})\$(?P<salt>{_SALT})\$(?P<digest>[0-9a-f]{{40,128}})",
            _pbkdf2_werkzeug,
        ),
        (
            rf"\$scrypt\$ln=(?P<n>{_N}),r=(?P<r>{_N}),p=(?P<p>{_N})\$(?P<salt>[A-Za-z0-9+/]{{2,172}})"
            r"\$(?P<digest>[A-Za-z0-9+/]{43})",
            _scrypt_libpass,
        ),
        (
            rf"scrypt\$(?P<n>{_N})\$(?P<salt>{_SALT})\$(?P<r>{_N})\$(?P<p>{_N})\$(?P<digest>[A-Za-z0-9+/]{{86}}==)",
            _scrypt_django,
        ),
        (
            rf"scrypt:(?P<n>{_N}):(?P<r>{_N}):(?P<p>{_N})\$(?P<salt>{_SALT})\$(?P<digest>[0-9a-f]{{128}})",
            _scrypt_werkzeug,
        ),
        (
            rf"(?P<hash>\$(?P<name>5|6)\$(?:rounds=(?P<rounds>{_N})\$)?[./A-Za-z0-9]{{0,16}}"
            r"\$(?P<digest>[./A-Za-z0-9]{43,86}))",
            _sha_crypt,
        ),
        (r"(?P<hash>\$(?P<name>1|apr1)\$[./A-Za-z0-9]{0,8}\$[./A-Za-z0-9]{22})", _md5_crypt),
        (r"(?P<hash>\$[PH]\$(?P<rounds>[./A-Za-z0-9])[./A-Za-z0-9]{30})", _phpass),
        (
            r"(?P<of_md5>U?)\$S\$(?P<rounds>[./A-Za-z0-9])(?P<salt>[./A-Za-z0-9]{8})(?P<digest>[./A-Za-z0-9]{43})",
            _drupal7,
        ),
        (r"(?i:\{(?P<name>SSHA|SSHA256|SSHA512|SMD5)\})(?P<both>[A-Za-z0-9+/]{22,180}={0,2})", _ldap),
        (r"(?i:\{(?P<name>SHA|MD5)\})(?P<digest>[A-Za-z0-9+/]{22,27}={1,2})", _unsalted_ldap),
        (rf"(?P<name>sha1|md5)\$(?P<salt>{_SALT})\$(?P<digest>[0-9a-f]{{32,40}})", _django_salted),
        (r"\*(?P<digest>[0-9A-Fa-f]{40})", _mysql41),
        (r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9A-F]{32}|[0-9A-F]{40}|[0-9A-F]{64})", _unsalted),
    )
]
