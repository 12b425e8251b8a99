"""Our own keys, and every shape of what is issued with them, without the code that issues it."""

import dataclasses
import hmac
from typing import Any

from jwt import PyJWS

from authgate.issuance import StreamKey
from authgate.model import Credentials, Principal, Reason, Secret, User, Where
from authgate.ports import Means
from authgate.signing.material import Key
from authgate.vault import derived
from authgate.verifiers import short
from authgate.verifiers.issued import IssuedVerifier
from tests.fakes import FakeKeys, FakeStreamKeys
from tests.verifiers import forge
from tests.verifiers.fakes import means, shown
from tests.verifiers.forge import NOW, signed

MASTER = Secret("a master key of forty bytes, for the tests")
OTHER_MASTER = Secret("another master key, as long as the first")
OURS = IssuedVerifier((MASTER,))
ANYBODYS = IssuedVerifier((MASTER,), users="optional")
ANN = User("ann", "Ann", generation=7)
BOB = User("bob", "Bob", enabled=False, generation=7)
CLAIMS = {"iss": "authgate", "sub": "ann", "iat": NOW, "exp": NOW + 60, "jti": "j", "authgate_gen": 7}
HMAC_KEY = "our own secret, which is nobody else's"


def own(name: str, algorithm: str, private: Any) -> Key:
    """A key of our own, opened."""
    secret = private.encode() if isinstance(private, str) else private
    public = secret if isinstance(secret, bytes) else secret.public_key()
    return Key(name, algorithm, None, PyJWS().get_algorithm_by_name(algorithm), secret, public)


KEYS = {
    "ed": own("ed", "EdDSA", forge.ED25519),
    "es": own("es", "ES256", forge.P256),
    "rs": own("rs", "RS256", forge.RSA),
    "hs": own("hs", "HS256", HMAC_KEY),
}
PRIVATE = {"ed": forge.ED25519, "es": forge.P256, "rs": forge.RSA, "hs": HMAC_KEY}


def jwt(kid: str = "ed", **claims: object) -> str:
    """Signed as it should be; claims that are None are left out."""
    said = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    return signed(said, {"alg": KEYS[kid].algorithm, "kid": kid}, PRIVATE[kid], KEYS[kid].algorithm)


def signed_head(head: str, master: Secret = MASTER) -> str:
    """A signed address with these fields, whatever they are."""
    mac = hmac.digest(derived(master, b"authgate: signed addresses"), head.encode(), "sha256")[:16]
    return f"{head}~{forge.b64(mac)}"


SAID = short.Signed("ann", NOW + 60, NOW - 60, "room-*", "live", 7)


def address(master: Secret = MASTER, **changes: Any) -> str:
    """A signed address."""
    return short.signed(master, dataclasses.replace(SAID, **changes))


STREAM_KEY, PREFIX = short.new_stream_key()


def stream_key(**changes: Any) -> StreamKey:
    """The row of ``STREAM_KEY``."""
    made = StreamKey(PREFIX, short.digest(STREAM_KEY), "ann", "publish", "room-*", "live", 7, (NOW - 60) * 1000)
    return dataclasses.replace(made, **changes)


PUBLISHING = Where("live", "203.0.113.7", "https://app.example.com", "publish", "room-1", "n\ns\nm")
PLAYING = dataclasses.replace(PUBLISHING, action="play")
CONNECTING = Where("live", "203.0.113.7", "https://app.example.com", holder="n\ns\n")


def means_of(*users: User, keys: Any = None, rows: tuple[StreamKey, ...] = (), **changes: Any) -> Means:
    """What a verifier may use, with our own keys there; ``where`` its credentials are shown."""
    if "where" in changes:
        changes["where"] = shown(changes["where"])
    held = FakeKeys()
    held.own = KEYS
    made = dataclasses.replace(means(*(users or (ANN, BOB))), keys=keys or held, stream_keys=FakeStreamKeys(*rows))
    return dataclasses.replace(made, **changes)


async def outcome(text: str, verifier: IssuedVerifier = OURS, using: Means | None = None) -> Reason | None:
    """The reason that a text is answered with: OK for a client, None where it is not ours."""
    found = await verifier.verify(Credentials(token=Secret(text)), using or means_of())
    return Reason.OK if isinstance(found, Principal) else found
