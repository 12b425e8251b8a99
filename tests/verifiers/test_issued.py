"""Signed tokens of our own: which key signed one is said by its kid, and by which algorithm, by the key."""

import dataclasses
import json

import pytest

from authgate.errors import StoreError
from authgate.model import Credentials, Principal, Reason, Secret, User, Where
from authgate.signing import Ring
from authgate.signing.material import fresh, open_key
from authgate.verifiers.issued import IssuedVerifier
from tests.verifiers import forge
from tests.verifiers.fakes import FakeUsers, shown
from tests.verifiers.forge import NOW, b64, public_pem, segment, signed
from tests.verifiers.ours import (
    ANN,
    ANYBODYS,
    CLAIMS,
    HMAC_KEY,
    KEYS,
    MASTER,
    OURS,
    PRIVATE,
    address,
    jwt,
    means_of,
    outcome,
)

ED = {"alg": "EdDSA", "kid": "ed"}
GOOD = jwt()
HEAD, PAYLOAD, SIGNATURE = GOOD.split(".")
THEIRS = forge.ed25519.Ed25519PrivateKey.generate()  # the attacker's
RAW_ED = forge.ED25519.public_key().public_bytes_raw()
JWK_ED = json.dumps({"kty": "OKP", "crv": "Ed25519", "x": b64(RAW_ED)})
DER_ED = forge.ED25519.public_key().public_bytes(
    forge.serialization.Encoding.DER, forge.serialization.PublicFormat.SubjectPublicKeyInfo
)
PEM_ED = public_pem(forge.ED25519)


def under(header: object, key: object = forge.ED25519, algorithm: str = "EdDSA") -> str:
    """Right claims, signed by this key under this header."""
    return signed(CLAIMS, header, key, algorithm)


GOOD_ONES = {
    **{f"signed by the key {kid}": jwt(kid) for kid in KEYS},
    "Bearer before it": f"Bearer {GOOD}",
    "Bearer in capitals": f"BEARER {GOOD}",
    "expired within the leeway": jwt(exp=NOW - 29),
    "begun within the leeway": jwt(nbf=NOW + 30, iat=NOW + 30),
    "without a generation, of a user who was never cut off": jwt(authgate_gen=None),
    "with a header that nobody follows": under(ED | {"jku": "https://attacker.example/keys.json", "typ": "JWT"}),
    "for an application, asked about and not shown": jwt(appKey="live", stream="room-*", ip="192.0.2.1"),
}


@pytest.mark.parametrize("text", GOOD_ONES.values(), ids=GOOD_ONES)
async def test_what_we_issued_is_good(text: str) -> None:
    assert await outcome(text) is Reason.OK


async def test_what_a_good_token_says_is_all_kept() -> None:
    text = jwt(grants=["play:a", "publish:b"], appKey="live", ip=["203.0.113.0/24", "2001:db8::1"])
    client = await OURS.verify(Credentials(token=Secret(text)), means_of())
    assert isinstance(client, Principal)
    assert (client.user, client.verifier, client.grants) == ("ann", "issued", ("play:a", "publish:b"))
    assert client.bound == {"appKey": ("live",), "ip": ("203.0.113.0/24", "2001:db8::1")}
    assert (client.token_id, client.expires_at, client.generation) == ("j", NOW + 60, 7)
    assert client.issued is not None
    assert (client.issued.issuer, client.issued.key_id, client.issued.issued_at) == ("authgate", "ed", NOW)


