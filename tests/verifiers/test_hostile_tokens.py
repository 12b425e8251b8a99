"""Known attacks on JSON Web Tokens, each with the reason that it is answered with on purpose."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authgate.model import Credentials, Reason, Secret, User
from authgate.verifiers.token import TokenVerifier
from tests.verifiers import forge
from tests.verifiers.fakes import means
from tests.verifiers.forge import GOOD, HEADER, NOW, SECRET, b64, public_pem, segment, signed

OTHER = "a secret of the attacker, as long as ours is"
RSA_PEM = public_pem(forge.RSA)
HMAC = TokenVerifier(Secret(SECRET), grants_claim="grants")
PUBLIC = TokenVerifier(Secret(RSA_PEM), algorithms=("RS256",))
EC = TokenVerifier(Secret(public_pem(forge.P256)), algorithms=("ES256",))
TOKEN = signed()
HEAD, PAYLOAD, SIGNATURE = TOKEN.split(".")


def header(**fields: object) -> str:
    """Right in everything but its header."""
    return signed(GOOD, HEADER | fields)


def claim(**claims: object) -> str:
    """Rightly signed, with claims that are not."""
    return signed(GOOD | claims)


def raw(payload: str | bytes) -> str:
    """Rightly signed, whatever the payload is."""
    return signed(payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else payload)


def unsigned(algorithm: object) -> str:
    return f"{segment({'alg': algorithm})}.{segment(GOOD)}."


def confused(key: str | bytes, algorithm: str = "HS256") -> str:
    """Signed with a secret that is really a public text."""
    return signed(GOOD, {"alg": algorithm}, key, algorithm)


INVALID = {
    # the algorithm is chosen by the token
    **{f"unsigned, {name}": unsigned(name) for name in ("none", "None", "NONE", "nOnE", "noNe", "", " none", None)},
    "unsigned with our algorithm": f"{HEAD}.{PAYLOAD}.",
    "unsigned in two parts": f"{HEAD}.{PAYLOAD}",
    "none with a right signature": header(alg="none"),
    "no algorithm": signed(GOOD, {"typ": "JWT"}),
    "algorithm is null": header(alg=None),
    "algorithm is a number": header(alg=256),
    "algorithm is a list": header(alg=["HS256"]),
    "algorithm is an object": header(alg={"HS256": 1}),
    "algorithm in small letters": header(alg="hs256"),
    "algorithm with a space": header(alg="HS256 "),
    "algorithm of the same key that is not configured": confused(SECRET, "HS512"),
    "RSA signature where a secret is configured": signed(GOOD, {"alg": "RS256"}, forge.RSA, "RS256"),
    "two algorithms": signed(GOOD, '{"alg":"none","alg":"HS256"}'),
    # the key is chosen by the token
    "another secret": signed(key=OTHER),
    "empty secret": signed(key=b""),
    "secret with a line end": signed(key=SECRET + "\n"),
    "kid is null": header(kid=None),
    "kid is a number": header(kid=7),
    "kid is a list": header(kid=["a"]),
    "kid is an object": header(kid={}),
    "kid leads to an empty file": signed(GOOD, HEADER | {"kid": "../../../../dev/null"}, b""),
    "kid leads to a zero byte": signed(GOOD, HEADER | {"kid": "/dev/null"}, b"\0"),
    "kid is SQL": signed(GOOD, HEADER | {"kid": f"x' UNION SELECT '{OTHER}'--"}, OTHER),
    "kid is a command": signed(GOOD, HEADER | {"kid": "key | /usr/bin/id"}, OTHER),
    "kid is an address": signed(GOOD, HEADER | {"kid": "https://attacker.example/key"}, OTHER),
    "key brought along": signed(GOOD, HEADER | {"jwk": {"kty": "oct", "k": b64(OTHER.encode())}}, OTHER),
    "key set at an address": signed(GOOD, HEADER | {"jku": "https://attacker.example/keys.json"}, OTHER),
    "certificate at an address": signed(GOOD, HEADER | {"x5u": "https://attacker.example/chain.pem"}, OTHER),
    "certificate brought along": signed(GOOD, HEADER | {"x5c": [b64(OTHER.encode())]}, OTHER),
    # the header changes what is signed or understood
    "crit is unknown": header(crit=["exp"], exp=NOW),
    "crit is empty": header(crit=[]),
    "crit is null": header(crit=None),
    "crit is text": header(crit="b64"),
    "b64 is false and critical": header(crit=["b64"], b64=False),
    "b64 is false alone": header(b64=False),
    "b64 is true": header(crit=["b64"], b64=True),
    "detached payload": f"{HEAD}..{SIGNATURE}",
    "header is a list": signed(GOOD, ["alg", "HS256"]),
    "header is null": signed(GOOD, None),
    "header is text": signed(GOOD, '"HS256"'),
    "header is empty": signed(GOOD, b" "),
    "header is not JSON": signed(GOOD, b"{alg:HS256}"),
    "header is UTF-16": signed(GOOD, json.dumps(HEADER).encode("utf-16")),
    "header has a NaN": signed(GOOD, b'{"alg":"HS256","x":NaN}'),
    "header is nested deep": signed(GOOD, b'{"alg":"HS256","x":' + b"[" * 2000 + b"]" * 2000 + b"}"),
    # the form
    "empty": "",
    "a space": " ",
    "a word": "good",
    "two dots": "..",
    "many dots": "." * 8000,
    "four parts": f"{TOKEN}.{SIGNATURE}",
    "five parts, encrypted": f"{segment({'alg': 'dir', 'enc': 'A256GCM'})}..{b64(b'n' * 12)}.{b64(b'c')}.AAAA",
    "JSON instead of compact form": json.dumps({"payload": PAYLOAD, "protected": HEAD, "signature": SIGNATURE}),
    "padding at the end": TOKEN + "=",
    "padding after each part": f"{HEAD}=.{PAYLOAD}==.{SIGNATURE}=",
    "line end at the end": TOKEN + "\n",
    "line end in the middle": f"{HEAD}\n.{PAYLOAD}.{SIGNATURE}",
    "spaces around": f" {TOKEN} ",
    "NUL at the end": TOKEN + "\0",
    "junk that decoders skip": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:9]}!{SIGNATURE[9:]}",
    "unused bits set": TOKEN[:-1] + chr(ord(TOKEN[-1]) + 1),
    "a letter too few": TOKEN[:-1],
    "a letter too many": TOKEN + "A",
    "standard base64": TOKEN[:-3] + "+/+",
    "full-width letters": TOKEN.replace("e", "ｅ", 1),
    "lone surrogate": TOKEN + "\ud800",
    "emoji": "🙂.🙂.🙂",
    "Bearer alone": "Bearer ",
    "Bearer without a space": "Bearer" + TOKEN,
    "Bearer twice": "Bearer Bearer " + TOKEN,
    "Bearer with two spaces": "Bearer  " + TOKEN,
    "Basic": "Basic " + TOKEN,
    "percent escapes": TOKEN.replace(".", "%2E"),
    # the payload
    "payload is a list": raw('["sub","ann"]'),
    "payload is text": raw('"ann"'),
    "payload is null": raw("null"),
    "payload is a number": raw("1"),
    "payload is blank": raw(" "),
    "payload is another token": raw(TOKEN),
    "payload is cut off": raw('{"sub":"ann","exp":'),
    "payload and more": raw(json.dumps(GOOD) + "{}"),
    "payload with a comment": raw('{"sub":"ann",/**/"exp":1900000000}'),
    "payload is latin-1": raw('{"sub":"änn","exp":1900000000}'.encode("latin-1")),
    "payload is UTF-16": raw(json.dumps(GOOD).encode("utf-16")),
    "payload with a byte order mark": raw(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()),
    "payload with a bare surrogate": raw('{"sub":"\ud800","exp":1900000000}'),
    "payload is nested deep": raw('{"sub":"ann","exp":1900000000,"x":' + "[" * 2500 + "]" * 2500 + "}"),
    "payload is wide and nested": raw('{"sub":"ann","exp":1900000000,"x":' + '{"a":' * 600 + "1" + "}" * 600 + "}"),
    "payload is never closed": raw('{"sub":' + "[" * 5000),
    "two users": raw('{"sub":"bob","sub":"ann","exp":1900000000}'),
    "two users, one escaped": raw('{"sub":"bob","s\\u0075b":"ann","exp":1900000000}'),
    "two expiries": raw('{"sub":"ann","exp":1,"exp":1900000000}'),
    "two keys deep inside": raw('{"sub":"ann","exp":1900000000,"x":[{"a":1,"a":2}]}'),
    "NaN somewhere": raw('{"sub":"ann","exp":1900000000,"x":NaN}'),
    "infinity somewhere": raw('{"sub":"ann","exp":1900000000,"x":-Infinity}'),
    "infinity by size somewhere": raw('{"sub":"ann","exp":1900000000,"x":1e999}'),
    "number of 5000 digits": raw('{"sub":"ann","exp":1900000000,"x":' + "9" * 5000 + "}"),
    # exp
    "no exp": signed({"sub": "ann"}),
    "exp in capitals": signed({"sub": "ann", "EXP": NOW + 60}),
    "exp is null": claim(exp=None),
    "exp is true": claim(exp=True),
    "exp is false": claim(exp=False),
    "exp is text": claim(exp="1900000000"),
    "exp is empty text": claim(exp=""),
    "exp is a list": claim(exp=[1]),
    "exp is an object": claim(exp={"seconds": 1900000000}),
    "exp is negative": claim(exp=-1),
    "exp is 10**50": claim(exp=10**50),
    "exp is in milliseconds": claim(exp=NOW * 1000),
    "exp is 1e309": raw('{"sub":"ann","exp":1e309}'),
    "exp is 1e300": raw('{"sub":"ann","exp":1e300}'),
    "exp is NaN": raw('{"sub":"ann","exp":NaN}'),
    "exp is Infinity": raw('{"sub":"ann","exp":Infinity}'),
    # nbf, iat
    "nbf is null": claim(nbf=None),
    "nbf is true": claim(nbf=True),
    "nbf is text": claim(nbf="0"),
    "nbf is a list": claim(nbf=[0]),
    "nbf is negative": claim(nbf=-1),
    "nbf is -10**50": claim(nbf=-(10**50)),
    "nbf is NaN": raw('{"sub":"ann","exp":1900000000,"nbf":NaN}'),
    "iat is null": claim(iat=None),
    "iat is true": claim(iat=True),
    "iat is text": claim(iat="0"),
    "iat is an object": claim(iat={}),
    "iat is 10**50": claim(iat=10**50),
    # sub
    "no sub": signed({"exp": NOW + 60}),
    "sub is null": claim(sub=None),
    "sub is true": claim(sub=True),
    "sub is a fraction": claim(sub=1.0),
    "sub is a list": claim(sub=["ann"]),
    "sub is an object": claim(sub={"name": "ann"}),
    "sub is empty": claim(sub=""),
    "sub is blank": claim(sub="  "),
    "sub has a NUL": claim(sub="ann\0"),
    "sub has a line end": claim(sub="ann\nbob"),
    "sub has a lone surrogate": claim(sub="ann\ud800"),
    "sub has an invisible letter": claim(sub="a\u200bnn"),
    "sub runs right to left": claim(sub="\u202enna"),
    "sub is too long": claim(sub="a" * 191),
    "sub is a number too long": claim(sub=10**200),
    # iss, aud, jti, grants
    "iss is null": claim(iss=None),
    "iss is a list": claim(iss=["https://issuer.example"]),
    "iss is a number": claim(iss=1),
    "iss is empty": claim(iss=""),
    "aud is null": claim(aud=None),
    "aud is a number": claim(aud=1),
    "aud is an object": claim(aud={"wcs": True}),
    "aud is empty": claim(aud=""),
    "aud holds a number": claim(aud=["wcs", 1]),
    "aud holds a list": claim(aud=[["wcs"]]),
    "jti is null": claim(jti=None),
    "jti is a number": claim(jti=1),
    "jti is a list": claim(jti=["a"]),
    "jti is empty": claim(jti=""),
    "jti has a NUL": claim(jti="a\0"),
    "jti has a lone surrogate": claim(jti="\ud800"),
    "grants is null": claim(grants=None),
    "grants is text": claim(grants="play:*"),
    "grants is an object": claim(grants={"play": "*"}),
    "grants holds a number": claim(grants=["play:*", 1]),
    "grants holds null": claim(grants=[None]),
    "grants holds nothing": claim(grants=[""]),
    "grants has a lone surrogate": claim(grants=["play:\udfff"]),
}


@pytest.mark.parametrize("token", INVALID.values(), ids=INVALID)
async def test_hostile_token_is_invalid(token: str) -> None:
    offered = Credentials(token=Secret(token))
    assert await HMAC.verify(offered, means(User("ann", "ann"), User("bob", "bob"))) is Reason.TOKEN_INVALID


def test_the_good_token_that_the_hostile_ones_are_made_from() -> None:
    assert HMAC.read(TOKEN, NOW).reason is Reason.OK  # type: ignore[union-attr]


PUBLIC_KEY_AS_SECRET = {
    "its PEM": RSA_PEM,
    "its PEM without the last line end": RSA_PEM.rstrip("\n"),
    "its PEM with other line ends": RSA_PEM.replace("\n", "\r\n"),
    "the text inside its PEM": "".join(RSA_PEM.splitlines()[1:-1]),
    "its DER": forge.RSA.public_key().public_bytes(
        forge.serialization.Encoding.DER, forge.serialization.PublicFormat.SubjectPublicKeyInfo
    ),
    "nothing": b"",
}


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("key", PUBLIC_KEY_AS_SECRET.values(), ids=PUBLIC_KEY_AS_SECRET)
def test_a_public_key_is_never_a_secret(key: str | bytes, algorithm: str) -> None:
    for token in (confused(key, algorithm), signed(GOOD, {"alg": "RS256"}, key, algorithm)):
        assert PUBLIC.read(token, NOW).reason is Reason.TOKEN_INVALID  # type: ignore[union-attr]


OTHER_SIGNATURES = {
    "PSS under the name of PKCS": signed(GOOD, {"alg": "RS256"}, forge.RSA, "PS256"),
    "PSS that is not configured": signed(GOOD, {"alg": "PS256"}, forge.RSA, "PS256"),
    "longer hash that is not configured": signed(GOOD, {"alg": "RS512"}, forge.RSA, "RS512"),
    "EC": signed(GOOD, {"alg": "ES256"}, forge.P256, "ES256"),
    "EC under the name of RSA": signed(GOOD, {"alg": "RS256"}, forge.P256, "ES256"),
    "none": unsigned("none"),
    "none with zeros": unsigned("RS256") + b64(b"\0" * 256),
    "one": unsigned("RS256") + b64(b"\0" * 255 + b"\1"),
    "short": unsigned("RS256") + b64(b"\1"),
    "long": unsigned("RS256") + b64(b"\1" * 2000),
}


@pytest.mark.parametrize("token", OTHER_SIGNATURES.values(), ids=OTHER_SIGNATURES)
def test_another_signature_than_the_configured_one(token: str) -> None:
    assert PUBLIC.read(token, NOW).reason is Reason.TOKEN_INVALID  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 132])
def test_an_ec_signature_of_zeros(size: int) -> None:
    """An EC verifier that forgets the range of r and s takes zeros for a signature of everything."""
    assert EC.read(unsigned("ES256") + b64(b"\0" * size), NOW).reason is Reason.TOKEN_INVALID  # type: ignore[union-attr]


NEVER_FOLLOWED = {
    "jku": "https://attacker.example/keys.json",
    "x5u": "https://attacker.example/chain.pem",
    "jwk": {"kty": "oct", "k": b64(OTHER.encode())},
    "x5c": ["AAAA"],
    "kid": "../../etc/passwd",
}


@pytest.mark.parametrize("name", NEVER_FOLLOWED)
def test_a_key_named_by_the_header_makes_no_difference(name: str) -> None:
    assert HMAC.read(header(**{name: NEVER_FOLLOWED[name]}), NOW).reason is Reason.OK  # type: ignore[union-attr]


@pytest.mark.parametrize("token", ["x" * 16_000_000, "Bearer " + "." * 11_000_000, TOKEN + "A" * 8192])
async def test_a_huge_token_is_only_measured(token: str) -> None:
    assert await HMAC.verify(Credentials(token=Secret(token)), means()) is Reason.TOKEN_TOO_LONG


@given(st.data())
def test_no_other_text_than_the_token_itself_verifies(data: st.DataObject) -> None:
    """The same token has one text only, so that one text may stand for it."""
    start = data.draw(st.integers(0, len(TOKEN)))
    end = data.draw(st.integers(start, min(start + 4, len(TOKEN))))
    alphabet = st.sampled_from("AZaz09-_.=+/ \n\0é\ud800") | st.characters()
    mutated = TOKEN[:start] + data.draw(st.text(alphabet, max_size=4)) + TOKEN[end:]
    reading = HMAC.read(mutated, NOW)
    assert reading is not None
    assert mutated == TOKEN or reading.reason is Reason.TOKEN_INVALID


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(["exp", "nbf", "iat", "sub", "iss", "aud", "jti", "grants"]), _JSON))
def test_whatever_is_claimed_has_a_reason(claims: dict[str, object]) -> None:
    """Signed by an issuer that writes anything: a reading comes out, never an exception."""
    reading = HMAC.read(signed(claims), NOW)
    assert reading is not None
    assert reading.reason is not Reason.OK or isinstance(claims["exp"], int | float)


@given(st.text())
def test_any_text_has_a_reason(token: str) -> None:
    reading = HMAC.read(token, NOW)
    assert reading is not None
    assert reading.reason is Reason.TOKEN_INVALID
