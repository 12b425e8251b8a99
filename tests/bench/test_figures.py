"""What figures say to people and to machines."""

import json

from authgate.bench.figures import CONNECT, FLOOR, HEADS, LOGIN, Figure, Findings
from authgate.bench.scratch import figure

ROUND = {
    "seconds": 2.0,
    "busy": 0.5,
    "statuses": {"200": 90, "403": 8, "503": 2},
    "failed": 1,
    "used_up": False,
    "methods": {"connect": {"hooks": 90, "p50": 1.0, "p99": 4.0, "p999": 9.0}},
}


def findings(*figures):
    return Findings(1, 4, 64, 2.0, list(figures))


def test_refused_hooks_count_for_no_rate():
    found = figure(CONNECT, ROUND, "connect", cpu=0.9)
    assert (found.rate, found.hooks, found.refused, found.failed, found.cpu) == (45.0, 90, 10, 1, 10.0)


def test_a_round_without_an_answer_has_no_rate():
    found = figure(CONNECT, ROUND | {"methods": {}, "seconds": 0.0}, "connect", cpu=0.0)
    assert (found.rate, found.cpu) == (0.0, None)


def test_ratios_are_to_the_bare_framework():
    found = findings(Figure(FLOOR, 8, 400.0, 1, 1, 1), Figure(CONNECT, 8, 100.0, 1, 1, 1, 2.0))
    assert [row[2] for row in found.rows()] == ["1.00", "0.25"]
    assert all(len(row) == len(HEADS) for row in found.rows())
    assert json.loads(json.dumps(found.shown()))["figures"][1]["of_floor"] == 0.25


def test_advice_says_how_many_can_come_back():
    found = findings(Figure(CONNECT, 8, 1000.0, 1, 1, 1, 0.5), Figure(LOGIN, 8, 10.0, 1, 1, 1, 90.0))
    advice = " / ".join(found.advice())
    assert "answers 2,000 connects a second" in advice
    assert "1,000 can come back in a second, and 2,000 at once" in advice
    assert "10 can come back in a second, and 20 at once" in advice
    assert "1 of 4 cores" in advice


def test_no_advice_from_hooks_that_were_refused():
    assert not any("come back" in line for line in findings(Figure(CONNECT, 8, 9.0, 1, 1, 1, refused=1)).advice())
