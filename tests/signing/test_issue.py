"""Tokens that are signed with the secret of a verifier."""

import pytest

from authgate.errors import BadName, Refused, SigningError
from authgate.issuance import Wanted
from authgate.model import Reason, Secret, User
from authgate.signing import Issuer, Ring
from authgate.verifiers import claims as read_claims
from authgate.verifiers.token import KeyOptions, Reading, TokenVerifier
from tests.fakes import FakeUsers
from tests.verifiers import forge
from tests.verifiers.forge import NOW, SECRET, public_pem

VERIFIERS = {
    "plain": TokenVerifier(Secret(SECRET)),
    "issuer and audience": TokenVerifier(Secret(SECRET), issuer="https://issuer.example", audience="wcs"),
    "several audiences": TokenVerifier(Secret(SECRET), audience=("a", "b")),
    "another user claim": TokenVerifier(Secret(SECRET), user_claim="login"),
    "longer hash": TokenVerifier(Secret("k" * 64), algorithms=("HS512", "HS256")),
    "a key with a name": TokenVerifier(keys=(KeyOptions(Secret(SECRET), "one"), KeyOptions(Secret("x" * 32), "two"))),
}


class NoKeys:
    async def all(self):
        return ()


async def nothing():
    pass


def issuer(verifier, *users):
    return Issuer(verifier, FakeUsers(*users or (User("ann", "Ann", generation=7),)), Ring(NoKeys(), ()), nothing)


async def issue(verifier, user, ttl, now, **wanted):
    return (await issuer(verifier).issue(Wanted(user, ttl, **wanted), now)).text.reveal()


@pytest.mark.parametrize("verifier", VERIFIERS.values(), ids=VERIFIERS)
async def test_an_issued_token_is_accepted_until_it_expires(verifier):
    token = await issue(verifier, " Ann ", 60, NOW + 0.9)
    reading = verifier.read(token, NOW)
    assert reading.reason is Reason.OK
    assert (reading.claims.user, reading.claims.expires_at) == ("ann", NOW + 60)
    assert (reading.claims.issued_at, reading.claims.generation) == (NOW, 7)
    assert verifier.read(token, NOW + 90) == Reading(Reason.TOKEN_EXPIRED, reading.claims)


async def test_everything_that_is_wanted_stands_in_the_token():
    verifier = VERIFIERS["plain"]
    wanted = {
        "grants": ("publish:room-*", "!play:secret"),
        "app_keys": ("live",),
        "addresses": ("203.0.113.0/24", "2001:db8::1"),
        "origins": ("https://app.example.com",),
        "streams": ("room-*",),
        "once": True,
    }
    said = verifier.read(await issue(verifier, "ann", 60, NOW, **wanted), NOW).claims
    assert said.grants == wanted["grants"]
    assert said.once
    assert said.bound == {
        "appKey": ("live",),
        "ip": ("203.0.113.0/24", "2001:db8::1"),
        "origin": ("https://app.example.com",),
        "stream": ("room-*",),
    }


async def test_what_it_is_bound_to_stands_in_it_as_it_is_compared():
    wanted = {"addresses": ("::ffff:203.0.113.0/120", "2001:DB8:0::1"), "origins": ("HTTPS://App.example.com:443/",)}
    token = await issue(VERIFIERS["plain"], "ann", 60, NOW, **wanted)
    payload = read_claims.parts(token).payload
    assert (payload["ip"], payload["origin"]) == (["203.0.113.0/24", "2001:db8::1"], "https://app.example.com")


async def test_an_empty_list_of_grants_is_no_missing_one():
    verifier = VERIFIERS["plain"]
    assert verifier.read(await issue(verifier, "ann", 60, NOW, grants=()), NOW).claims.grants == ()
    assert verifier.read(await issue(verifier, "ann", 60, NOW), NOW).claims.grants is None


async def test_no_two_tokens_are_alike():
    assert len({await issue(VERIFIERS["plain"], "ann", 60, NOW) for _ in range(3)}) == 3


async def test_the_first_secret_signs_that_is_not_over():
    past, soon = forge.moment(NOW - 1), forge.moment(NOW + 100)
    several = TokenVerifier(
        keys=(KeyOptions(Secret("x" * 32), "old", past), KeyOptions(Secret("y" * 32), "new", soon)),
    )
    token = await issuer(several).issue(Wanted("ann", 60), NOW)
    assert token.key_id == "new"
    assert several.read(token.text.reveal(), NOW).claims.key_id == "new"
    with pytest.raises(SigningError, match="can sign"):
        await issue(several, "ann", 60, NOW + 101)


REFUSED = {
    "no time": ({"ttl": 0}, "at least 1 second"),
    "a time below none": ({"ttl": -1}, "at least 1 second"),
    "a time without end": ({"ttl": 10**12}, "before the year 10000"),
    "a user who is not in the store": ({"user": "bob"}, "there is no user 'bob'"),
    "a user who is disabled": ({"user": "eve"}, "'eve' is disabled"),
    "a user who has expired": ({"user": "late"}, "'late' has expired; run: authgate user set late --expires none"),
    "a user of tomorrow": ({"user": "early"}, "'early' is not let in yet"),
    "a grant that is none": ({"grants": ("publsh:x",)}, "did you mean 'publish'"),
    "grants that nobody reads": (
        {"verifier": TokenVerifier(Secret(SECRET), grants_claim=""), "grants": ("play:x",)},
        "reads no grants from tokens; set its grants_claim",
    ),
    "an address that is none": ({"addresses": ("203.0.113",)}, "no address such as"),
    "an origin that is none": ({"origins": ("app.example.com",)}, "no origin such as"),
    "an address that may be a network": ({"addresses": ("203.0.113.7/24",)}, "has bits set after its prefix"),
    "an origin with a path": ({"origins": ("https://app.example.com/room",)}, "no path"),
    "a stream for each user": ({"streams": ("{user}-*",)}, "placeholders such as {user} are for grants"),
    "more addresses than are taken": ({"addresses": ("203.0.113.7",) * 65}, "ip lists 1 to 64"),
    "a stream that is never sure": ({"streams": ("a/../b",)}, "could never fit"),
    "no application": ({"app_keys": ("",)}, "appKey is a text"),
    "more than is taken": (
        {"verifier": TokenVerifier(Secret(SECRET), max_length=200), "grants": ("play:" + "x" * 200,)},
        "200 are taken",
    ),
}


@pytest.mark.parametrize(("given", "words"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_issued(given, words):
    given = {"verifier": VERIFIERS["plain"], "user": "ann", "ttl": 60} | given
    others = User("late", "Late", expires_at=NOW), User("early", "Early", not_before=NOW + 1)
    who = issuer(given.pop("verifier"), User("ann", "Ann"), User("eve", "Eve", enabled=False), *others)
    with pytest.raises(Refused, match=words):
        await who.issue(Wanted(**given), NOW)


async def test_a_public_key_signs_nothing():
    with pytest.raises(SigningError, match="public keys"):
        await issue(TokenVerifier(Secret(public_pem(forge.RSA)), algorithms=("RS256",)), "ann", 60, NOW)


async def test_a_token_is_for_a_possible_name():
    with pytest.raises(BadName):
        await issue(VERIFIERS["plain"], "a\0", 60, NOW)


async def test_an_issued_token_shows_itself_nowhere():
    token = await issuer(VERIFIERS["plain"]).issue(Wanted("ann", 60), NOW)
    assert token.text.reveal() not in repr(token)
