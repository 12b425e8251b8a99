"""A filter wants what is like all that it names."""

import pytest

from authgate.feed.event import Event
from authgate.feed.filters import Filter, asked
from authgate.model import Reason, SessionKey
from tests.feed.made import a_record

EVENT = Event(7, a_record(subject="cam"))
REFUSED = Event(8, a_record(method="connect", allowed=False, reason=Reason.TOKEN_EXPIRED, user=None))

WANTED = {
    "everything": "",
    "its kind": "kind=hook.allowed",
    "the family of its kind": "kind=hook",
    "one of two kinds": "kind=session&kind=hook",
    "method": "method=publishStream",
    "application": "app=chat",
    "user": "user=ann",
    "user, as people write it": "user=Ann",
    "node": "node=n1",
    "session": "session=s1",
    "stream": "stream=cam",
    "verdict": "verdict=allowed",
    "reason": "reason=ok",
    "all at once": "kind=hook&method=publishStream&app=chat&user=ann&node=n1&session=s1&stream=cam&verdict=allowed",
}
UNWANTED = {
    "another kind": "kind=hook.refused",
    "another family": "kind=session",
    "another method": "method=playStream",
    "a method in other letters": "method=publishstream",
    "another application": "app=Chat",
    "another user": "user=bob",
    "another node": "node=n2",
    "another session": "session=s2",
    "another stream": "stream=cam2",
    "the beginning of the stream's name": "stream=ca",
    "another verdict": "verdict=rejected",
    "another reason": "reason=deadline",
    "one of two that does not hold": "app=chat&user=bob",
}


def pairs(query):
    return [tuple(each.split("=")) for each in query.split("&") if each]


@pytest.mark.parametrize("query", WANTED.values(), ids=WANTED)
def test_wanted(query):
    assert asked(pairs(query)).wants(EVENT)


@pytest.mark.parametrize("query", UNWANTED.values(), ids=UNWANTED)
def test_unwanted(query):
    assert not asked(pairs(query)).wants(EVENT)


def test_nobody_is_no_user():
    assert Filter(verdicts=("rejected",)).wants(REFUSED)
    assert not Filter(users=("ann",)).wants(REFUSED)
    assert not Filter(streams=("cam",)).wants(Event(1, a_record(method="call", subject="cam")))
    assert not Filter(sessions=("s1",)).wants(Event(1, a_record(key=SessionKey("n1", ""))))


BAD = {
    "a filter there is not": ("colour=red", "there is no filter 'colour'"),
    "one that is nearly one": ("kinds=hook", "there is no filter 'kinds'; did you mean 'kind'?"),
    "a kind there is not": ("kind=hooks.allowed", "kinds: there is no 'hooks.allowed'; did you mean 'hook.allowed'?"),
    "an empty kind": ("kind=", "kinds: there is no ''"),
    "a verdict there is not": ("verdict=denied", "verdicts: there is no 'denied'"),
    "a reason there is not": ("reason=xyz", "reasons: there is no 'xyz'"),
    "a user that cannot be": ("user=", "users: a user name is not empty"),
    "a user with what nobody sees": ("user=a\x07", "users: a user name holds no control characters"),
    "a value without end": ("app=" + "x" * 513, "apps: a value has at most 512 characters"),
    "values without end": ("&".join(["app=x"] * 101), "apps: has more than 100 values"),
}


@pytest.mark.parametrize(("query", "fault"), BAD.values(), ids=BAD)
def test_a_filter_that_nothing_is_like(query, fault):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its words are looked at below
        asked(pairs(query))
    assert str(caught.value) == fault
