"""Claims that an issuer should not write, rightly signed: each is refused, and none is ever a fault of ours."""

import base64
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.model import Credentials, Principal, Reason, Secret, User, Where
from authgate.verifiers.token import TokenVerifier
from tests.verifiers import forge
from tests.verifiers.fakes import means, shown
from tests.verifiers.forge import GOOD, NOW, SECRET, b64, public_pem, segment, signed

VERIFIER = TokenVerifier(Secret(SECRET), issuer="us", audience="wcs")
SAID = GOOD | {"iss": "us", "aud": "wcs", "jti": "j"}


async def outcome(text: str, verifier: TokenVerifier = VERIFIER, where: Where | None = None) -> Reason | None:
    using = dataclasses.replace(means(User("ann", "ann"), User("1", "1")), where=shown(where))
    found = await verifier.verify(Credentials(token=Secret(text)), using)
    return Reason.OK if isinstance(found, Principal) else found


# JSON as it stands in the payload, so that it may be what no library would write.
VALUES = {
    "null": "null",
    "true": "true",
    "false": "false",
    "a number": "7",
    "zero": "0",
    "a negative number": "-1",
    "a fraction": "1.5",
    "10**50": "1" + "0" * 50,
    "1e309": "1e309",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "a number of 5000 digits": "9" * 5_000,
    "empty": '""',
    "a line end": '"a\\nb"',
    "a NUL": '"a\\u0000"',
    "half a letter": '"\\ud800"',
    "what nobody sees": '"a\\u200bb"',
    "an empty list": "[]",
    "a list of null": "[null]",
    "a list of numbers": "[1]",
    "a list in the list": '[["a"]]',
    "an empty object": "{}",
    "an object": '{"a":"b"}',
    "an object with a key twice": '{"a":1,"a":2}',
    "an open list": "[",
    "text without quotes": "ann",
    "text in other quotes": "'ann'",
}
# What each claim may be all the same, with the reason that it leads to.
FITTING: dict[str, dict[str, Reason]] = {
    "iss": {},
    "sub": {"a number": Reason.USER_UNKNOWN, "zero": Reason.USER_UNKNOWN, "a negative number": Reason.USER_UNKNOWN}
    | {"10**50": Reason.USER_UNKNOWN},
    "aud": {"an empty list": Reason.TOKEN_AUDIENCE},
    "exp": {"a number": Reason.TOKEN_EXPIRED, "zero": Reason.TOKEN_EXPIRED, "a fraction": Reason.TOKEN_EXPIRED},
    "nbf": dict.fromkeys(("a number", "zero", "a fraction"), Reason.OK),
    "iat": dict.fromkeys(("a number", "zero", "a fraction"), Reason.OK),
    "jti": {},
    "grants": {"an empty list": Reason.OK},
    "once": {"true": Reason.OK, "false": Reason.OK},
    "ip": {},
    "origin": {},
    "appKey": {},
    "stream": {},
    "authgate_gen": {"a number": Reason.TOKEN_REVOKED, "zero": Reason.OK, "a negative number": Reason.TOKEN_REVOKED}
    | {"10**50": Reason.TOKEN_REVOKED},
}


def with_raw(claim: str, value: str) -> str:
    """Rightly signed, with this JSON under a claim."""
    others = ",".join(f'"{name}":{forge.json.dumps(said)}' for name, said in SAID.items() if name != claim)
    return signed(f'{{{others},"{claim}":{value}}}')


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("claim", FITTING)
async def test_every_claim_of_every_wrong_type(claim: str, value: str) -> None:
    assert await outcome(with_raw(claim, VALUES[value])) is FITTING[claim].get(value, Reason.TOKEN_INVALID)


async def test_the_claims_that_the_wrong_ones_are_made_from() -> None:
    assert await outcome(signed(SAID)) is Reason.OK


def said(**claims: object) -> str:
    return signed(SAID | claims)


