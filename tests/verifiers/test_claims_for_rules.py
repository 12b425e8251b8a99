"""Claims and groups of a token that rules, grants and rewrites may use."""

import pytest

from authgate.model import Credentials, Principal, Reason, Secret, User
from authgate.verifiers.token import TokenVerifier
from tests.verifiers.fakes import means
from tests.verifiers.forge import GOOD, SECRET, signed

ANN = User("ann", "Ann")
VERIFIER = TokenVerifier(Secret(SECRET), claims=("room", "org.unit", "a.b"), groups_claim="roles")

CLAIMS = {
    "text": ({"room": "lobby"}, {"room": "lobby"}),
    "an integer": ({"room": 7}, {"room": "7"}),
    "inside an object": ({"org": {"unit": "x"}}, {"org.unit": "x"}),
    "a dotted name as such": ({"a.b": "y"}, {"a.b": "y"}),
    "what is inside, though a dotted name is there": ({"a.b": "y", "a": {"b": "z"}}, {"a.b": "y"}),
    "the longest": ({"room": "x" * 255}, {"room": "x" * 255}),
    "braces and a star are text": ({"room": "{user}*"}, {"room": "{user}*"}),
    "none of them": ({}, {}),
    "nothing inside": ({"org": {}}, {}),
    "inside what is no object": ({"org": "unit"}, {}),
    "inside a list": ({"org": [{"unit": "x"}]}, {}),
    "an integer of a thousand digits": ({"room": 10**1_000}, {}),
    "a line break": ({"room": "a\nb"}, {}),
    "one that nobody asked for": ({"rooms": "lobby"}, {}),
    "true": ({"room": True}, {}),
    "null": ({"room": None}, {}),
    "a fraction": ({"room": 1.5}, {}),
    "a list": ({"room": ["lobby"]}, {}),
    "an object": ({"room": {"x": "lobby"}}, {}),
    "empty": ({"room": ""}, {}),
    "too long": ({"room": "x" * 256}, {}),
    "a control character": ({"room": "a\x00b"}, {}),
    "text that turns around": ({"room": "\u202egnp"}, {}),
}


async def verify(claims, verifier=VERIFIER):
    return await verifier.verify(Credentials(token=Secret(signed(GOOD | claims))), means(ANN))


@pytest.mark.parametrize(("claims", "kept"), CLAIMS.values(), ids=CLAIMS)
async def test_claims(claims, kept):
    client = await verify(claims)
    assert isinstance(client, Principal)
    assert dict(client.claims) == kept


DOTTED = {
    "inside an object": ({"realm": {"roles": ["Staff"]}}, {"staff"}),
    "the dotted name as such": ({"realm.roles": ["staff"], "realm": {"roles": ["guests"]}}, {"staff"}),
    "no object": ({"realm": ["staff"]}, set()),
    "an object without": ({"realm": {}}, set()),
    "not a list": ({"realm": {"roles": "staff"}}, Reason.TOKEN_INVALID),
    "null": ({"realm": {"roles": None}}, Reason.TOKEN_INVALID),
}


@pytest.mark.parametrize(("claims", "groups"), DOTTED.values(), ids=DOTTED)
async def test_groups_inside(claims, groups):
    client = await verify(claims, TokenVerifier(Secret(SECRET), groups_claim="realm.roles"))
    assert (client.groups if isinstance(client, Principal) else client) == groups


GROUPS = {
    "by their canonical names": ({"roles": ["Staff", "ＧＵＥＳＴＳ"]}, {"staff", "guests"}),
    "none": ({"roles": []}, set()),
    "no claim": ({}, set()),
    "what can be no name is left out": ({"roles": ["staff", " ", "x" * 200]}, {"staff"}),
    "not a list": ({"roles": "staff"}, Reason.TOKEN_INVALID),
    "not texts": ({"roles": ["staff", 5]}, Reason.TOKEN_INVALID),
    "null": ({"roles": None}, Reason.TOKEN_INVALID),
    "an object": ({"roles": {"staff": True}}, Reason.TOKEN_INVALID),
    "an empty name": ({"roles": [""]}, Reason.TOKEN_INVALID),
    "a list in the list": ({"roles": [["staff"]]}, Reason.TOKEN_INVALID),
    "a control character": ({"roles": ["st\x00aff"]}, Reason.TOKEN_INVALID),
}


@pytest.mark.parametrize(("claims", "groups"), GROUPS.values(), ids=GROUPS)
async def test_groups(claims, groups):
    client = await verify(claims)
    assert (client.groups if isinstance(client, Principal) else client) == groups


async def test_nothing_is_kept_that_is_not_asked_for():
    client = await verify({"room": "lobby", "roles": ["staff"]}, TokenVerifier(Secret(SECRET)))
    assert (dict(client.claims), client.groups) == ({}, frozenset())


@pytest.mark.parametrize("name", ["", " ", "a b", "{room}", ".room", "room.", "a..b"])
def test_a_name_that_no_placeholder_can_have(name):
    with pytest.raises(ValueError, match="claims: "):
        TokenVerifier(Secret(SECRET), claims=(name,))


def test_a_blank_groups_claim_is_named():
    with pytest.raises(ValueError, match="groups_claim: is empty; leave it out"):
        TokenVerifier(Secret(SECRET), groups_claim="")


async def test_a_rejected_token_says_nothing_that_rules_could_use():
    assert await verify({"room": "lobby", "roles": ["staff"], "exp": 5}) is Reason.TOKEN_EXPIRED
