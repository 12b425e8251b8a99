"""The type in the header of a token: explicit typing (RFC 8725, 3.11), compared as RFC 7515, 4.1.9, says."""

import json

import pytest

from authgate.config import load
from authgate.errors import ConfigError
from authgate.issuance import Wanted
from authgate.model import Credentials, Reason, Secret, User
from authgate.signing import Issuer, Ring
from authgate.verifiers.token import TokenVerifier
from tests.verifiers import forge
from tests.verifiers.fakes import FakeUsers, means
from tests.verifiers.forge import GOOD, NOW, SECRET, signed
from tests.verifiers.ours import CLAIMS, outcome

ACCESS = TokenVerifier(Secret(SECRET), typ="at+jwt")
WHOLE = TokenVerifier(Secret(SECRET), typ="Application/AT+JWT")
OTHER = TokenVerifier(Secret(SECRET), typ="example/media")
LOOSE = TokenVerifier(Secret(SECRET))
EVERY = (ACCESS, WHOLE, OTHER, LOOSE)


def typed(typ, payload=GOOD, **how):
    return signed(payload, {"alg": "HS256", "typ": typ}, **how)


UNTYPED = signed(GOOD, {"alg": "HS256"})
TAKEN = {
    "the very type": (ACCESS, typed("at+jwt")),
    "in capitals": (ACCESS, typed("AT+JWT")),
    "as a whole media type": (ACCESS, typed("application/at+jwt")),
    "as a whole one in capitals": (ACCESS, typed("APPLICATION/At+Jwt")),
    "a whole one is wanted": (WHOLE, typed("at+jwt")),
    "another tree than application": (OTHER, typed("Example/Media")),
    "any, where it is not looked at": (LOOSE, typed("logout+jwt")),
    "an empty one, where it is not looked at": (LOOSE, typed("")),
    "unseen letters, where it is not looked at": (LOOSE, typed("\u200b\0")),
    "none, where it is not looked at": (LOOSE, UNTYPED),
}


@pytest.mark.parametrize(("verifier", "token"), TAKEN.values(), ids=TAKEN)
def test_a_type_that_is_taken(verifier, token):
    assert verifier.read(token, NOW).reason is Reason.OK


REFUSED = {
    "an ID token in place of an access token": (ACCESS, typed("JWT")),
    "a logout token in place of an access token": (ACCESS, typed("logout+jwt")),
    "a security event in place of an access token": (ACCESS, typed("secevent+jwt")),
    "none": (ACCESS, UNTYPED),
    "an empty one": (ACCESS, typed("")),
    "the prefix alone": (ACCESS, typed("application/")),
    "the prefix twice": (ACCESS, typed("application/application/at+jwt")),
    "of another tree": (ACCESS, typed("text/at+jwt")),
    "a slash before it": (ACCESS, typed("/at+jwt")),
    "with a parameter": (ACCESS, typed("application/at+jwt; v=2")),
    "a part of it": (ACCESS, typed("at")),
    "more than it": (ACCESS, typed("at+jwt+x")),
    "a space before it": (ACCESS, typed(" at+jwt")),
    "a NUL after it": (ACCESS, typed("at+jwt\0")),
    "a line end after it": (ACCESS, typed("at+jwt\n")),
    "several in one": (ACCESS, typed("JWT,at+jwt")),
    "a letter of another alphabet": (ACCESS, typed("\u0430t+jwt")),
    "under application, where another tree is wanted": (OTHER, typed("media")),
    "in the payload": (ACCESS, signed(GOOD | {"typ": "at+jwt"}, {"alg": "HS256"})),
    "under another name": (ACCESS, signed(GOOD, {"alg": "HS256", "Typ": "at+jwt", "cty": "at+jwt"})),
    "long": (ACCESS, typed("at+jwt" * 500)),
}


@pytest.mark.parametrize(("verifier", "token"), REFUSED.values(), ids=REFUSED)
def test_another_type_is_refused(verifier, token):
    reading = verifier.read(token, NOW)
    assert reading.reason is Reason.TOKEN_TYPE
    assert reading.claims.user == "ann", "the record says who it was"


def test_a_letter_whose_small_form_is_one_of_ascii_is_another():
    verifier = TokenVerifier(Secret(SECRET), typ="token")
    assert verifier.read(typed("TOKEN"), NOW).reason is Reason.OK
    for typ in ("to\u212aen", "application/to\u212aen"):  # the sign of the kelvin
        assert verifier.read(typed(typ), NOW).reason is Reason.TOKEN_TYPE


