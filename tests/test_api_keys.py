"""What an API key is, and what it may ask for."""

import hashlib
import re

import pytest

from authgate.api_keys import ApiKey, ApiScope, covers, covers_grant, digest, make, matches, prefix_of
from authgate.issuance import Wanted


def test_a_key_is_drawn_anew_each_time():
    made = [make() for _ in range(50)]
    assert len({text for text, _, _ in made}) == len({prefix for _, prefix, _ in made}) == 50
    for text, prefix, kept in made:
        assert re.fullmatch(r"ak_[a-z2-7]{8}_[a-z2-7]{40}", text)  # 5 bits each: 200 of them are secret
        assert prefix_of(text) == prefix
        assert kept == digest(text) == hashlib.sha256(text.encode()).hexdigest()
        assert matches(text, kept)


KEY, PREFIX, KEPT = make()

NO_KEYS = {
    "nothing": "",
    "no secret": f"ak_{PREFIX}",
    "a secret that is cut": KEY[:-1],
    "a secret that is too long": f"{KEY}a",
    "in capitals": KEY.upper(),
    "a line end": f"{KEY}\n",
    "a space before it": f" {KEY}",
    "another kind of key": f"sk{KEY[2:]}",
    "a prefix that is cut": f"ak_{KEY[4:]}",
    "a digit that base32 has not": f"{KEY[:-1]}1",
    "another script": f"{KEY[:-1]}а",
    "NUL": f"{KEY[:-1]}\0",
    "a lone surrogate": f"{KEY[:-1]}\udcff",
    "SQL": "ak_' OR 1=1_x",
}


