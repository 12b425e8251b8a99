"""What lists of grants come to."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate import grants
from authgate.grants import Grant, judge, parse
from authgate.hooks import fields
from authgate.model import Authority, Principal, Reason
from authgate.patterns import Name

OK, MISSING, DENIED = Reason.OK, Reason.GRANT_MISSING, Reason.GRANT_DENIED

PARSED = {
    "allow": ("publish:room-*", Grant("publish", "room-*")),
    "deny": ("!play:secret-*", Grant("play", "secret-*", denies=True)),
    "every action": ("*:*", Grant("*", "*")),
    "deny everything": ("!*:*", Grant("*", "*", denies=True)),
    "a colon in the pattern": ("play:rtsp://cam.local/*", Grant("play", "rtsp://cam.local/*")),
    "the user": ("publish:{user}-*", Grant("publish", "{user}-*")),
    "a claim": ("play:{claim.https://example.com/room}", Grant("play", "{claim.https://example.com/room}")),
    "a brace before the user": ("play:{{{user}", Grant("play", "{{{user}")),
    "braces themselves": ("play:{{x}}", Grant("play", "{{x}}")),
    "an exclamation mark in the pattern": ("play:hey!", Grant("play", "hey!")),
    "deny what can be read in several ways": ("!play:/secret/", Grant("play", "/secret/", denies=True)),
}
NO_GRANT = {
    "empty": ("", "ACTION:PATTERN"),
    "no pattern": ("play", "ACTION:PATTERN"),
    "an empty pattern": ("play:", "not empty"),
    "no action": (":room-*", "no such action"),
    "a misspelt action": ("pubish:room-*", "did you mean 'publish'"),
    "another letter case": ("Play:room-*", "did you mean 'play'"),
    "a method": ("playStream:room-*", "there are publish, play"),
    "denied twice": ("!!play:room-*", "no such action"),
    "space before the action": (" play:room-*", "did you mean 'play'"),
    "space after the exclamation mark": ("! play:room-*", "did you mean 'play'"),
    "space before the pattern": ("play: room-*", "white space"),
    "line end after the pattern": ("play:room-*\n", "white space"),
    "control character": ("play:room\0*", "control"),
    "not text": (7, "is text"),
    "nothing": (None, "is text"),
    "a list": (["play:*"], "is text"),
    "another placeholder": ("play:{usr}-*", r"no such placeholder '{usr}'"),
    "an empty placeholder": ("play:{}", r"no such placeholder '{}'"),
    "a claim without a name": ("play:{claim.}", r"no such placeholder '{claim.}'"),
    "a format": ("play:{user!r}", r"no such placeholder '{user!r}'"),
    "an attribute": ("play:{user.__class__}", r"no such placeholder"),
    "capitals in a placeholder": ("play:{User}", r"no such placeholder '{User}'"),
    "an open brace": ("play:a{user", r"single '{'"),
    "a closed brace": ("play:a}", r"single '}'"),
    "an escaped brace": (r"play:\{user}", r"write '{{'"),
    "too long": ("play:" + "a" * 600, "at most 512"),
    "much too long": ("play:" + "{claim." + "a" * 2_000 + "}", "at most 1024"),
    "allow with a leading slash": ("play:/live/*", "could never allow"),
    "allow with a parent segment": ("play:live/../*", "could never allow"),
    "allow with a query": (r"play:cam\?x", "could never allow"),
    "allow with a trailing dot": ("play:{user}.", "could never allow"),
}


@pytest.mark.parametrize(("text", "grant"), PARSED.values(), ids=PARSED)
def test_parse(text, grant):
    assert parse(text) == grant


@pytest.mark.parametrize(("text", "says"), NO_GRANT.values(), ids=NO_GRANT)
def test_what_is_no_grant(text, says):
    with pytest.raises(ValueError, match=says):
        parse(text)


def test_the_actions_are_those_of_the_hooks():
    assert set(grants.ACTIONS) == set(fields.ACTIONS)


ANN = Principal("ann", claims=MappingProxyType({"room": "r1", "all": "*", "dirs": "a/../b", "none": ""}))
# action, name, list of the store, list of the token -> what it comes to
JUDGED = {
    "granted": ("play", "room-1", ["play:room-*"], None, OK),
    "one of several": ("play", "room-1", ["call:*", "play:hall", "play:room-*"], None, OK),
    "every action": ("receive", "1001", ["*:10*"], None, OK),
    "another action": ("publish", "room-1", ["play:room-*"], None, MISSING),
    "another name": ("play", "hall", ["play:room-*"], None, MISSING),
    "no name": ("play", "", ["play:room-*"], None, MISSING),
    "no name, and every name is granted": ("play", "", ["play:*"], None, OK),
    "an action that nobody knows": ("dance", "room-1", ["play:*", "publish:*"], None, MISSING),
    "an empty list": ("play", "room-1", [], None, MISSING),
    "no list anywhere": ("play", "room-1", None, None, None),
    "denied": ("play", "secret-1", ["!play:secret-*", "play:*"], None, DENIED),
    "denied after it was allowed": ("play", "secret-1", ["play:secret-1", "!play:secret-*"], None, DENIED),
    "denied as every action": ("play", "secret-1", ["play:*", "!*:secret-*"], None, DENIED),
    "denied and nothing allowed": ("play", "secret-1", ["!play:*"], None, DENIED),
    "another action is denied": ("play", "secret-1", ["play:*", "!publish:secret-*"], None, OK),
    "only a denial, of another name": ("play", "room-1", ["!play:secret-*"], None, MISSING),
    "the token narrows": ("play", "room-2", ["play:room-*"], ["play:room-1"], MISSING),
    "the token agrees": ("play", "room-1", ["play:room-*"], ["play:room-1"], OK),
    "the token cannot widen": ("play", "hall", ["play:room-*"], ["*:*"], MISSING),
    "the token denies": ("play", "room-1", ["play:*"], ["play:*", "!play:room-*"], DENIED),
    "the token cannot lift a denial": ("play", "secret-1", ["play:*", "!play:secret-*"], ["play:secret-1"], DENIED),
    "the token's list is empty": ("play", "room-1", ["play:*"], [], MISSING),
    "only a token, and it allows": ("play", "room-1", None, ["play:room-*"], None),
    "only a token, and it does not": ("play", "hall", None, ["play:room-*"], MISSING),
    "only a token, and it denies": ("play", "room-1", None, ["*:*", "!play:room-1"], DENIED),
    "only a token, and it is empty": ("play", "room-1", None, [], MISSING),
    "own name": ("publish", "ann-cam", ["publish:{user}-*"], None, OK),
    "own name in capitals": ("publish", "ANN-cam", ["publish:{user}-*"], None, OK),
    "a longer name than one's own": ("publish", "annie-cam", ["publish:{user}-*"], None, MISSING),
    "another's name": ("publish", "bob-cam", ["publish:{user}-*"], None, MISSING),
    "a claim": ("play", "r1", ["play:{claim.room}"], None, OK),
    "a claim and the user": ("play", "r1/ann", ["play:{claim.room}/{user}"], None, OK),
    "a claim that the token has not": ("play", "x", ["play:{claim.other}*"], None, MISSING),
    "a claim that is empty": ("play", "x", ["play:{claim.none}*"], None, MISSING),
    "a star in a claim": ("play", "x", ["play:{claim.all}"], None, MISSING),
    "a star in a claim is a star": ("play", "*", ["play:{claim.all}"], None, OK),
    "a star in a claim after a backslash": ("play", "\\x", ["play:\\\\{claim.all}"], None, MISSING),
    "a path in a claim leads nowhere": ("play", "b", ["play:{claim.dirs}"], None, MISSING),
    "a path in a claim is not sure": ("play", "a/../b", ["play:{claim.dirs}"], None, MISSING),
    "denied by a claim": ("play", "r1", ["play:*", "!play:{claim.room}"], None, DENIED),
    "denied by a claim that the token has not": ("play", "x", ["play:*", "!play:{claim.other}"], None, DENIED),
    "denied by a claim that is empty": ("play", "x", ["play:*", "!play:{claim.none}"], None, DENIED),
    "denied by no claim in another action": ("play", "x", ["play:*", "!call:{claim.other}"], None, OK),
    "braces": ("play", "{user}", ["play:{{user}}"], None, OK),
    "braces are no placeholder": ("play", "ann", ["play:{{user}}"], None, MISSING),
    "allowing text that is no grant": ("play", "room-1", ["play", "pubish:*", "play:{usr}", ""], None, MISSING),
    "denying text that is no grant": ("play", "room-1", ["play:*", "!pubish:x"], None, DENIED),
    "denying text with a bad placeholder": ("call", "1001", ["*:*", "!play:{usr}"], None, DENIED),
    "an exclamation mark alone": ("play", "room-1", ["play:*", "!"], None, DENIED),
    "space before an exclamation mark": ("play", "room-1", ["play:*", " !play:secret"], None, DENIED),
    "something unseen before it": ("play", "room-1", ["play:*", "\ufeff!play:secret"], None, DENIED),
    "a full-width exclamation mark": ("play", "room-1", ["play:*", "！play:secret"], None, DENIED),
    "a number in a list": ("play", "room-1", ["play:*", 7], None, DENIED),
    "nothing in a list": ("play", "room-1", ["play:*", None], None, DENIED),
    "a list in a list": ("play", "room-1", ["play:*", ["play:*"]], None, DENIED),
    "a list in a token's list": ("play", "room-1", ["play:*"], ["play:*", {"play": "*"}], DENIED),
    "text for a list": ("play", "room-1", "play:*", None, MISSING),
    "denying text for a list": ("play", "room-1", ["play:*"], "!play:*", DENIED),
}
# Names of a stream that a list denies and allows all besides, and of one that a list allows and nothing besides.
ATTACKS = {
    "percent-encoded": "%73ecret-1",
    "percent-encoded twice": "%2573ecret-1",
    "parent segment": "room-1/../secret-1",
    "percent-encoded parent segment": "room-1%2f..%2fsecret-1",
    "backslashes": "room-1\\..\\secret-1",
    "overlong slash": "room-1/..%c0%afsecret-1",
    "zero width space": "sec\u200bret-1",
    "NUL": "secret-1\0",
    "query": "secret-1?room-1",
    "fragment": "secret-1#room-1",
    "trailing dot": "secret-1.",
    "leading slash": "/secret-1",
    "address": "rtsp://127.0.0.1:554/secret-1",
    "address with a user": "rtsp://room-1@127.0.0.1/secret-1",
    "too long": "room-1/../secret-1" + "?" * 3_000,
    "too many readings": "/./%2525%2f;a?b#c\\." * 9,
}


@pytest.mark.parametrize(("action", "name", "store", "token", "reason"), JUDGED.values(), ids=JUDGED)
def test_judge(action, name, store, token, reason):
    client = Principal(ANN.user, claims=ANN.claims, grants=token if token is None else _listed(token))
    assert judge(action, Name(name), Authority(grants=store if store is None else _listed(store)), client) is reason


@pytest.mark.parametrize("name", ATTACKS.values(), ids=ATTACKS)
def test_a_denial_is_not_got_past(name):
    assert judge("play", Name(name), Authority(grants=("play:*", "!play:secret-*")), ANN) is DENIED


@pytest.mark.parametrize("name", ATTACKS.values(), ids=ATTACKS)
def test_more_than_is_granted_is_not_got(name):
    assert judge("play", Name(name), Authority(grants=("play:room-*",)), ANN) is MISSING


FULL_WIDTH = ("secret-1", "SECRET-1", "ｓｅｃｒｅｔ-1", "ＳＥＣＲＥＴ－１")


@pytest.mark.parametrize("name", FULL_WIDTH, ids=["plain", "capitals", "full-width letters", "full-width capitals"])
def test_looks_make_no_difference(name):
    assert judge("play", Name(name), Authority(grants=("play:*", "!play:Secret-*")), ANN) is DENIED
    assert judge("play", Name(name), Authority(grants=("play:Secret-*",)), ANN) is OK


USERS = {
    "a star": ("*", "x"),
    "a question mark": ("?", "x"),
    "a backslash": ("a\\", "a"),
    "a placeholder": ("{claim.room}", "r1"),
    "the beginning of another": ("an", "ann"),
    "a parent segment": ("x/../bob", "bob"),
    "an escape": ("%62ob", "bob"),
    "a zero width joiner": ("bo\u200db", "bob"),
    "too long for a pattern": ("*" * 300, "*" * 300),
}


@pytest.mark.parametrize(("user", "name"), USERS.values(), ids=USERS)
@pytest.mark.parametrize("text", ["publish:{user}", "publish:x{user}", "publish:{user}x", r"publish:\\{user}"])
def test_a_user_who_is_named_like_a_pattern_gets_nothing_of_others(user, name, text):
    client = Principal(user, claims=ANN.claims)
    assert judge("publish", Name(name), Authority(grants=(text,)), client) is MISSING


def test_an_accent_alone_is_no_user_to_put_after_a_wildcard():
    client = Principal("\u0308")
    assert judge("play", Name("x\u0308"), Authority(grants=("play:*{user}",)), client) is MISSING
    assert judge("play", Name("y"), Authority(grants=("play:*", "!play:*{user}")), client) is DENIED


def _listed(grants):
    return tuple(grants) if isinstance(grants, list) else grants


TEXT = st.sampled_from(
    ["play:*", "play:room-*", "!play:secret-*", "play:{user}", "!play:{claim.x}", "publish:*", "!", "x", "*:a*"]
)
LISTS = st.none() | st.lists(TEXT | st.text(max_size=6), max_size=4).map(tuple)
NAMES = st.sampled_from(["room-1", "secret-1", "ann", "a", "x/../secret-1", ""]) | st.text(max_size=6)


@given(NAMES, LISTS, LISTS)
def test_a_token_only_narrows(name, store, token):
    alone = judge("play", Name(name), Authority(grants=store), Principal("ann"))
    both = judge("play", Name(name), Authority(grants=store), Principal("ann", grants=token))
    assert both is alone or both in (MISSING, DENIED)
    assert both in (alone, DENIED) or alone in (OK, None)


@given(NAMES, st.lists(TEXT, max_size=4), st.data())
def test_the_order_of_a_list_does_not_matter(name, store, data):
    other = data.draw(st.permutations(store))
    assert judge("play", Name(name), Authority(grants=tuple(store)), ANN) is judge(
        "play", Name(name), Authority(grants=tuple(other)), ANN
    )


@given(NAMES, LISTS)
def test_a_denial_never_allows(name, store):
    without = judge("play", Name(name), Authority(grants=store), ANN)
    denying = judge("play", Name(name), Authority(grants=(*(store or ()), "!play:secret-*")), ANN)
    assert denying is not OK or without is OK