INVALID = {
    # the kid
    "unknown kid": under(ED | {"kid": "none such"}),
    "no kid": under({"alg": "EdDSA"}),
    "kid is null": under(ED | {"kid": None}),
    "kid is a number": under(ED | {"kid": 7}),
    "kid is true": under(ED | {"kid": True}),
    "kid is a list": under(ED | {"kid": ["ed"]}),
    "kid is an object": under(ED | {"kid": {"ed": 1}}),
    "kid is empty": under(ED | {"kid": ""}),
    "kid in capitals": under(ED | {"kid": "ED"}),
    "kid with a space": under(ED | {"kid": "ed "}),
    "kid with a NUL": under(ED | {"kid": "ed\0"}),
    "kid of 5000 characters": under(ED | {"kid": "e" * 5_000}),
    "kid traverses a path": under({"alg": "HS256", "kid": "../../../../dev/null"}, b"", "HS256"),
    "kid is SQL": under({"alg": "HS256", "kid": "x' UNION SELECT 'secret'--"}, "secret", "HS256"),
    "kid is an address": under(ED | {"kid": "https://attacker.example/key"}, THEIRS),
    "kid is the master key's": under({"alg": "HS256", "kid": MASTER.reveal()}, MASTER.reveal(), "HS256"),
    "two kids, the unknown one first": under('{"alg":"EdDSA","kid":"x","kid":"ed"}'),
    "two kids, the unknown one last": under('{"alg":"EdDSA","kid":"ed","kid":"x"}'),
    # no signature
    **{
        f"unsigned, {name!r}": f"{segment({'alg': name, 'kid': 'ed'})}.{PAYLOAD}."
        for name in ("none", "None", "NONE", "nOnE", "")
    },
    "none with a right signature": under(ED | {"alg": "none"}),
    "our algorithm and no signature": f"{HEAD}.{PAYLOAD}.",
    "no algorithm": under({"kid": "ed"}),
    "two algorithms": under('{"alg":"none","alg":"EdDSA","kid":"ed"}'),
    # algorithm confusion: what everybody can read of our key as the secret
    "the PEM as secret": under(ED | {"alg": "HS256"}, PEM_ED, "HS256"),
    "the PEM without its line end as secret": under(ED | {"alg": "HS256"}, PEM_ED.strip(), "HS256"),
    "the text of the PEM as secret": under(ED | {"alg": "HS256"}, PEM_ED.splitlines()[1], "HS256"),
    "the DER as secret": under(ED | {"alg": "HS256"}, DER_ED, "HS256"),
    "the raw key as secret": under(ED | {"alg": "HS256"}, RAW_ED, "HS256"),
    "the x of the JWK as secret": under(ED | {"alg": "HS256"}, b64(RAW_ED), "HS256"),
    "the JWK as secret": under(ED | {"alg": "HS256"}, JWK_ED, "HS256"),
    "the kid as secret": under(ED | {"alg": "HS256"}, "ed", "HS256"),
    "an HMAC under the name of EdDSA": under(ED, PEM_ED, "HS256"),
    "RSA's PEM as secret": under({"alg": "HS256", "kid": "rs"}, public_pem(forge.RSA), "HS256"),
    "RSA's PEM under the kid of our secret": under({"alg": "HS256", "kid": "hs"}, public_pem(forge.RSA), "HS256"),
    # another algorithm than the key's
    "a longer hash of our secret": under({"alg": "HS512", "kid": "hs"}, HMAC_KEY, "HS512"),
    "a longer hash of our RSA key": under({"alg": "RS512", "kid": "rs"}, forge.RSA, "RS512"),
    "PSS of our RSA key": under({"alg": "PS256", "kid": "rs"}, forge.RSA, "PS256"),
    "PSS under the name of PKCS": under({"alg": "RS256", "kid": "rs"}, forge.RSA, "PS256"),
    "the algorithm of another key of ours": under({"alg": "ES256", "kid": "ed"}),
    "the algorithm and the signature of another key": under({"alg": "ES256", "kid": "ed"}, forge.P256, "ES256"),
    "EdDSA in small letters": under(ED | {"alg": "eddsa"}),
    "Ed25519, its newer name": under(ED | {"alg": "Ed25519"}),
    "another curve of EdDSA": under(ED, forge.ED448),
    # another key
    "the attacker's key": under(ED, THEIRS),
    "the attacker's key brought along": under(
        ED | {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(THEIRS.public_key().public_bytes_raw())}}, THEIRS
    ),
    "the attacker's key at an address": under(ED | {"jku": "https://attacker.example/keys.json"}, THEIRS),
    "the attacker's certificate at an address": under(ED | {"x5u": "https://attacker.example/chain.pem"}, THEIRS),
    "the attacker's certificate brought along": under(ED | {"x5c": [b64(DER_ED)]}, THEIRS),
    **{
        f"the kid {kid} over a signature of {other}": under(
            {"alg": KEYS[other].algorithm, "kid": kid}, PRIVATE[other], KEYS[other].algorithm
        )
        for kid, other in (("ed", "hs"), ("es", "ed"), ("rs", "es"), ("hs", "rs"))
    },
    # what was signed is another thing
    "another payload": f"{HEAD}.{segment(CLAIMS | {'sub': 'bob'})}.{SIGNATURE}",
    "another header": f"{segment(ED | {'typ': 'JWT'})}.{PAYLOAD}.{SIGNATURE}",
    "the signature of another token": f"{HEAD}.{PAYLOAD}.{jwt(sub='bob').rpartition('.')[2]}",
    "crit": under(ED | {"crit": ["exp"]}),
    "crit that is empty": under(ED | {"crit": []}),
    "b64 is false": under(ED | {"b64": False, "crit": ["b64"]}),
    "b64 alone": under(ED | {"b64": True}),
    # not its one text
    "a lone surrogate": GOOD + "\ud800",
    "padded": GOOD + "=",
    "a line end after it": GOOD + "\n",
    "Bearer twice": f"Bearer Bearer {GOOD}",
    "two parts": f"{HEAD}.{PAYLOAD}",
    "four parts": f"{GOOD}.{SIGNATURE}",
    "a header that is no JSON": signed(CLAIMS, b"{alg:EdDSA,kid:ed}", forge.ED25519, "EdDSA"),
    # claims
    "no exp": jwt(exp=None),
    "no sub": jwt(sub=None),
    "sub that nobody sees": jwt(sub="a\u200bnn"),
    "generation is text": jwt(authgate_gen="7"),
    "generation is true": jwt(authgate_gen=True),
    "generation is a fraction": jwt(authgate_gen=7.0),
    "generation is a list": jwt(authgate_gen=[7]),
    "generation is null": signed(CLAIMS | {"authgate_gen": None}, ED, forge.ED25519, "EdDSA"),
    "once is text": jwt(once="true"),
    "once without an id": jwt(once=True, jti=None),
    "jti of 256 characters": jwt(jti="j" * 256),
}


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID)
async def test_what_names_us_and_was_not_issued_so_is_invalid(text: str) -> None:
    assert await outcome(text) is Reason.TOKEN_INVALID
    assert OURS.claimed(Credentials(token=Secret(text)), means_of(), Reason.TOKEN_INVALID) is None