YEAR_9999 = 253_402_300_799
HOSTILE = {
    "jti of 255 characters": (said(jti="j" * 255), Reason.OK),
    "jti of 256 characters": (said(jti="j" * 256), Reason.TOKEN_INVALID),
    "jti of 256 characters of four bytes": (said(jti="😀" * 256), Reason.TOKEN_INVALID),
    "jti is blank": (said(jti=" "), Reason.OK),
    "jti with a line end, which keys are built with": (said(jti="token\nj"), Reason.TOKEN_INVALID),
    "once without jti": (signed(GOOD | {"iss": "us", "aud": "wcs", "once": True}), Reason.TOKEN_INVALID),
    "once is a number": (said(once=1), Reason.TOKEN_INVALID),
    "once is text": (said(once="false"), Reason.TOKEN_INVALID),
    "exp at the end of the year 9999": (said(exp=YEAR_9999), Reason.OK),
    "exp in the year 10000": (said(exp=YEAR_9999 + 1), Reason.TOKEN_INVALID),
    "exp a fraction into the year 10000": (said(exp=YEAR_9999 + 0.5), Reason.TOKEN_INVALID),
    "exp in milliseconds": (said(exp=NOW * 1000), Reason.TOKEN_INVALID),
    "exp is -0.0": (with_raw("exp", "-0.0"), Reason.TOKEN_EXPIRED),
    "exp is -1e-9": (with_raw("exp", "-1e-9"), Reason.TOKEN_INVALID),
    "exp is 2**63": (said(exp=2**63), Reason.TOKEN_INVALID),
    "exp is 2**64 + a good one": (said(exp=2**64 + NOW + 60), Reason.TOKEN_INVALID),
    "exp is written with an exponent": (with_raw("exp", "1.8e9"), Reason.OK),
    "exp is text of a number": (said(exp=str(NOW + 60)), Reason.TOKEN_INVALID),
    "exp is a date": (said(exp="2030-01-01T00:00:00Z"), Reason.TOKEN_INVALID),
    "iat in the year 10000": (said(iat=YEAR_9999 + 1), Reason.TOKEN_INVALID),
    "nbf after exp": (said(nbf=NOW + 120), Reason.TOKEN_NOT_YET_VALID),
    "sub in full-width letters": (said(sub="ＡＮＮ"), Reason.OK),
    "sub in letters that look alike": (said(sub="аnn"), Reason.USER_UNKNOWN),
    "sub is a number and a user": (said(sub=1), Reason.OK),
    "sub is text that turns around": (said(sub="\u202enna"), Reason.TOKEN_INVALID),
    "sub with a soft hyphen": (said(sub="an\u00adn"), Reason.TOKEN_INVALID),
    "sub of a long name that folds to a short one": (said(sub="a" * 800), Reason.TOKEN_INVALID),
    "iss with a space": (said(iss="us "), None),
    "iss in capitals": (said(iss="US"), None),
    "iss of which ours is a part": (said(iss="bonus"), None),
    "iss of a letter that looks alike": (said(iss="uѕ"), None),
    "aud of which ours is a part": (said(aud="wcs-admin"), Reason.TOKEN_AUDIENCE),
    "aud that is a part of ours": (said(aud="wc"), Reason.TOKEN_AUDIENCE),
    "aud of a thousand, ours the last one": (said(aud=["x"] * 999 + ["wcs"]), Reason.OK),
    "aud with ours and what is no text": (said(aud=["wcs", None]), Reason.TOKEN_INVALID),
    "more grants than are taken": (said(grants=["a:b"] * 900), Reason.TOKEN_TOO_LONG),
    "ip of 65": (said(ip=["203.0.113.7"] * 65), Reason.TOKEN_INVALID),
    "ip of one that is none": (said(ip=["203.0.113.7", "any"]), Reason.TOKEN_INVALID),
    "origin without a scheme": (said(origin="app.example.com"), Reason.TOKEN_INVALID),
    "stream that is never sure": (said(stream="a/../b"), Reason.TOKEN_INVALID),
    "stream of 513 characters": (said(stream="a" * 513), Reason.TOKEN_INVALID),
    "appKey with a NUL": (said(appKey="live\0"), Reason.TOKEN_INVALID),
    "appkey in small letters binds to nothing": (said(appkey="other"), Reason.OK),
    "an earlier generation": (said(authgate_gen=-1), Reason.TOKEN_REVOKED),
    "the prototype of an object": (said(__proto__={"sub": "bob"}), Reason.OK),
    "a claim twice": (with_raw("x", '1,"sub":"1"'), Reason.TOKEN_INVALID),
    "a claim twice, one escaped": (with_raw("x", '1,"\\u0073ub":"1"'), Reason.TOKEN_INVALID),
    "a claim after the end": (signed(forge.json.dumps(SAID) + ',"sub":"1"'), Reason.TOKEN_INVALID),
}


