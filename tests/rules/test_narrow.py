"""However many rules there are, a hook is asked about those alone that its names can match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.hooks.parse import parse
from authgate.model import Case, Delivery
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
    "one": ("room-7-x", ["r7", "callee", "policies.call"]),
    "none": ("cam", ["callee", "policies.call"]),
    "two": ("room-9-secret", ["r9", "secret", "callee", "policies.call"]),
    "an odd name keeps all that may match": ("room-7-%73ecret", ["r7", "secret", "callee", "policies.call"]),
    "a path keeps all that may match": ("x/../room-3-y", ["r3", "callee", "policies.call"]),
    "no name": ("", ["callee", "policies.call"]),
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


def test_a_client_cannot_fill_the_memory():
    narrow = Narrow(RULES.of("app", hook("x").method))
    for at in range(3_000):
        narrow.of(hook(f"cam-{at}"))
    narrow.of(hook("y" * 600))
    assert len(narrow._known) <= 1_024
    assert all(len(name) < 600 for names in narrow._known for name in names)


def test_an_unknown_method_has_its_rules_too():
    asked = parse(Delivery("teleport", body(name="secret")))
    assert [each.name for each in RULES.about(asked)] == [each.name for each in RULES.of("app", asked.method)]
