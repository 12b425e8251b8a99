"""Each claim of a wrong type is named with the type that it should have, whatever else may be wrong with the token."""

import pytest

from authgate.admin import check_token
from authgate.cli.explain import explain
from authgate.model import Reason, Secret, User
from authgate.verifiers.issued import IssuedVerifier
from authgate.verifiers.token import TokenVerifier
from tests.verifiers.fakes import means
from tests.verifiers.forge import GOOD, HEADER, SECRET, signed
from tests.verifiers.ours import MASTER, OURS, jwt, means_of

VERIFIER = TokenVerifier(
    Secret(SECRET), issuer="us", audience="wcs", groups_claim="realm.roles", users="optional", algorithms=("HS256",)
)
SAID = GOOD | {"iss": "us", "aud": "wcs", "jti": "j"}

VALUES = {
    "null": None,
    "true": True,
    "false": False,
    "a number": 7,
    "a negative number": -1,
    "a fraction": 1.5,
    "text": "x",
    "empty text": "",
    "a list": [],
    "a list of a number": [7],
    "a list of null": ["x", None],
    "a list of empty text": [""],
    "an object": {},
}
NUMBERS = ("a number", "a fraction")
SECONDS, TEXT, TEXTS, EITHER = (
    "a number of seconds since 1970",
    "must be text",
    "must be a list of texts",
    "must be text or a list of texts",
)
# Each claim that the format or authgate gives a meaning, what it must be, and which of the values it may be.
CLAIMS = {
    "exp": (SECONDS, NUMBERS),
    "nbf": (SECONDS, NUMBERS),
    "iat": (SECONDS, NUMBERS),
    "iss": (TEXT, ("text",)),
    "sub": ("must be text or an integer", ("text", "a number", "a negative number")),
    "aud": (EITHER, ("text", "a list")),
    "jti": (TEXT, ("text",)),
    "grants": (TEXTS, ("a list",)),
    "realm.roles": (TEXTS, ("a list",)),
    "once": ("must be true or false", ("true", "false")),
    "ip": (EITHER, ()),
    "origin": (EITHER, ()),
    "appKey": (EITHER, ("text",)),
    "stream": (EITHER, ("text",)),
    "authgate_gen": ("must be an integer", ("a number", "a negative number")),
}
# What is of the right type and says nothing that could be meant.
OTHERWISE = {
    ("sub", "empty text"): "can name nobody: a user name is not empty",
    ("ip", "text"): "cannot be kept to: 'x' is no address such as",
    ("origin", "text"): "cannot be kept to: 'x' is no origin such as",
} | {(claim, "a list"): f"cannot be kept to: {claim} lists 1 to 64 texts" for claim in VERIFIER.bindings}


def test_every_claim_of_ours_is_in_the_table():
    assert {*VERIFIER.bindings, VERIFIER.user_claim, VERIFIER.grants_claim, VERIFIER.groups_claim} <= CLAIMS.keys()
    assert {"iss", "sub", "aud", "exp", "nbf", "iat", "jti"} <= CLAIMS.keys(), "RFC 7519, 4.1"


def said(claim, value):
    outer, _, inner = claim.partition(".")
    return SAID | {outer: {inner: value} if inner else value}


@pytest.mark.parametrize("key", [SECRET, "another secret of forty bytes, or of more"], ids=["signed", "forged"])
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("claim", CLAIMS)
async def test_a_claim_of_a_wrong_type_is_named(claim, value, key):
    token = signed(said(claim, VALUES[value]), key=key)
    report = await check_token(means(User("ann", "Ann")), [VERIFIER], token)
    why = explain(report, token, [VERIFIER])
    wanted, fitting = CLAIMS[claim]
    if value in fitting:
        assert f"claim {claim!r}" not in why
        assert key != SECRET or report.reason is not Reason.TOKEN_INVALID
        return
    assert report.reason is Reason.TOKEN_INVALID
    assert why.startswith(f"its claim {claim!r} ")
    assert OTHERWISE.get((claim, value), wanted) in why
    assert "key" not in why


KINDS = {
    "null": (None, "is null"),
    "true": (True, "is true"),
    "a number": (7, "is a number"),
    "text": ("play:*", "is text"),
    "an object": ({"0": "play:*"}, "is an object"),
    "a list in the list": ([["play:*"]], "lists a list"),
    "null in the list": (["play:*", None], "lists null"),
    "empty text in the list": ([""], "lists empty text"),
}


