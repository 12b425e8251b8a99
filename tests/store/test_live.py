"""What is live is counted as it is listed, on every database."""

from dataclasses import replace

from authgate.model import CallKey, CallNews, Entry, MediaKey, SessionKey, StreamNews
from authgate.store.live import Live
from tests.store.samples import a_record, a_session, closing, now, opening

ONE, TWO = (SessionKey(node, "s") for node in ("n1", "n2"))


def stream(session, media, published=True, *, over=False):
    news = StreamNews(MediaKey(*session, media), "defaultApp", now(), "x", published, "PLAYING", over)
    return Entry(a_record(key=session, method="StreamStatusEvent"), news=news)


def call(session, name, *, over=False):
    news = CallNews(CallKey(*session, name), "callApp", now(), "1", "2", False, "ESTABLISHED", over)
    return Entry(a_record(key=session, method="CallStatusEvent"), news=news)


async def test_an_empty_store_has_nothing_live(store):
    assert await store.live.count() == Live()


async def test_sessions_streams_and_calls_are_counted_where_they_are(store):
    entries = [
        opening(a_session(ONE, now())),
        opening(replace(a_session(TWO, now()), app_key="callApp")),
        opening(a_session(SessionKey("n1", "other"), now())),
        stream(ONE, "m1"),
        stream(ONE, "m2", published=False),
        stream(ONE, "m3", published=False),
        stream(ONE, "m4", over=True),
        stream(SessionKey("n2", "of nobody"), "m5", published=None),
        call(TWO, "c1"),
        call(TWO, "c2", over=True),
    ]
    for entry in entries:
        await store.ledger.write(entry)
    found = await store.live.count()
    assert found.sessions == {("defaultApp", "n1"): 2, ("callApp", "n2"): 1}
    assert found.streams == {
        ("defaultApp", "n1", True): 1,
        ("defaultApp", "n1", False): 2,
        ("defaultApp", "n2", None): 1,
    }
    assert found.calls == {("callApp", "n2"): 1}


async def test_what_is_over_is_not_counted(store):
    session = SessionKey("n1", "s")
    for entry in (opening(a_session(session, now())), stream(session, "m1"), call(session, "c1")):
        await store.ledger.write(entry)
    await store.ledger.write(closing(session, now() + 1))
    assert await store.live.count() == Live()


async def test_what_is_to_be_ended_is_counted_until_it_is(store):
    session = a_session(ONE, now())
    await store.ledger.write(opening(session))
    await store.ledger.write(stream(ONE, "m1"))
    await store.sessions.order_end([session], "by hand", now())
    await store.streams.order_end(await store.streams.list(), "by hand", now())
    found = await store.live.count()
    assert (found.sessions_to_end, found.streams_to_end) == (1, 1)
    await store.ledger.write(closing(ONE, now() + 1))
    found = await store.live.count()
    assert (found.sessions_to_end, found.streams_to_end) == (0, 0)