@pytest.mark.parametrize("text", NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_key(text):
    assert prefix_of(text) is None
    assert not matches(text, KEPT)


def test_another_secret_under_the_same_prefix_does_not_match():
    assert not matches(KEY[:-1] + ("a" if KEY[-1] != "a" else "b"), KEPT)


def test_the_digest_is_not_shown():
    assert KEPT not in repr(ApiKey(PREFIX, KEPT, "shop", ApiScope(("*",))))


BAD_SCOPES = {
    "an empty pattern": ({"users": ("",)}, "users: "),
    "a pattern with a line end": ({"users": ("a\nb",)}, "users: "),
    "no grant": ({"grants": ("publish",)}, "grants: a grant is ACTION:PATTERN"),
    "an action there is not": ({"grants": ("publisch:x",)}, "did you mean 'publish'"),
    "a denial": ({"grants": ("!publish:x",)}, "nothing else is allowed anyway"),
    "a long appKey": ({"apps": ("a" * 513,)}, "apps: appKey is a text of 1 to 512"),
    "more applications than a token takes": ({"apps": ("a",) * 65}, "apps: appKey lists 1 to 64"),
    "an empty appKey": ({"apps": ("",)}, "apps: "),
    "an appKey nobody sees": ({"apps": ("a\x00",)}, "apps: "),
    "no time": ({"max_ttl": 0}, "max_ttl: "),
    "less than no time": ({"max_ttl": -1}, "max_ttl: "),
    "more than a year": ({"max_ttl": 366 * 86_400}, "max_ttl: "),
    "no rate": ({"rate": 0}, "rate: "),
    "an absurd rate": ({"rate": 10**9}, "rate: "),
}


@pytest.mark.parametrize(("options", "why"), BAD_SCOPES.values(), ids=BAD_SCOPES)
def test_a_scope_that_makes_no_sense(options, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        ApiScope(**({"users": ("*",)} | options))


def scope(*users, **options):
    return ApiScope(users, **options)


def wanted(user="ann", ttl=60, **options):
    return Wanted(user, ttl, **options)


COVERED = {
    "anybody": (scope("*"), wanted()),
    "one user": (scope("ann"), wanted()),
    "one of several": (scope("bob", "ann"), wanted()),
    "another letter case of the name": (scope("ann"), wanted("ANN")),
    "another letter case of the pattern": (scope("ANN"), wanted("ann")),
    "full width letters": (scope("ann"), wanted("ａｎｎ")),
    "spaces around the name": (scope("ann"), wanted(" ann ")),
    "a pattern": (scope("guest-*"), wanted("guest-7")),
    "just as long": (scope("*", max_ttl=60), wanted(ttl=60)),
    "any grants, by a key of any": (scope("*"), wanted(grants=("publish:*", "*:*"))),
    "no grants, by a key of any": (scope("*"), wanted(grants=None)),
    "an empty list of grants": (scope("*", grants=("play:x",)), wanted(grants=())),
    "no application, by a key of any": (scope("*"), wanted()),
    "its application": (scope("*", apps=("a", "b")), wanted(app_keys=("b",))),
    "once": (scope("*", once_only=True), wanted(once=True)),
    "narrower by all that keys do not limit": (
        scope("*"),
        wanted(addresses=("192.0.2.1",), origins=("https://a.example",), streams=("x",), once=True),
    ),
}


@pytest.mark.parametrize(("held", "asked"), COVERED.values(), ids=COVERED)
def test_covered(held, asked):
    assert covers(held, asked) == ""


NOT_COVERED = {
    "nobody": (scope(), wanted(), "user: "),
    "another user": (scope("bob"), wanted(), "user: "),
    "a longer name": (scope("ann"), wanted("ann2"), "user: "),
    "a shorter name": (scope("ann"), wanted("an"), "user: "),
    "a name that begins alike": (scope("guest-*"), wanted("guest"), "user: "),
    "a name that ends alike": (scope("guest-*"), wanted("my-guest-1"), "user: "),
    "a name that only looks alike": (scope("ann"), wanted("аnn"), "user: "),
    "a name that can be read otherwise": (scope("guest-*"), wanted("guest-1/../../admin"), "user: "),
    "a name that decodes to another": (scope("guest-?"), wanted("guest-%31"), "user: "),
    "a name that is a pattern": (scope("ann"), wanted("*"), "user: "),
    "no name": (scope("*"), wanted(""), "user: "),
    "a name nobody can have": (scope("*"), wanted("a\0"), "user: "),
    "a name with half a character": (scope("*"), wanted("a\ud800"), "user: "),
    "too long": (scope("*", max_ttl=60), wanted(ttl=61), "ttl: "),
    "no word on grants": (scope("*", grants=("play:x",)), wanted(grants=None), "grants: "),
    "another grant": (scope("*", grants=("play:x",)), wanted(grants=("play:y",)), "grants: "),
    "one grant of several": (scope("*", grants=("play:x",)), wanted(grants=("play:x", "play:y")), "grants: "),
    "no grants at all": (scope("*", grants=()), wanted(grants=("play:x",)), "grants: "),
    "any application": (scope("*", apps=("a",)), wanted(), "app: "),
    "another application": (scope("*", apps=("a",)), wanted(app_keys=("b",)), "app: "),
    "one application of two": (scope("*", apps=("a",)), wanted(app_keys=("a", "b")), "app: "),
    "another letter case of the application": (scope("*", apps=("a",)), wanted(app_keys=("A",)), "app: "),
    "a part of the application": (scope("*", apps=("ab",)), wanted(app_keys=("a",)), "app: "),
    "more than once": (scope("*", once_only=True), wanted(), "once: "),
}


@pytest.mark.parametrize(("held", "asked", "part"), NOT_COVERED.values(), ids=NOT_COVERED)
def test_not_covered(held, asked, part):
    assert covers(held, asked).startswith(part)


GRANTED = {
    "the same": ("publish:room-1", "publish:room-1"),
    "one of several": ("play:a publish:b", "publish:b"),
    "everything": ("*:*", "publish:room-*"),
    "everything by everything": ("*:*", "*:*"),
    "every action": ("*:room-*", "play:room-1"),
    "every name": ("play:*", "play:room-*"),
    "a name below a pattern": ("play:room-*", "play:room-1"),
    "a pattern below a pattern": ("play:room-*", "play:room-1-*"),
    "the same pattern": ("play:room-*", "play:room-*"),
    "a question mark below a star": ("play:room-*", "play:room-?"),
    "a name below a question mark": ("play:room-?", "play:room-1"),
    "a pattern with a middle": ("play:*-cam-*", "play:a-cam-b*"),
    "another letter case": ("play:ROOM-*", "play:room-1"),
    "a star that is none, below a star": ("play:a*", r"play:a\*"),
    "a denial": ("play:x", "!publish:*"),
    "a denial of everything": ("", "!*:*"),
    "the client's own name": ("publish:{user}-*", "publish:{user}-cam"),
    "the client's name, written out": ("publish:{user}-*", "publish:ann-cam"),
    "a placeholder for a name": ("publish:ann", "publish:{user}"),
    "a placeholder below a star": ("publish:cam-*", "publish:cam-{user}"),
    "the same claim": ("publish:{claim.room}", "publish:{claim.room}"),
    "less of the same claim": ("publish:{claim.room}-*", "publish:{claim.room}-1"),
    "a claim below a star": ("publish:cam-*", "publish:cam-{claim.room}"),
    "a brace": ("publish:{{*", "publish:{{x"),
}


@pytest.mark.parametrize(("allowed", "asked"), GRANTED.values(), ids=GRANTED)
def test_a_grant_that_is_covered(allowed, asked):
    assert covers_grant(allowed.split(), asked, "ann")


NOT_GRANTED = {
    "nothing": ("", "play:x"),
    "another action": ("publish:x", "play:x"),
    "another name": ("play:x", "play:y"),
    "every action, of one": ("play:*", "*:*"),
    "every action, of all of them": (
        "publish:* play:* call:* message:* data:* receive:*",
        "*:*",
    ),
    "every name, of one": ("play:room-1", "play:*"),
    "a wider pattern": ("play:room-1-*", "play:room-*"),
    "a star for a question mark": ("play:room-?", "play:room-*"),
    "two characters for one": ("play:room-?", "play:room-12"),
    "the prefix without the rest": ("play:room-*", "play:room"),
    "the prefix in the middle": ("play:room-*", "play:my-room-1"),
    "a star that is none": (r"play:a\*", "play:ab"),
    "a star for a star that is none": (r"play:a\*", "play:a*"),
    "two that would do together": ("play:a* play:b*", "play:?x"),
    "a denial that is held": ("!play:x", "play:x"),
    "text that is no grant": ("play:*", "play"),
    "an action there is not": ("*:*", "admin:*"),
    "no text": ("*:*", ""),
    "another user's name": ("publish:{user}-*", "publish:bob-cam"),
    "a name that only begins like the client's": ("publish:{user}", "publish:ann-cam"),
    "another claim": ("publish:{claim.room}", "publish:{claim.rooms}"),
    "a claim written as text": ("publish:{claim.room}", "publish:{{claim.room}}"),
    "a claim for a name": ("publish:ann", "publish:{claim.room}"),
    "a claim for the client": ("publish:{user}", "publish:{claim.user}"),
    "a claim where the prefix ends in it": ("publish:{claim.room}-*", "publish:{claim.room}"),
    "an accent that melts into the prefix": ("play:e*", "play:e\u0301"),
    "a port that melts into the prefix": ("play:rtsp://h:5*", "play:rtsp://h:554/x"),
}


@pytest.mark.parametrize(("allowed", "asked"), NOT_GRANTED.values(), ids=NOT_GRANTED)
def test_a_grant_that_is_not_covered(allowed, asked):
    assert not covers_grant(allowed.split(), asked, "ann")


def test_a_user_name_with_wildcards_opens_nothing():
    assert not covers_grant(["publish:{user}"], "publish:*", "*")
    assert covers_grant(["publish:{user}"], "publish:{user}", "*")
