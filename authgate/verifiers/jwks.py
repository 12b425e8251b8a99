"""A JSON Web Key Set (RFC 7517): where an issuer has it, and bytes -> the keys in it that tokens may be signed with."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote, urlunsplit

from annotated_types import Ge, Gt, Le
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWS

from authgate.strictjson import read_object
from authgate.urls import split
from authgate.verifiers.keys import RSA_BITS, SigningKey

MOST_KEYS = 16  # of one set, so that a token that names no key costs no more than so many verifications
KEY_ID_LENGTH = 255  # characters; no key is known by a longer name
URL_LENGTH = 1_024  # characters
_MOST_RSA_BITS = 16_384  # more than that is verified by no library that we have
_MOST_NOTES = 32

# What signs with what (RFC 7518, 6; RFC 8037, 2): by kty, and by crv where it has one.
_FITTING = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("OKP", "Ed448"): ("EdDSA",),
}
_PUBLIC = ("kty", "crv", "n", "e", "x", "y")
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth")


@dataclass(frozen=True, slots=True)
class JwksOptions:
    """Section ``jwks`` of a token verifier: the keys of an issuer that publishes them, as it changes them.

    They are asked for again ahead of their time, and when a token names a key that is not among them. While the
    issuer is away its last keys go on being used, for as long as ``stale`` says.
    """

    url: str | None = None  # https://, or file:// and an absolute path; http:// on this machine only
    discover: bool = False  # find it by OpenID Connect discovery below the issuer
    fresh: Annotated[int, Ge(10), Le(86_400)] = 600  # seconds that a set counts as fresh
    stale: Annotated[int, Ge(0), Le(2_592_000)] = 86_400  # seconds that it is used while it cannot be fetched again
    cool_down: Annotated[int, Ge(1), Le(3_600)] = 30  # seconds between two fetches
    timeout: Annotated[float, Gt(0), Le(15)] = 1.5  # seconds that one fetch may take, with all that belongs to it
    max_bytes: Annotated[int, Ge(1_024), Le(65_535)] = 65_535  # of a document; the store keeps no longer one

    def __post_init__(self) -> None:
        faults = []
        if self.url is None and not self.discover:
            faults.append("url: is missing; give it, or set discover to true")
        elif self.url is not None and self.discover:
            faults.append("discover: is set, and url says where the keys are; remove one")
        if self.url is not None and (fault := fault_of_url(self.url)):
            faults.append(f"url: {fault}")
        if self.stale < self.fresh:
            faults.append("stale: is less than fresh")
        if self.cool_down > self.fresh:
            faults.append("cool_down: is more than fresh")
        if faults:
            raise ValueError("\n".join(faults))

    def fault_of_issuer(self, issuer: str) -> str:
        """Why nothing can be discovered below this issuer, or ""; also where nothing is to be."""
        if not self.discover:
            return ""
        fault = fault_of_url(issuer, files=False)
        if not fault and ("?" in issuer or "#" in issuer):
            fault = "has a query or a fragment"
        return f"{fault}; discovery needs an issuer that is an address" if fault else ""


@dataclass(frozen=True, slots=True)
class SetKey:
    """A key of a set under one algorithm: obeys ``ports.VerifyingKey``."""

    id: str | None
    algorithm: str
    key: SigningKey

    def signed(self, message: bytes, signature: bytes) -> bool:
        """See ``ports.VerifyingKey``."""
        return self.key.signed(message, signature)


class KeySet(NamedTuple):
    """The keys of an issuer, each under each of its algorithms, and what is to be said of those left out."""

    keys: tuple[SetKey, ...] = ()
    notes: tuple[str, ...] = ()

    def matching(self, key_id: str | None, algorithm: str) -> tuple[SetKey, ...]:
        """The keys of this name and algorithm; without a name, all of this algorithm."""
        return tuple(key for key in self.keys if key.algorithm == algorithm and (key_id is None or key.id == key_id))

    def has(self, key_id: str | None) -> bool:
        """Whether there is a key of this name, under whatever algorithm."""
        return any(key.id == key_id for key in self.keys)


def read_key_set(document: bytes, algorithms: Sequence[str]) -> KeySet:
    """The keys of a document under the algorithms that they may be used with; certificates in it prove nothing.

    Raises:
        ValueError: it is no key set; the words hold nothing of it.
    """
    found = read_object(document).get("keys")
    if not isinstance(found, list):
        raise ValueError("is no JSON Web Key Set: it has no list of keys")  # noqa: TRY004 - the one fault there is
    known = PyJWS()
    keys: list[SetKey] = []
    notes: list[str] = []
    taken = 0
    for place, jwk in enumerate(found, 1):
        if taken == MOST_KEYS:
            notes.append(f"there are more than {MOST_KEYS} keys; the rest is left out")
            break
        try:
            if not isinstance(jwk, dict):
                raise ValueError("is no JSON object")  # noqa: TRY004 - a note like the others
            names = _usable(jwk, algorithms)
            key = _public_key(jwk, names[0])
        except ValueError as fault:
            notes.append(f"{_name(jwk, place)} {fault}")
            continue
        keys += [SetKey(jwk.get("kid"), name, SigningKey(known.get_algorithm_by_name(name), key)) for name in names]
        taken += 1
    if len(notes) > _MOST_NOTES:
        notes[_MOST_NOTES - 1 :] = [f"{len(notes) - _MOST_NOTES + 1} more notes are left out"]
    return KeySet(tuple(keys), tuple(notes))


def _name(jwk: object, place: int) -> str:
    key_id = jwk.get("kid") if isinstance(jwk, dict) else None
    return f"key {key_id[:KEY_ID_LENGTH]!r}" if isinstance(key_id, str) else f"key number {place}"


def _usable(jwk: Mapping[str, Any], algorithms: Sequence[str]) -> list[str]:
    """The algorithms that a key may be used with, at least one.

    Raises:
        ValueError: it may not be used; says why.
    """
    key_id, kty, crv, use, operations = (jwk.get(name) for name in ("kid", "kty", "crv", "use", "key_ops"))
    if kty == "oct" or "k" in jwk:
        raise ValueError("is symmetric: whoever can read it could sign with it")
    if any(name in jwk for name in _PRIVATE):
        raise ValueError("is refused: its issuer publishes the private key")
    if key_id is not None and not (isinstance(key_id, str) and len(key_id) <= KEY_ID_LENGTH):
        raise ValueError(f"has a kid that is no text of at most {KEY_ID_LENGTH} characters")
    if use is not None and use != "sig":
        raise ValueError("is not for signatures (use)")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        raise ValueError("is not for verifying (key_ops)")
    fitting = _fitting(kty, crv)
    if fitting is None:
        raise ValueError("is of a kind that is not known here (kty, crv)")
    algorithm = jwk.get("alg")
    if algorithm is not None and algorithm not in fitting:
        raise ValueError("is of another kind than its algorithm (alg) needs")
    names = [name for name in dict.fromkeys(algorithms) if name in fitting and algorithm in (None, name)]
    if not names:
        raise ValueError("is for none of the algorithms that are configured")
    return names


def _fitting(kty: object, crv: object) -> tuple[str, ...] | None:
    if kty == "RSA":
        return _FITTING["RSA", None]
    return _FITTING.get((kty, crv)) if isinstance(kty, str) and isinstance(crv, str) else None


def _public_key(jwk: Mapping[str, Any], algorithm: str) -> object:
    try:
        key: object = PyJWK({name: jwk[name] for name in _PUBLIC if name in jwk}, algorithm).key
    except Exception:
        # The issuer's mistakes are told in more kinds of exceptions than a list foresees.
        raise ValueError("cannot be read") from None
    if isinstance(key, RSAPublicKey) and not RSA_BITS <= key.key_size <= _MOST_RSA_BITS:
        raise ValueError(f"has {key.key_size} bits, but RSA needs {RSA_BITS} to {_MOST_RSA_BITS}")
    return key


def fault_of_url(url: str, *, files: bool = True) -> str:
    """What is wrong with the address of a document, or "". It does not show the address, which may hold a password."""
    return next(_faults_of_url(url, files), "")


def _faults_of_url(url: str, files: bool) -> Iterator[str]:
    found = split(url)
    if found is None or not found.scheme:
        yield "must be an address such as 'https://id.example.com/keys'"
    elif len(url) > URL_LENGTH:
        yield f"is longer than {URL_LENGTH} characters"
    elif "#" in url:
        yield "has a fragment"
    elif found.scheme == "file" and files:
        if found.netloc or not found.path.startswith("/") or found.query or "\0" in unquote(found.path):
            yield "must be an absolute path such as 'file:///etc/authgate/keys.json'"
    elif found.scheme not in ("https", "http") or not found.hostname:
        yield "must begin with https://" + (" or file:///" if files else "")
    elif "@" in found.netloc:
        yield "holds a user or a password"
    elif found.scheme == "http" and not is_loopback(url):
        yield "is http:// to another machine; whoever is in between could put keys of his own there"


def is_loopback(url: str) -> bool:
    """Whether an address is http:// on this machine."""
    found = split(url)
    if found is None or found.scheme != "http":
        return False
    try:
        return found.hostname == "localhost" or ipaddress.ip_address(found.hostname or "").is_loopback
    except ValueError:
        return False


def shown(url: str) -> str:
    """An address as it may be shown: without user and query."""
    found = split(url)
    if found is None:
        return "***"
    return urlunsplit((found.scheme, found.netloc.rpartition("@")[2], found.path, "", ""))