NOT_OURS = {
    "another issuer": jwt(iss="https://issuer.example"),
    "another issuer, alg none": f"{segment(ED | {'alg': 'none'})}.{segment(CLAIMS | {'iss': 'x'})}.",
    "our issuer in capitals": jwt(iss="AUTHGATE"),
    "our issuer and a slash": jwt(iss="authgate/"),
    "our issuer and a space": jwt(iss=" authgate"),
    "our issuer in a list": jwt(iss=["authgate"]),
    "no issuer": jwt(iss=None),
    "issuer is null": signed(CLAIMS | {"iss": None}, ED, forge.ED25519, "EdDSA"),
    "issuer is a number": jwt(iss=1),
    "two issuers": signed('{"iss":"x","iss":"authgate","sub":"ann","exp":1900000000}', ED, forge.ED25519, "EdDSA"),
    "empty": "",
    "a word": "ann",
    "two dots": "..",
    "another prefix of short ones": "xk_abcdefgh_" + "a" * 32,
    "a short prefix in capitals": "SK_abcdefgh_" + "a" * 32,
    "a signed one in capitals": "SU" + address()[2:],
}


@pytest.mark.parametrize("text", NOT_OURS.values(), ids=NOT_OURS)
async def test_what_does_not_name_us_is_left_to_others(text: str) -> None:
    assert await outcome(text) is None
    assert OURS.claimed(Credentials(token=Secret(text)), means_of(), Reason.TOKEN_INVALID) is None


