"""Every key of the tally, wherever it is counted, is a metric of its own."""

import ast
from pathlib import Path

import pytest

import authgate
from authgate.metrics import table
from authgate.metrics.counted import COUNTED, FAMILIES, meaning

ROOT = Path(authgate.__file__).parent

KEYS = {
    "hooks_malformed": (table.UNREAD, ("malformed",)),
    "verdicts_degraded_store_unavailable": (table.DEGRADED, ("store_unavailable",)),
    "guessing_locks_pair": (table.LOCKS, ("pair",)),
    "guesses_refused": (table.NOT_TRIED, ()),
    "tokens_refused": (table.REQUESTS, ("tokens", "refused")),
    "login_throttled": (table.REQUESTS, ("login", "throttled")),
    "public_keys_unavailable": (table.REQUESTS, ("public_keys", "unavailable")),
    "targets_passed_over:legacy": (table.TARGETS, ("legacy", "passed_over")),
    "key_sets_failed:https://id.example.com:8443/a": (table.KEY_FETCHES, ("https://id.example.com:8443/a", "failed")),
    "live_sessions_ended": (table.ENDED, ("session",)),
    "live_streams_added": (table.DIFFERENCES, ("streams_added",)),
    "signals_too_many_addressees": (table.MESSAGES, ("too_many_addressees",)),
    "targets_answered:": (table.TARGETS, ("", "answered")),
    "verdicts_allowed": None,
    "of_tomorrow": (table.OTHERS, ("of_tomorrow",)),
    "": (table.OTHERS, ("",)),
}


@pytest.mark.parametrize(("key", "expected"), KEYS.items(), ids=KEYS)
def test_a_key_means_a_metric(key, expected):
    assert meaning(key) == expected


@pytest.mark.parametrize("word", [*COUNTED, *(f"{begin}x" for begin in FAMILIES)])
def test_it_has_the_labels_of_its_metric(word):
    meant = meaning(word)
    assert meant is None or len(meant[1]) == len(meant[0].labels)


def counted_in(path):
    """The keys of tallies that are raised in a file; what stands in braces in them is an x."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
            of = node.target.value
            name = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", "")
            if name.strip("_") == "tally":
                yield from _texts(node.target.slice)


def _texts(node):
    match node:
        case ast.Constant(value=text):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(part.value if isinstance(part, ast.Constant) else "x" for part in parts)
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one)
            yield from _texts(other)
        case _:
            yield f"? {ast.unparse(node)}"


RAISED = sorted({(path.relative_to(ROOT).as_posix(), key) for path in ROOT.rglob("*.py") for key in counted_in(path)})
# What stands in braces there is a word of a closed list.
SPELLED = {"x_x": "tokens_refused", "hooks_too_x": "hooks_too_large"}


def test_there_are_some():
    assert len(RAISED) > 20


@pytest.mark.parametrize(("path", "key"), RAISED, ids=[f"{path} {key}" for path, key in RAISED])
def test_what_is_counted_has_a_metric_of_its_own(path, key):
    meant = meaning(SPELLED.get(key, key))
    assert meant is None or meant[0] is not table.OTHERS, f"{path} counts {key}: give it a line in metrics/counted.py"