@pytest.mark.parametrize(("text", "reason"), HOSTILE.values(), ids=HOSTILE)
async def test_hostile_claims(text: str, reason: Reason | None) -> None:
    assert await outcome(text, where=Where("live", "203.0.113.7", "https://app.example.com")) is reason


BOUND = {
    "another application": ({"appKey": "other"}, Reason.TOKEN_APP),
    "another address": ({"ip": "203.0.113.8"}, Reason.TOKEN_ADDRESS),
    "another origin": ({"origin": "https://evil.example"}, Reason.TOKEN_ORIGIN),
    "another stream": ({"stream": "hall"}, Reason.TOKEN_STREAM),
    "all of them right": ({"appKey": "live", "ip": "203.0.113.0/24", "origin": "https://a.example"}, Reason.OK),
    "all of them right but one": (
        {"appKey": "live", "ip": "203.0.113.0/24", "origin": "https://a.example", "stream": "hall"},
        Reason.TOKEN_STREAM,
    ),
}


@pytest.mark.parametrize(("claims", "reason"), BOUND.values(), ids=BOUND)
async def test_a_token_of_others_is_kept_to_what_it_is_bound_to(claims: dict[str, object], reason: Reason) -> None:
    where = Where("live", "203.0.113.7", "https://a.example", "play", "room-1")
    assert await outcome(said(**claims), where=where) is reason


# One signed content, one text.

SIGNERS = {"EdDSA": forge.ED25519, "ES256": forge.P256, "RS256": forge.RSA, "HS256": SECRET}
VERIFIERS = {
    algorithm: TokenVerifier(Secret(key if isinstance(key, str) else public_pem(key)), algorithms=(algorithm,))
    for algorithm, key in SIGNERS.items()
}
TOKENS = {
    algorithm: signed(GOOD | {"jti": "j"}, {"alg": algorithm}, key, algorithm) for algorithm, key in SIGNERS.items()
}
ALGORITHMS = pytest.mark.parametrize("algorithm", SIGNERS)


def refused(algorithm: str, text: str) -> bool:
    reading = VERIFIERS[algorithm].read(text, NOW)
    assert reading is not None
    return reading.reason is Reason.TOKEN_INVALID and reading.claims is None


@ALGORITHMS
@given(data=st.data())
def test_no_bit_of_a_token_can_be_another(algorithm: str, data: st.DataObject) -> None:
    token = TOKENS[algorithm]
    at = data.draw(st.integers(0, len(token) - 1))
    flipped = chr(ord(token[at]) ^ (1 << data.draw(st.integers(0, 6))))
    assert refused(algorithm, token[:at] + flipped + token[at + 1 :])


