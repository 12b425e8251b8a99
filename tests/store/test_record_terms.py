"""The index of the trail as numbers and bits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.store.record_terms import (
    ALL,
    BLOCK,
    BLOCKS,
    COLUMNS,
    SEGMENT,
    blocks_of,
    signed,
    spans,
    term,
    terms_of,
    unsigned,
    wanted_terms,
)
from authgate.wanted import RecordFilter

SPANS = {
    "none": (0, []),
    "the first": (1, [(0, BLOCK - 1)]),
    "the last": (1 << 63, [(SEGMENT - BLOCK, SEGMENT - 1)]),
    "side by side": (0b110, [(BLOCK, 3 * BLOCK - 1)]),
    "apart": (0b101, [(0, BLOCK - 1), (2 * BLOCK, 3 * BLOCK - 1)]),
    "all": (ALL, [(0, SEGMENT - 1)]),
}


@pytest.mark.parametrize(("blocks", "expected"), SPANS.values(), ids=SPANS)
def test_spans(blocks, expected):
    assert list(spans(0, blocks)) == expected
    assert list(spans(7, blocks)) == [(begin + 7 * SEGMENT, end + 7 * SEGMENT) for begin, end in expected]


@given(st.sets(st.integers(0, BLOCKS - 1)))
def test_bits_are_held_as_a_database_has_numbers(places):
    blocks = sum(1 << place for place in places)
    assert -(2**63) <= signed(blocks) < 2**63
    assert unsigned(signed(blocks)) == blocks
    assert sum(end - begin + 1 for begin, end in spans(0, blocks)) == len(places) * BLOCK


def test_a_term_is_of_its_column_too():
    values = ["", "a", "a\0", "\0a", "ж😀", "\ud800", "x" * 512]
    terms = {term(column, value) for column in COLUMNS for value in values}
    assert len(terms) == len(COLUMNS) * len(values)
    assert all(-(2**63) <= each < 2**63 for each in terms)


NOTHING = dict.fromkeys(COLUMNS, ())
ANN = {**NOTHING, "user_name": ("ann", None), "subject": ("cam", "")}
OUTCOMES = {
    "nothing asked": (RecordFilter(), True),
    "her": (RecordFilter(users=("ann",)), True),
    "her or him": (RecordFilter(users=("bob", "ann")), True),
    "him": (RecordFilter(users=("bob",)), False),
    "her and the stream": (RecordFilter(users=("ann",), subjects=("cam",)), True),
    "her and another stream": (RecordFilter(users=("ann",), subjects=("dog",)), False),
    "a value of another column": (RecordFilter(sessions=("ann",)), False),
    "no stream, which is not noted": (RecordFilter(subjects=("",)), True),
    "no stream or another": (RecordFilter(subjects=("dog", "")), True),
    "rejected": (RecordFilter(allowed=False), False),
    "allowed": (RecordFilter(allowed=True), True),
    "a time": (RecordFilter(since=1, until=2), True),
}


@pytest.mark.parametrize(("wanted", "there"), OUTCOMES.values(), ids=OUTCOMES)
def test_whether_a_block_may_have_it(wanted, there):
    found = dict.fromkeys(terms_of(ANN, {"user_name": (), "subject": (), "app_key": ()}), 0b10)
    assert blocks_of(wanted_terms(wanted), found) == ((0b10 if wanted_terms(wanted) else ALL) if there else 0)


def test_who_was_rejected_is_told_from_who_is_there():
    columns = {**NOTHING, "user_name": ("ann", "bob"), "subject": ("cam", "dog"), "app_key": ("a", "a")}
    rejected = {"user_name": ("bob",), "subject": ("dog",), "app_key": ("a",)}
    found = dict.fromkeys(terms_of(columns, rejected), 1)
    for name, there in (("bob", 1), ("ann", 0)):
        assert blocks_of(wanted_terms(RecordFilter(users=(name,), allowed=False)), found) == there
        assert blocks_of(wanted_terms(RecordFilter(users=(name,))), found) == 1
