"""What goes on, found and ended by those who run it."""

import pytest

from authgate import admin
from authgate.admin import Ended, Meant
from authgate.errors import BadName, Refused
from authgate.model import (
    CallKey,
    CallNews,
    Entry,
    MediaKey,
    Open,
    Principal,
    Reason,
    Record,
    Session,
    SessionKey,
    StreamNews,
)
from authgate.store.ids import record_id

NOW = 1_900_000_000
ONLY_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def UNREACHED(_node):
    return False


def record(at, **changes):
    key = changes.pop("key", SessionKey("n", "s"))
    return Record(record_id(), at, key, "a", "connect", None, True, Reason.OK, "r")


async def test_sessions_page_by_page(store, monkeypatch):
    monkeypatch.setattr("authgate.admin.pages.PAGE", 2)
    live = [Session(SessionKey("n", f"s{at}"), "a", NOW * 1000, Principal("ann" if at else "bob")) for at in range(5)]
    for each in live:
        await store.ledger.write(Entry(record(NOW * 1000, key=each.key), Open(each)))
    assert [each.key for each in await admin.sessions(store)] == [each.key for each in live]
    assert [each.key for each in await admin.sessions(store, Meant(user="Bob"))] == [live[0].key]
    assert await admin.sessions(store, Meant(user="nobody")) == []


# What is asked to end, and which of the sessions that are live is left.
ENDED = {
    "a session": ({"session": "1"}, "234"),
    "a session of a node": ({"session": "1", "node": "m"}, "1234"),
    "a node": ({"node": "n"}, "3"),
    "a user, by any spelling": ({"user": " ANN "}, "34"),
    "a user of whom there is none": ({"user": "nobody"}, "1234"),
    "an application": ({"app_key": "b"}, "13"),
    "an application in another case": ({"app_key": "B"}, "1234"),
    "a user in an application": ({"user": "ann", "app_key": "b"}, "134"),
    "by what was told to the media server": ({"only": lambda session: session.config == "old"}, "23"),
    "all that is given must match": ({"only": lambda session: session.config == "old", "node": "m"}, "1234"),
    "no Unicode": ({"session": "\udcff", "node": "\0"}, "1234"),
    "users by a pattern": ({"user": "?N*"}, "34"),
    "every user": ({"user": "*"}, "4"),
    "a pattern that no user matches": ({"user": "*x"}, "1234"),
    "a pattern with a mark that means itself": ({"user": "an\\*"}, "1234"),
    "by its token": ({"token_id": "jti-1"}, "234"),
    "by a token that opened none": ({"token_id": "JTI-1"}, "1234"),
}


@pytest.mark.parametrize(("asked", "left"), ENDED.values(), ids=ENDED)
async def test_end_sessions(store, asked, left, monkeypatch):
    monkeypatch.setattr("authgate.admin.pages.PAGE", 1)
    for node, session, app, user, config in (
        ("n", "1", "a", "ann", "old"),
        ("n", "2", "b", "ann", "new"),
        ("m", "3", "a", "bob", "new"),
        ("n", "4", "b", None, "old"),
    ):
        client = None if user is None else Principal(user, token_id="jti-1" if session == "1" else None)
        opened = Session(SessionKey(node, session), app, NOW * 1000, client, config=config)
        await store.ledger.write(Entry(record(NOW * 1000, key=opened.key), Open(opened)))
    ended = await admin.end_sessions(store, Meant(**asked), UNREACHED)
    assert ended == Ended(0, 4 - len(left))
    assert sorted(each.key.session for each in await admin.sessions(store)) == list(left)


async def test_nobody_ends_all_sessions_by_accident(store):
    opened = Session(SessionKey("n", "1"), "a", NOW * 1000)
    await store.ledger.write(Entry(record(NOW * 1000, key=opened.key), Open(opened)))
    with pytest.raises(Refused, match="say which sessions"):
        await admin.end_sessions(store, Meant(), UNREACHED)
    assert len(await admin.sessions(store)) == 1


