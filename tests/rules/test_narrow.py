"""However many rules there are, a hook is asked about those alone that its names can match."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.hooks.parse import parse
from authgate.model import Asks, Case, Delivery, Principal, Reason
from authgate.networks import read_network
from authgate.patterns import Match
from authgate.rules import PolicyOptions, Rules
from authgate.rules.narrow import Narrow
from tests.judge.made import rule
from tests.test_gateway import body

MANY = [rule(f"r{at}", "deny", methods="playStream", names=f"room-{at}-*") for at in range(50)]
MANY += [rule("secret", "deny", names="*secret*"), rule("callee", "deny", methods="playStream", users="bob")]
RULES = Rules(MANY, PolicyOptions(), {})


def hook(name, **fields):
    return parse(Delivery("playStream", body(name=name, **fields)))


LEFT = {
    "one, and what may be anywhere in a name": ("room-7-x", ["r7", "secret", "callee", "policies.call"]),
    "none": ("cam", ["secret", "callee", "policies.call"]),
    "two": ("room-9-secret", ["r9", "secret", "callee", "policies.call"]),
    "an odd name keeps all that may match": ("room-7-%73ecret", ["r7", "secret", "callee", "policies.call"]),
    "a path keeps all that may match": ("x/../room-3-y", ["r3", "secret", "callee", "policies.call"]),
    "no name": ("", ["secret", "callee", "policies.call"]),
}


@pytest.mark.parametrize(("name", "left"), LEFT.values(), ids=LEFT)
def test_what_is_left(name, left):
    for _ in range(2):  # and once more, as it is remembered
        assert [each.name for each in RULES.about(hook(name))] == left


def test_a_name_beyond_all_measure_may_match_every_rule():
    assert len(RULES.about(hook("x" * 5_000))) == len(MANY) + 1


@given(st.text(alphabet="rom-%2e/.7secrt", max_size=20))
def test_nothing_that_may_match_is_left_out(name):
    asked = hook(name)
    left = set(RULES.about(asked))
    for each in RULES.of("app", asked.method):
        if each not in left:
            assert any(condition.match(Case(asked, 0)) is Match.NO for condition in each.conditions)


@dataclass
class Sender:
    """As the judge's: what it asked for is known from then on."""

    case: Case


def asked_in_turn(lot, known):
    """The names of the rules that are asked, where each finds out at once what its conditions ask for."""
    sender, asked = Sender(Case(known.hook, 0)), []
    for each in lot.in_turn(sender):
        asked.append(each.name)
        needs = max((condition.asks for condition in each.conditions), default=Asks.NOTHING)
        if needs > sender.case.asked:
            sender.case = replace(known, asked=needs)
    return asked


MANY_WHO = [rule(f"user{at}", "deny", methods="playStream", users=f"user{at}") for at in range(20)]
MANY_WHO += [rule("bob7", "deny", methods="playStream", users="bob7")]
MANY_WHO += [rule("all users", "deny", methods="playStream", users=("us*9", "ann"))]
MANY_WHO += [rule(f"group{at}", "deny", methods="playStream", groups=f"group{at}") for at in range(20)]
MANY_WHO += [
    rule(f"page{at}", "deny", methods="playStream", origins=f"https://page{at}.example.com") for at in range(20)
]
MANY_WHO += [
    rule(f"net{at}", "deny", methods="playStream", addresses=(read_network(f"10.0.{at}.0/24"),)) for at in range(20)
]
WHO = Rules(MANY_WHO, PolicyOptions(), {})
ASKED = {
    "a user": (Principal("bob7", "v"), "", ["user0", "bob7", "group0"]),
    "a user of two rules": (Principal("user9", "v"), "", ["user0", "user9", "all users", "group0"]),
    "in a group by its token": (Principal("x", "v", groups=frozenset({"group3"})), "", ["user0", "group0", "group3"]),
    "a page": (Principal("x", "v"), "https://page5.example.com", ["user0", "group0", "page5"]),
    "a page that cannot be read": (
        Principal("x", "v"),
        "nonsense",
        ["user0", "group0", *(f"page{at}" for at in range(20))],
    ),
    "nobody": (Reason.CREDENTIALS_MISSING, "", ["user0", "group0"]),
}


@pytest.mark.parametrize(("client", "origin", "asked"), ASKED.values(), ids=ASKED)
def test_who_sent_it_leaves_few_to_be_asked(client, origin, asked):
    play = hook("cam", sessionId="/192.0.2.1:50000/192.0.2.10:8443")
    for _ in range(2):  # and once more, as it is remembered
        found = asked_in_turn(WHO.about(play), Case(play, 0, client, origin=origin))
        assert found == [*asked, "policies.call"]


ADDRESSES = {
    "of a rule": ("/10.0.7.9:50000/192.0.2.10:8443", ["net7"]),
    "of none": ("/10.1.7.9:50000/192.0.2.10:8443", []),
    "of none, in IPv6": ("/0:0:0:0:0:0:0:1:50000/192.0.2.10:8443", []),
    "not told": ("5f7a", [f"net{at}" for at in range(20)]),
}


@pytest.mark.parametrize(("session", "left"), ADDRESSES.values(), ids=ADDRESSES)
def test_where_it_comes_from_leaves_few_to_be_asked(session, left):
    found = [each.name for each in WHO.about(hook("cam", sessionId=session)) if each.name.startswith("net")]
    assert found == left


@given(
    st.sampled_from(["user1", "user19", "us9", "ann", "Bob", "us\u00b9", "%75ser1", "", "x" * 3_000]),
    st.sets(st.sampled_from([f"group{at}" for at in range(21)]), max_size=2),
    st.sampled_from(["", "https://page1.example.com", "null", "https://page1.example.com:8443"]),
)
def test_nobody_who_may_match_is_left_out(user, groups, origin):
    play = hook("cam")
    case = Case(play, 0, Principal(user, "v", groups=frozenset(groups)), origin=origin, asked=Asks.AUTHORITY)
    asked = asked_in_turn(WHO.about(play), case)
    for each in WHO.of("app", play.method):
        if each.name not in asked:
            assert any(condition.match(case) is Match.NO for condition in each.conditions)


def test_a_client_cannot_fill_the_memory():
    narrow = Narrow(WHO.of("app", hook("x").method))
    for at in range(3_000):
        narrow.by_sender(Case(hook("cam"), 0, origin=f"https://{at}.example.com", asked=Asks.CLIENT))
    narrow.by_sender(Case(hook("cam"), 0, origin="y" * 600, asked=Asks.CLIENT))
    assert len(narrow._by_origin) <= 256
    assert all(len(origin) <= 256 for origin in narrow._by_origin)


def test_an_unknown_method_has_its_rules_too():
    asked = parse(Delivery("teleport", body(name="secret")))
    assert [each.name for each in RULES.about(asked)] == [each.name for each in RULES.of("app", asked.method)]