IN = {"exp": NOW + 60, "aud": "wcs"}
AUDIENCE = IssuedVerifier((MASTER,), audience=("wcs", "other"))
REFUSED = {
    "expired to the second": (OURS, jwt(exp=NOW - 30), Reason.TOKEN_EXPIRED),
    "expired long ago": (OURS, jwt(exp=5), Reason.TOKEN_EXPIRED),
    "not yet valid": (OURS, jwt(nbf=NOW + 31), Reason.TOKEN_NOT_YET_VALID),
    "issued in the future": (OURS, jwt(iat=NOW + 31), Reason.TOKEN_NOT_YET_VALID),
    "an audience where we name none": (OURS, jwt(aud="wcs"), Reason.TOKEN_AUDIENCE),
    "no audience where we name one": (AUDIENCE, jwt(), Reason.TOKEN_AUDIENCE),
    "another audience": (AUDIENCE, jwt(aud="WCS"), Reason.TOKEN_AUDIENCE),
    "our audience among several": (AUDIENCE, jwt(aud=["x", "wcs"]), Reason.OK),
    "an earlier generation": (OURS, jwt(authgate_gen=6), Reason.TOKEN_REVOKED),
    "a later generation": (OURS, jwt(authgate_gen=8), Reason.TOKEN_REVOKED),
    "a generation without end": (OURS, jwt(authgate_gen=10**50), Reason.TOKEN_REVOKED),
    "an unknown user": (OURS, jwt(sub="cid"), Reason.USER_UNKNOWN),
    "a user who has been deleted, and need not be known": (ANYBODYS, jwt(sub="cid"), Reason.TOKEN_REVOKED),
    "a disabled user": (OURS, jwt(sub="bob"), Reason.USER_DISABLED),
    "a disabled user, who need not be known": (ANYBODYS, jwt(sub="bob"), Reason.USER_DISABLED),
    "an earlier generation of a user who need not be known": (ANYBODYS, jwt(authgate_gen=6), Reason.TOKEN_REVOKED),
    "as long as it may be": (IssuedVerifier((MASTER,), max_length=len(GOOD)), GOOD, Reason.OK),
    "a character too long": (IssuedVerifier((MASTER,), max_length=len(GOOD) - 1), GOOD, Reason.TOKEN_TOO_LONG),
    "a character too long by its prefix": (
        IssuedVerifier((MASTER,), max_length=len(GOOD)),
        f"bearer {GOOD}",
        Reason.TOKEN_TOO_LONG,
    ),
    "huge": (OURS, "x" * 16_000_000, Reason.TOKEN_TOO_LONG),
}


@pytest.mark.parametrize(("verifier", "text", "reason"), REFUSED.values(), ids=REFUSED)
async def test_what_was_issued_for_another_time_or_user_is_refused(
    verifier: IssuedVerifier, text: str, reason: Reason
) -> None:
    assert await outcome(text, verifier) is reason


async def test_without_an_id_of_its_generation_a_token_is_cut_off_by_when_it_was_issued() -> None:
    """zed-industries/zed#60157: by iat, never by nbf, and one that does not say when is cut off with the rest."""
    cut = means_of(User("ann", "Ann", generation=8, cut_off_at=NOW * 1000))
    for text in (jwt(authgate_gen=None), jwt(authgate_gen=None, iat=None), jwt(authgate_gen=None, iat=NOW - 9, nbf=0)):
        assert await outcome(text, using=cut) is Reason.TOKEN_REVOKED
    assert await outcome(jwt(authgate_gen=None, iat=NOW + 1), using=cut) is Reason.OK


async def test_nothing_that_does_not_name_us_makes_us_look_for_a_key() -> None:
    """coreos/go-oidc#482: whoever writes any kid would have the store read for each hook."""

    class Counting:
        asked = 0

        async def find_own(self, key_id: str, algorithm: str) -> None:
            self.asked += 1

        def known_own(self, key_id: str, algorithm: str) -> None:
            return None

    keys = Counting()
    others = [*NOT_OURS.values(), under(ED | {"crit": []}), under({"alg": "EdDSA"}), "x" * 9_000, address()]
    for text in others:
        await outcome(text, using=means_of(keys=keys))
    assert keys.asked == 0


class OfRing:
    """The keys of a ring, at its own time."""

    def __init__(self, ring: Ring) -> None:
        self.known_own = ring.known

    async def find_own(self, key_id: str, algorithm: str) -> object:
        return self.known_own(key_id, algorithm)


class Rows:
    def __init__(self, *rows: object) -> None:
        self.rows = rows

    async def all(self) -> tuple[object, ...]:
        return self.rows