@pytest.mark.parametrize(("value", "words"), KINDS.values(), ids=KINDS)
async def test_what_it_is_instead_is_said(value, words):
    token = signed(SAID | {"grants": value})
    report = await check_token(means(User("ann", "Ann")), [VERIFIER], token)
    assert explain(report, token, [VERIFIER]) == f"its claim 'grants' {words}; it must be a list of texts"


MORE = {
    "no exp": ({"exp": None}, "it lacks the claim 'exp', which says until when it is good"),
    "no user": ({"sub": None}, "it lacks the claim 'sub', which names its user"),
    "milliseconds": ({"exp": GOOD["exp"] * 1000}, "its claim 'exp' seems to count milliseconds; it must be"),
    "nanoseconds": ({"iat": GOOD["exp"] * 10**9}, "its claim 'iat' is no time until the year 9999; it must be"),
    "a long jti": ({"jti": "j" * 256}, "its claim 'jti' has more than 255 characters"),
    "a jti that nobody sees": ({"jti": "\u200b"}, "its claim 'jti' holds characters that cannot be seen"),
    "a user who is too long": ({"sub": "a" * 800}, "its claim 'sub' can name nobody: a user name has at most 190"),
    "once and no jti": ({"jti": None, "once": True}, "it is good for one time and has no jti"),
}


@pytest.mark.parametrize(("claims", "why"), MORE.values(), ids=MORE)
async def test_what_else_can_be_wrong_with_claims(claims, why):
    token = signed({name: value for name, value in (SAID | claims).items() if value is not None})
    report = await check_token(means(User("ann", "Ann")), [VERIFIER], token)
    assert report.reason is Reason.TOKEN_INVALID
    assert explain(report, token, [VERIFIER]).startswith(why)


HEADERS = {
    "a kid that is a number": ({"kid": 7}, "its header has a kid that is no text"),
    "a typ that is a list": ({"typ": []}, "its header has a typ that is no text"),
    "crit": ({"crit": ["exp"]}, "its header has 'crit', which no verifier takes"),
    "b64": ({"b64": False}, "its header has 'b64', which no verifier takes"),
    "an algorithm that is a number": ({"alg": 7}, "it is signed with 7, and verifier 'token' takes HS256"),
}


@pytest.mark.parametrize(("header", "why"), HEADERS.values(), ids=HEADERS)
async def test_what_is_wrong_with_a_header(header, why):
    token = signed(SAID, HEADER | header)
    report = await check_token(means(User("ann", "Ann")), [VERIFIER], token)
    assert report.reason is Reason.TOKEN_INVALID
    assert explain(report, token, [VERIFIER]).startswith(why)


UNREADABLE = {
    "a key twice": ('{"sub":"ann","sub":"bob"}', "its payload holds a key twice"),
    "NaN": ('{"exp":NaN}', "its payload holds NaN"),
    "half a letter": ('{"sub":"\\ud800"}', "its payload holds half a character"),
}


@pytest.mark.parametrize(("payload", "why"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_payload_that_others_could_read_otherwise(payload, why):
    token = signed(payload)
    report = await check_token(means(User("ann", "Ann")), [VERIFIER], token)
    assert report.reason is Reason.TOKEN_INVALID
    assert explain(report, token, [VERIFIER]).startswith(why)


OF_OURS = {
    "signed by us": (jwt(grants="play:*"), "its claim 'grants' is text; it must be a list of texts"),
    "an issuer that is a number": (jwt(iss=7), "its claim 'iss' is a number; it must be text"),
    "another key of ours": (jwt("ed").rpartition(".")[0] + "." + "A" * 86, "it was signed with a key that is not ours"),
}


@pytest.mark.parametrize(("token", "why"), OF_OURS.values(), ids=OF_OURS)
async def test_a_token_of_our_own_is_explained_no_less(token, why):
    report = await check_token(means_of(), [OURS], token)
    assert explain(report, token, [OURS]).startswith(why)


async def test_no_secret_is_in_an_explanation():
    for verifier in (VERIFIER, IssuedVerifier((MASTER,), issuer="us")):
        for claim in CLAIMS:
            token = signed(said(claim, {"c4nary": "c4nary"}))
            why = explain(await check_token(means_of(), [verifier], token), token, [verifier])
            assert "c4nary" not in why
            assert token not in why