@ALGORITHMS
@given(data=st.data())
def test_no_bit_of_what_the_segments_hold_can_be_another(algorithm: str, data: st.DataObject) -> None:
    segments = TOKENS[algorithm].split(".")
    which = data.draw(st.integers(0, 2))
    held = bytearray(base64.urlsafe_b64decode(segments[which] + "==="))
    held[data.draw(st.integers(0, len(held) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    segments[which] = b64(bytes(held))
    assert refused(algorithm, ".".join(segments))


@ALGORITHMS
@given(data=st.data())
def test_nothing_can_be_cut_off_or_put_in(algorithm: str, data: st.DataObject) -> None:
    token = TOKENS[algorithm]
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    put = data.draw(st.text("AQgw-_.=+/ \n\0é", max_size=6))
    changed = token[:start] + put + token[end:]
    assert changed == token or refused(algorithm, changed)


@ALGORITHMS
@given(order=st.lists(st.integers(0, 2), max_size=5))
def test_segments_stand_in_one_order_only(algorithm: str, order: list[int]) -> None:
    segments = TOKENS[algorithm].split(".")
    changed = ".".join(segments[at] for at in order)
    assert changed == TOKENS[algorithm] or refused(algorithm, changed)


@ALGORITHMS
@pytest.mark.parametrize("other", SIGNERS)
def test_no_signature_serves_under_another_algorithm(algorithm: str, other: str) -> None:
    """RFC 8725, 3.1: the header's word and the signature's kind, each changed for another."""
    if algorithm == other:
        return
    message = f"{segment({'alg': algorithm})}.{segment(GOOD | {'jti': 'j'})}"
    for text in (
        signed(GOOD, {"alg": other}, SIGNERS[algorithm], algorithm),
        signed(GOOD, {"alg": algorithm}, SIGNERS[other], other),
        f"{message}.{TOKENS[other].rpartition('.')[2]}",
        TOKENS[other],
    ):
        assert refused(algorithm, text)


ORDER = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "Ed25519": 2**252 + 27742317777372353535851937790883648493,
}


async def test_the_other_form_of_an_ec_signature_is_the_same_token() -> None:
    """(r, n - s) verifies wherever (r, s) does: it must not count as a second token of the same id."""
    head, _, tail = TOKENS["ES256"].rpartition(".")
    raw = base64.urlsafe_b64decode(tail + "==")
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    twin = f"{head}.{b64(raw[:32] + (ORDER['P-256'] - s).to_bytes(32, 'big'))}"
    first, second = (VERIFIERS["ES256"].read(text, NOW) for text in (TOKENS["ES256"], twin))
    assert first == second, "whoever revokes by jti or uses it up has both"
    once = TokenVerifier(Secret(public_pem(forge.P256)), algorithms=("ES256",), once=True)
    using = dataclasses.replace(means(User("ann", "ann")), where=shown(Where(holder="a")))
    assert isinstance(await once.verify(Credentials(token=Secret(TOKENS["ES256"])), using), Principal)
    using = dataclasses.replace(using, where=shown(Where(holder="b")))
    assert await once.verify(Credentials(token=Secret(twin)), using) is Reason.TOKEN_USED
    for wrong in (raw[32:] + raw[:32], b"\0" * 64, raw + b"\0", b"\0" + raw, raw[:63], raw[:32] * 2):
        assert refused("ES256", f"{head}.{b64(wrong)}")
    for out_of_range in ((r + ORDER["P-256"]) % 2**256, ORDER["P-256"], 0):
        assert refused("ES256", f"{head}.{b64(out_of_range.to_bytes(32, 'big') + raw[32:])}")


def test_no_other_form_of_an_eddsa_signature_verifies() -> None:
    """RFC 8032, 5.1.7: s must be below the order, or s + order would be another signature of the same."""
    head, _, tail = TOKENS["EdDSA"].rpartition(".")
    raw = base64.urlsafe_b64decode(tail + "==")
    s = int.from_bytes(raw[32:], "little")
    for other in (s + ORDER["Ed25519"], ORDER["Ed25519"] - s, 0):
        assert refused("EdDSA", f"{head}.{b64(raw[:32] + other.to_bytes(32, 'little'))}")


def test_no_other_form_of_an_rsa_signature_verifies() -> None:
    head, _, tail = TOKENS["RS256"].rpartition(".")
    raw = base64.urlsafe_b64decode(tail + "==")
    number, modulus = int.from_bytes(raw, "big"), forge.RSA.public_key().public_numbers().n
    others = [b"\0" + raw, raw + b"\0", raw[1:], (modulus - number).to_bytes(256, "big"), b"\0" * 255 + b"\1"]
    others.append((number + modulus).to_bytes(257, "big"))
    for other in others:
        assert refused("RS256", f"{head}.{b64(other)}")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(list(FITTING)), _JSON))
async def test_whatever_an_issuer_writes_has_a_reason(claims: dict[str, object]) -> None:
    """Signed by an issuer that writes anything: an answer comes out, never an exception."""
    found = await outcome(signed(SAID | claims), where=Where("live", "203.0.113.7", "https://a.example", "play", "a"))
    assert found is None or isinstance(found, Reason)