@pytest.mark.parametrize(("over", "reason"), [(NOW + 1, Reason.OK), (NOW, Reason.TOKEN_INVALID)], ids=["until", "over"])
async def test_a_retired_key_is_good_until_its_last_second(over: int, reason: Reason) -> None:
    row = dataclasses.replace(fresh("EdDSA", MASTER), signs_from=1, retired_at=2, verifies_until=over)
    ring = Ring(Rows(row), (MASTER,), clock=lambda: NOW)  # type: ignore[arg-type]
    await ring.reload()
    text = open_key(row, (MASTER,)).sign(json.dumps(CLAIMS).encode())
    assert await outcome(text, using=means_of(keys=OfRing(ring))) is reason


@pytest.mark.parametrize("claim", ["jti", "iss", "kid"])
async def test_what_was_revoked_is_refused_by_each_name_that_it_is_known_by(claim: str) -> None:
    using = means_of()
    using.revocations.cut.add(({**CLAIMS, "kid": "ed"})[claim])  # type: ignore[attr-defined]
    assert await outcome(GOOD, using=using) is Reason.TOKEN_REVOKED


async def test_where_it_is_not_known_what_was_revoked_nobody_is_let_in() -> None:
    using = means_of()
    using.revocations.away = True  # type: ignore[attr-defined]
    for text in (GOOD, address()):
        with pytest.raises(StoreError):
            await outcome(text, using=using)


async def test_a_one_time_token_is_good_for_who_shows_it_first() -> None:
    using = means_of(where=Where(holder="one"))
    text = jwt(once=True)
    assert [await outcome(text, using=using) for _ in range(2)] == [Reason.OK, Reason.OK]
    other = dataclasses.replace(using, where=shown(Where(holder="two")))
    assert await outcome(text, using=other) is Reason.TOKEN_USED
    assert await outcome(jwt(once=True, jti="another"), using=other) is Reason.OK
    assert await outcome(jwt("es", once=True), using=other) is Reason.TOKEN_USED, "told by its id, not its text"


async def test_a_one_time_token_that_is_refused_for_something_else_is_not_used_up() -> None:
    using = means_of(where=Where("dead", holder="thief"))
    for text, reason in (
        (jwt(once=True, appKey="live"), Reason.TOKEN_APP),
        (jwt(once=True, exp=5), Reason.TOKEN_EXPIRED),
        (jwt(once=True, authgate_gen=6), Reason.TOKEN_REVOKED),
        (jwt(once=True, sub="bob"), Reason.USER_DISABLED),
    ):
        assert await outcome(text, using=using) is reason
    assert using.one_time.holders == {}  # type: ignore[attr-defined]


async def test_who_only_asks_reserves_nothing() -> None:
    using = means_of(where=Where(holder="one"), dry=True)
    assert await outcome(jwt(once=True), using=using) is Reason.OK
    assert using.one_time.holders == {}  # type: ignore[attr-defined]


async def test_a_store_that_is_away_lets_nobody_in() -> None:
    using = means_of(ANN)
    assert isinstance(using.users, FakeUsers)
    using.users.fault = StoreError("away")
    with pytest.raises(StoreError):
        await outcome(GOOD, ANYBODYS, using)


UNFIT = {
    "a short master key": ({"master_keys": (Secret("k" * 31),)}, r"master_keys\[0\]: has 31 bytes"),
    "a short second one": ({"master_keys": (MASTER, Secret(""))}, r"master_keys\[1\]: has 0 bytes"),
    "a master key of bytes": ({"master_keys": (Secret("\udcff" * 40),)}, r"master_keys\[0\]: is not Unicode text"),
    "no name": ({"name": ""}, "name: is empty"),
    "no issuer": ({"issuer": ""}, "issuer: is empty"),
    "no audience": ({"audience": ""}, "audience: is empty"),
    "an empty audience among others": ({"audience": ("a", "")}, "audience: is empty"),
}


@pytest.mark.parametrize(("options", "fault"), UNFIT.values(), ids=UNFIT)
def test_an_unfit_option_is_named(options: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        IssuedVerifier(**({"master_keys": (MASTER,)} | options))  # type: ignore[arg-type]


def test_a_verifier_shows_no_master_key() -> None:
    assert MASTER.reveal() not in repr(OURS)
