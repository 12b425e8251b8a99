"""Who need not be counted: only who logs in from where it has just logged in, with nobody guessing there."""

import pytest

from authgate.guessing import Guess
from authgate.guessing.settled import MAX_KEPT, Settled
from authgate.model import Secret

HERE, THERE = "203.0.113.7", "198.51.100.9"
WINDOW = 100.0


def guess(user="ann", address=HERE, *, exists=True):
    return Guess(user, Secret("x"), exists, "hash", address)


def tried(settled, each, now=0.0, *, right=True):
    settled.began(each)
    settled.right(each, now, now + WINDOW) if right else settled.wrong(each, now + WINDOW)
    settled.over(each)


def test_a_good_login_settles_a_user_where_it_was():
    settled = Settled()
    assert not settled.knows(guess(), 0)
    tried(settled, guess())
    assert settled.knows(guess(), WINDOW - 1)
    assert not settled.knows(guess(), WINDOW)
    assert not settled.knows(guess(address=THERE), 1)
    assert not settled.knows(guess("bob"), 1)


def test_of_ipv6_whoever_has_the_network_is_at_the_same_place():
    settled = Settled()
    tried(settled, guess(address="2001:db8::1"))
    assert settled.knows(guess(address="2001:db8::ffff"), 1)
    assert not settled.knows(guess(address="2001:db8:0:1::1"), 1)


NEVER = {"nobody": guess(exists=False), "nowhere": guess(address="")}


@pytest.mark.parametrize("each", NEVER.values(), ids=NEVER)
def test_nobody_is_settled_nowhere(each):
    settled = Settled()
    tried(settled, each)
    assert not settled.knows(each, 1)


def test_whatever_is_tried_there_unsettles_until_it_is_over():
    settled = Settled()
    tried(settled, guess())
    settled.began(guess())
    assert not settled.knows(guess(), 1)
    settled.over(guess())
    assert not settled.knows(guess(), 1)
    tried(settled, guess(), 1)
    assert settled.knows(guess(), 2)


def test_a_wrong_one_keeps_it_unsettled_as_long_as_it_counts():
    settled = Settled()
    tried(settled, guess())
    tried(settled, guess(), 1, right=False)
    tried(settled, guess(), 2)
    assert not settled.knows(guess(), 3)
    assert not settled.knows(guess(), WINDOW + 1)
    tried(settled, guess(), WINDOW + 1)
    assert settled.knows(guess(), WINDOW + 2)


def test_a_wrong_one_elsewhere_is_another_matter():
    settled = Settled()
    tried(settled, guess())
    tried(settled, guess(address=THERE), 1, right=False)
    assert settled.knows(guess(), 2)


def test_the_right_one_among_others_that_are_being_tried_settles_nothing():
    settled = Settled()
    settled.began(guess())
    tried(settled, guess(), 1)
    assert not settled.knows(guess(), 2)
    settled.over(guess())
    assert not settled.knows(guess(), 2)


def test_no_more_is_kept_than_there_is_room_for():
    settled = Settled()
    for n in range(MAX_KEPT + 10):
        tried(settled, guess(f"user{n}"))
    assert len(settled) == MAX_KEPT
    assert not settled.knows(guess("user0"), 1)
    assert settled.knows(guess(f"user{MAX_KEPT + 9}"), 1)