HOSTILE = {
    "a number": 1,
    "true": True,
    "null": None,
    "a list": ["at+jwt"],
    "an object": {"at+jwt": 1},
    "a fraction": 1.5,
    "a lone surrogate": "at+jwt\ud800",
}


@pytest.mark.parametrize("verifier", EVERY, ids=["set", "set as a whole", "set to another", "not set"])
@pytest.mark.parametrize("typ", HOSTILE.values(), ids=HOSTILE)
def test_a_type_that_is_no_text_makes_a_token_invalid(verifier, typ):
    assert verifier.read(typed(typ), NOW).reason is Reason.TOKEN_INVALID
    assert verifier.read(typed(typ), NOW).claims is None


@pytest.mark.parametrize("typ", HOSTILE.values(), ids=HOSTILE)
async def test_a_type_that_is_no_text_makes_a_token_of_our_own_invalid(typ):
    header = {"alg": "EdDSA", "kid": "ed"}
    assert await outcome(signed(CLAIMS, header | {"typ": "x"}, forge.ED25519, "EdDSA")) is Reason.OK
    assert await outcome(signed(CLAIMS, header | {"typ": typ}, forge.ED25519, "EdDSA")) is Reason.TOKEN_INVALID


def test_two_types_make_a_token_invalid():
    header = '{"alg":"HS256","typ":"JWT","typ":"at+jwt"}'
    assert ACCESS.read(signed(GOOD, header), NOW).reason is Reason.TOKEN_INVALID


OTHERWISE = {
    "another key": (typed("JWT", key="x" * 32), Reason.TOKEN_INVALID),
    "another key and the right type": (typed("at+jwt", key="x" * 32), Reason.TOKEN_INVALID),
    "no user": (typed("JWT", {"exp": NOW + 60}), Reason.TOKEN_INVALID),
    "expired, of another type": (typed("JWT", GOOD | {"exp": 5}), Reason.TOKEN_TYPE),
    "expired": (typed("at+jwt", GOOD | {"exp": 5}), Reason.TOKEN_EXPIRED),
}


@pytest.mark.parametrize(("token", "reason"), OTHERWISE.values(), ids=OTHERWISE)
def test_the_type_is_said_of_tokens_that_are_genuine_alone(token, reason):
    assert ACCESS.read(token, NOW).reason is reason


def test_another_issuers_token_is_left_to_others_whatever_its_type():
    verifier = TokenVerifier(Secret(SECRET), issuer="us", typ="at+jwt")
    for typ in ("JWT", "at+jwt", 1):
        assert verifier.read(typed(typ, GOOD | {"iss": "them"}), NOW) is None


async def test_nobody_is_let_in_by_another_type():
    for token, reason in ((typed("at+jwt"), None), (typed("JWT"), Reason.TOKEN_TYPE), (UNTYPED, Reason.TOKEN_TYPE)):
        answer = await ACCESS.verify(Credentials(token=Secret(token)), means(User("ann", "Ann"), now=NOW))
        assert (answer if isinstance(answer, Reason) else None) is reason


@pytest.mark.parametrize("verifier", EVERY, ids=["set", "set as a whole", "set to another", "not set"])
async def test_what_is_issued_for_a_verifier_has_its_type(verifier):
    class NoKeys:
        async def all(self):
            return ()

    async def nothing():
        pass

    by = Issuer(verifier, FakeUsers({"ann": User("ann", "Ann")}), Ring(NoKeys(), ()), nothing)
    token = (await by.issue(Wanted("ann", 60), NOW)).text.reveal()
    assert verifier.read(token, NOW).reason is Reason.OK


UNFIT = ["", " ", "at jwt", "a/b/c", "/jwt", "at+jwt;v=1", "at+jwt\n", "ät+jwt", "application/"]


@pytest.mark.parametrize("typ", UNFIT, ids=map(repr, UNFIT))
def test_an_option_that_is_no_type_is_named(typ, tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_text(f'[[verifiers]]\ntype = "token"\nkey = "{SECRET}"\ntyp = {json.dumps(typ)}\n')
    with pytest.raises(ConfigError, match=r"verifiers\[0\]\.typ: '.*' is no type such as 'at\+jwt'"):
        load(path, {})