@ONLY_SQLITE
async def test_older_sessions_are_counted(store):
    for at, (app, config) in enumerate((("a", "new"), ("a", "old"), ("b", "new"), ("a", ""))):
        opened = Session(SessionKey("n", str(at)), app, NOW * 1000, config=config)
        await store.ledger.write(Entry(record(NOW * 1000, key=opened.key), Open(opened)))
    assert await admin.older_sessions(store, lambda app, digest: (app, digest) == ("a", "new")) == 3


BAD = {
    "an empty name": ({"user": ""}, BadName),
    "a control character": ({"user": "a\0"}, BadName),
    "a pattern that ends in a backslash": ({"user": "a*\\"}, BadName),
    "a pattern of what nobody sees": ({"user": "*\u200b"}, BadName),
}


@pytest.mark.parametrize(("asked", "error"), BAD.values(), ids=BAD)
@ONLY_SQLITE
async def test_names_that_no_user_has(store, asked, error):
    for find in (admin.sessions, admin.streams, admin.calls):
        with pytest.raises(error):
            await find(store, Meant(**asked))
    with pytest.raises(error):
        await admin.end_sessions(store, Meant(**asked), UNREACHED)


async def begun(store):
    """Ann publishes and Bob plays, and each is in a call."""
    for node, user, media, name, published in (("n", "ann", "p", "cam/1", True), ("m", "bob", "v", "cam/2", False)):
        key = SessionKey(node, "s")
        await store.ledger.write(
            Entry(record(NOW * 1000, key=key), Open(Session(key, "a", NOW * 1000, Principal(user))))
        )
        news = StreamNews(MediaKey(*key, media), "a", NOW * 1000, name, published, "PLAYING")
        await store.ledger.write(Entry(record(NOW * 1000, key=key), news=news))
        call = CallNews(CallKey(*key, user), "a", NOW * 1000, "1", "2", False, "RING")
        await store.ledger.write(Entry(record(NOW * 1000, key=key), news=call))


STREAMS = {
    "all": ({}, "vp"),
    "by its id": ({"media": "p"}, "p"),
    "by a pattern of names": ({"name": "CAM/*"}, "vp"),
    "by its name": ({"name": "cam/2"}, "v"),
    "by a name that is not all of it": ({"name": "cam"}, ""),
    "published": ({"published": True}, "p"),
    "of a user": ({"user": "Bob"}, "v"),
    "of users": ({"user": "b*"}, "v"),
    "of a node": ({"node": "n"}, "p"),
    "of a session": ({"session": "s", "node": "m"}, "v"),
    "of another application": ({"app_key": "b"}, ""),
}


@pytest.mark.parametrize(("asked", "found"), STREAMS.values(), ids=STREAMS)
@ONLY_SQLITE
async def test_streams(store, asked, found, monkeypatch):
    monkeypatch.setattr("authgate.admin.pages.PAGE", 1)
    await begun(store)
    assert "".join(each.key.media for each in await admin.streams(store, Meant(**asked))) == found


@ONLY_SQLITE
async def test_calls(store):
    await begun(store)
    assert [each.key.call for each in await admin.calls(store)] == ["bob", "ann"]
    assert [each.key.call for each in await admin.calls(store, Meant(user="an?"))] == ["ann"]


@ONLY_SQLITE
async def test_what_can_be_reached_is_ordered_to_end(store):
    await begun(store)
    assert await admin.end_sessions(store, Meant(app_key="a"), lambda node: node == "n") == Ended(1, 1)
    (left,) = await admin.sessions(store)
    assert (left.key.node, left.ending.reason) == ("n", "by hand")
    assert await admin.end_streams(store, Meant(name="*"), lambda node: node == "n") == Ended(1, 0)
    assert [each.ending.reason for each in await admin.streams(store)] == ["by hand"]


@ONLY_SQLITE
async def test_streams_that_cannot_be_ended(store):
    await begun(store)
    with pytest.raises(Refused, match="say which streams"):
        await admin.end_streams(store, Meant(), lambda _node: True)
    with pytest.raises(Refused, match=r"no \[\[wcs\]\] section of the configuration covers m, n"):
        await admin.end_streams(store, Meant(name="*"), UNREACHED)
    with pytest.raises(Refused, match="no pattern of stream names"):
        await admin.end_streams(store, Meant(name=""), UNREACHED)
    assert all(each.ending is None for each in await admin.streams(store))
