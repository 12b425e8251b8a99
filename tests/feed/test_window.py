"""The newest events, and where in them somebody is."""

import pytest

from authgate.feed.event import Event
from authgate.feed.window import Window
from tests.feed.made import a_record


@pytest.fixture
def window():
    """What is behind 10: events 12, 13, 15 and 16; then 12 and 13 fell out."""
    made = Window(4, 10)
    made.add([Event(id_, a_record()) for id_ in (11, 12, 13)])
    made.add([Event(id_, a_record()) for id_ in (15, 16, 18)])
    return made


CASES = {
    "nobody knows any more": (11, None),
    "at its beginning": (12, [13, 15, 16, 18]),
    "in the middle": (13, [15, 16, 18]),
    "where an id is left out": (14, [15, 16, 18]),
    "before its end": (16, [18]),
    "at its end": (18, []),
    "behind its end": (19, []),
}


@pytest.mark.parametrize(("id_", "told"), CASES.values(), ids=CASES)
def test_behind(window, id_, told):
    found = window.behind(id_, 10)
    assert (None if found is None else [each.id for each in found]) == told


def test_no_more_than_asked_for(window):
    assert [each.id for each in window.behind(12, 2)] == [13, 15]


def test_it_begins_empty():
    window = Window(4, 10)
    assert (window.behind(9, 10), window.behind(10, 10), window.behind(11, 10)) == (None, (), ())
