"""What forms of password hash there are, and how each is recognised and bounded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from authgate.passwords.hashing import WEAKNESSES, Hashing
from authgate.passwords.spellings import Stored, read


@dataclass(frozen=True, slots=True)
class Form:
    """What a stored hash shows of itself; never the hash, nor a part of it."""

    scheme: str = ""  # "argon2", "pbkdf2_sha256", ...; "" where the form is unknown
    family: str = ""  # what the manual's table calls it; "" where the form is unknown
    legacy: str = ""  # what ``hashing.legacy`` must list before it is verified; "" where it always is
    unusable: str = ""  # why no password can be tried on it, in words; "" where one can
    costly: bool = False  # whether that is because of its cost
    weak: str = ""  # why it should be renewed soon, in words; "" where it is good enough
    costs: Mapping[str, int] = field(default_factory=dict)  # "memory" in KiB, "time", "parallelism", "rounds"
    sees: int = 0  # bytes of a password that count; 0: all

    @property
    def usable(self) -> bool:
        """Whether a password can be tried on it, in a time that one login may take."""
        return not self.unusable


@dataclass(frozen=True, slots=True)
class _Scheme:
    """The bounds of a scheme: below a floor it counts as ``low_cost``, above a ceiling nothing is tried."""

    family: str
    legacy: str = ""
    floors: Mapping[str, int] = field(default_factory=dict)
    ceilings: Mapping[str, int] = field(default_factory=dict)
    work: int = 0  # KiB gone through altogether, at most


def recognise(stored: str) -> Form:
    """The form of a stored hash. Nothing is hashed for it, and nothing of the hash comes back."""
    return examine(stored)[0]


def examine(stored: str) -> tuple[Form, Stored | None]:
    """The form of a stored hash, and how a password is tried on it; None where it is not usable."""
    try:
        found = read(stored)
    except ValueError as fault:
        return Form(unusable=f"it is damaged: {fault}"), None
    if found is None:
        return Form(unusable=_unknown(stored)), None
    scheme = _SCHEMES[found.scheme]
    legacy, weak = scheme.legacy, WEAKNESSES.get(scheme.legacy, "")
    low = [
        f"{name} {found.costs[name]}, less than {least}"
        for name, least in scheme.floors.items()
        if found.costs[name] < least
    ]
    if low:
        legacy, weak = "low_cost", f"it was made at too little cost: {', '.join(low)}"
    high = [
        f"{name} {found.costs[name]}, at most {most}"
        for name, most in scheme.ceilings.items()
        if found.costs[name] > most
    ]
    if not high and scheme.work and found.work > scheme.work:
        high = [f"{found.work} KiB are gone through, at most {scheme.work}"]
    unusable = f"its cost is absurd: {', '.join(high)}" if high else ""
    form = Form(found.scheme, scheme.family, legacy, unusable, bool(high), weak, found.costs, found.sees)
    return form, None if high else found


UNKNOWN = "its form is unknown"


def refusal(form: Form, options: Hashing) -> str:
    """Why no password is tried on a hash of this form under these options; "": one is."""
    if form.unusable:
        return form.unusable
    memory = form.costs.get("memory", 0)
    if memory > options.most_memory:
        return f"it needs {memory} KiB of memory, and hashing.max_memory is {options.most_memory}"
    if form.legacy and form.legacy not in options.legacy:
        return f"hashing.legacy does not list {form.legacy}"
    return ""


def enabled(options: Hashing) -> list[str]:
    """The schemes that may be verified under these options."""
    return [name for name, scheme in _SCHEMES.items() if not scheme.legacy or scheme.legacy in options.legacy]


_GIB = 1 << 20  # KiB

# At the ceilings a core of 2020 takes two to four seconds: more would hold a worker past every deadline. The floors are
# what one graphics card tries about a million times a second; the reasons are in docs/passwords.md.
_PBKDF2 = _Scheme("pbkdf2", floors={"rounds": 10_000}, ceilings={"rounds": 5_000_000})
_BCRYPT = _Scheme("bcrypt", floors={"rounds": 5}, ceilings={"rounds": 15})
_SALTED = _Scheme("salted_digest", "salted_digest")
_UNSALTED = _Scheme("unsalted_digest", "unsalted_digest")
_SCHEMES = {
    "argon2": _Scheme(
        "argon2",
        floors={"memory": 1024},
        ceilings={"memory": _GIB, "time": 16, "parallelism": 16},
    ),
    "bcrypt": _BCRYPT,
    "bcrypt_sha256": _BCRYPT,
    "bcrypt_django": _BCRYPT,
    "bcrypt_wordpress": _BCRYPT,
    "pbkdf2_sha1": _PBKDF2,
    "pbkdf2_sha256": _PBKDF2,
    "pbkdf2_sha512": _PBKDF2,
    "scrypt": _Scheme("scrypt", floors={"memory": 1024}, ceilings={"memory": _GIB, "parallelism": 16}, work=_GIB // 2),
    "sha512_crypt": _Scheme("sha512_crypt", floors={"rounds": 5000}, ceilings={"rounds": 2_000_000}),
    "sha256_crypt": _Scheme("sha256_crypt", "sha256_crypt", ceilings={"rounds": 2_000_000}),
    "md5_crypt": _Scheme("md5_crypt", "md5_crypt"),
    "phpass": _Scheme("phpass", "phpass", ceilings={"rounds": 20}),
    "drupal7": _Scheme("drupal7", "drupal7", ceilings={"rounds": 20}),
    "ldap_smd5": _SALTED,
    "ldap_ssha": _SALTED,
    "ldap_ssha256": _SALTED,
    "ldap_ssha512": _SALTED,
    "django_md5": _SALTED,
    "django_sha1": _SALTED,
    "mysql41": _Scheme("mysql41", "mysql41"),
    "unsalted_md5": _UNSALTED,
    "unsalted_sha1": _UNSALTED,
    "unsalted_sha256": _UNSALTED,
}


def _unknown(stored: str) -> str:
    """Why a hash of no known form is none, as far as its beginning tells."""
    return next((why for pattern, why in _STRANGE if pattern.match(stored)), UNKNOWN)


_STRANGE = [
    (re.compile(pattern, re.IGNORECASE), why)
    for pattern, why in (
        (r"[!*]", "it is locked: no password opens it"),
        (r"\{CRYPT\}(?!\$)", "it is of a form that is not verified here"),
        (r"\$(?:y|gy|7|2|sha1|md5|md5,rounds=\d+|3)\$|_", "it is of a form that is not verified here"),
        (r"\{(?:PLAIN|CLEAR|CLEARTEXT)\}", "it is no hash but a password in clear, which is never compared"),
        (
            r"\$(?:argon2|2[abxy]\$|wp\$|bcrypt|pbkdf2|scrypt|[156]\$|apr1|[PHS]\$)|U\$S\$|(?:pbkdf2|scrypt)[:_$]"
            r"|(?:argon2|bcrypt|bcrypt_sha256)\$|\{(?:CRYPT|S?SHA|S?MD5|PBKDF2|ARGON2|B)",
            "it is damaged: cut off, or written otherwise than its beginning says",
        ),
    )
]
