"""Records and session changes: in one commit, once, in order."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from authgate.model import Entry, MediaKey, Open, Over, Reason, Session, SessionKey, StreamNews
from authgate.store import Store
from authgate.store.ledger import newest
from authgate.store.trouble import Unstorable

from .samples import KEY, a_record, a_session, closing, opening, visits

AT_1, AT_2 = a_session(opened_at=1000), a_session(opened_at=2000, user="bob")
TWIN = a_session(opened_at=1000, user="eve")
OTHER = SessionKey("node-2", "s")
SENT = a_session(opened_at=1000, hook="digest")
REJECTED = [opening(AT_1), closing(at=1500, why=Over.REJECTED), closing(at=1501)]
TOLD_OF_IT = [closing(at=2500, why=Over.FAILED), closing(at=2600)]

OPENED = {
    "nothing": ([], {}),
    "open": ([opening(AT_1)], {KEY: AT_1}),
    "close": ([closing(at=5)], {}),
    "open twice": ([opening(AT_1), opening(AT_2)], {KEY: AT_2}),
    "open twice, the older late": ([opening(AT_2), opening(AT_1)], {KEY: AT_2}),
    "open twice in a millisecond": ([opening(AT_1), opening(TWIN)], {KEY: TWIN}),
    "two keys": ([opening(AT_1), opening(a_session(OTHER))], {KEY: AT_1, OTHER: a_session(OTHER)}),
    "a record alone": ([Entry(a_record())], {}),
}


@pytest.mark.parametrize(("entries", "opened"), OPENED.values(), ids=OPENED)
def test_what_is_opened(entries, opened):
    assert newest(entries) == opened


# What is written one after the other under one key, and who has the session then.
LIVES = {
    "open": ([opening(AT_1)], "ann"),
    "closed later": ([opening(AT_1), closing(at=1001)], None),
    "closed in the same millisecond": ([opening(AT_1), closing(at=1000)], None),
    "closed by an event from before it": ([opening(AT_1), closing(at=999)], "ann"),
    "replaced": ([opening(AT_1), opening(AT_2)], "bob"),
    "replaced in the same millisecond": ([opening(AT_1), opening(TWIN)], "eve"),
    "an older connect that took longer": ([opening(AT_2), opening(AT_1)], "bob"),
    "an older connect that took longer, then closed": ([opening(AT_2), opening(AT_1), closing(at=2000)], None),
    "closed, then opened": ([opening(AT_1), closing(at=1500), opening(AT_2)], "bob"),
    "a late close of the first": ([opening(AT_1), opening(AT_2), closing(at=1500)], "bob"),
    "closed without having been opened": ([closing(at=5)], None),
    "closed twice": ([opening(AT_1), closing(at=1500), closing(at=1500)], None),
    "used again, and the first one told to be over late": ([opening(AT_1), opening(AT_2), closing(at=2500)], "bob"),
    "used again, and both told": ([opening(AT_1), opening(AT_2), closing(at=2500), closing(at=2600)], None),
    "used again, and the first one never told": ([opening(AT_1), opening(AT_2), closing(at=62_000)], None),
    "sent again, then told": ([opening(SENT), opening(replace(SENT, opened_at=1300)), closing(at=2500)], None),
    "told before it is opened": ([closing(at=1500), opening(AT_1)], None),
    "told, used again, told again": ([opening(AT_1), closing(at=1500), opening(AT_2), closing(at=2500)], None),
    "rejected": ([opening(AT_1), closing(at=1500, why=Over.REJECTED)], None),
    "rejected before it": ([opening(AT_1), closing(at=500, why=Over.REJECTED)], "ann"),
    "rejected, then used again": ([closing(at=500, why=Over.REJECTED), opening(AT_1)], "ann"),
    "rejected, used again, then the rejected one told": ([*REJECTED, opening(AT_2), *TOLD_OF_IT], "bob"),
    "rejected, used again, then both told": ([*REJECTED, opening(AT_2), *TOLD_OF_IT, closing(at=2700)], None),
    "failed": ([opening(AT_1), closing(at=1500, why=Over.FAILED)], None),
    "failed, then told": ([opening(AT_1), closing(at=1500, why=Over.FAILED), closing(at=1501)], None),
}


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one commit"])
@pytest.mark.parametrize(("entries", "user"), LIVES.values(), ids=LIVES)
async def test_the_life_of_a_session(store: Store, entries, user, together: bool):
    if together:
        await asyncio.gather(*map(store.ledger.write, entries))
    else:
        for entry in entries:
            await store.ledger.write(entry)
    found = await store.sessions.find(KEY)
    assert (found and found.client.user) == user
    assert len(await store.records.list()) == len(entries)


UNKNOWN = Reason.SESSION_UNKNOWN
AGAIN = opening(replace(SENT, opened_at=1300))
# What is written one after the other under one key, and what each is answered with.
ANSWERS = {
    "opened": ([opening(AT_1)], [None]),
    "its connection is over before it is opened": ([closing(at=1500), opening(AT_1)], [None, UNKNOWN]),
    "it has failed before it is opened": ([closing(at=1500, why=Over.FAILED), opening(AT_1)], [None, UNKNOWN]),
    "over, and opened again": ([opening(AT_1), closing(at=1500), opening(AT_2)], [None, None, None]),
    "over while the next one is judged": ([opening(AT_1), closing(at=2500), opening(AT_2)], [None, None, UNKNOWN]),
    "another has come since": ([opening(AT_2), opening(AT_1)], [None, UNKNOWN]),
    "another has been rejected since": ([closing(at=1500, why=Over.REJECTED), opening(AT_1)], [None, UNKNOWN]),
    "sent again": ([opening(SENT), AGAIN], [None, None]),
    "sent again, and the first one took longer": ([AGAIN, opening(SENT)], [None, None]),
    "sent again when it is over": ([opening(SENT), closing(at=1500), AGAIN], [None, None, UNKNOWN]),
}


@pytest.mark.parametrize(("entries", "answers"), ANSWERS.values(), ids=ANSWERS)
async def test_whoever_is_not_opened_is_not_let_in(store: Store, entries, answers):
    """Its session would be nobody's: no limit counted it, and it would be taken for the one before under its key."""
    assert [await store.ledger.write(entry) for entry in entries] == answers
    kept = {record.id: record.reason for record in await store.records.list()}
    assert [kept[entry.record.id] for entry in entries] == [answer or Reason.OK for answer in answers]


async def test_a_connect_that_is_sent_again_changes_nothing_of_its_session(store: Store):
    """It may come late: what was published meanwhile goes on, and what was ordered stays ordered."""
    await store.ledger.write(opening(SENT))
    media = MediaKey(*KEY, "m")
    news = StreamNews(media, "defaultApp", 1100, "cam", True, "PUBLISHING")
    await store.ledger.write(Entry(a_record(at=1100, method="StreamStatusEvent"), news=news))
    await store.sessions.order_end([SENT], "banned", 1200)
    before = await store.sessions.list()
    await store.ledger.write(opening(replace(SENT, opened_at=40_000)))
    assert await store.sessions.list() == before
    assert before[0].ending is not None
    assert [each.key for each in await store.streams.list()] == [media]


async def test_the_same_connect_much_later_is_another_client(store: Store):
    await store.ledger.write(opening(SENT))
    await store.sessions.order_end([SENT], "banned", 1200)
    later = replace(SENT, opened_at=70_000)
    assert await store.ledger.write(opening(later)) is None
    assert [(each.opened_at, each.ending) for each in await store.sessions.list()] == [(70_000, None)]


async def test_a_close_ends_a_session_that_is_opened_late_in_the_same_commit(store: Store):
    await asyncio.gather(*map(store.ledger.write, [closing(at=20), opening(a_session(opened_at=10))]))
    assert await store.sessions.find(KEY) is None


async def test_an_older_connect_changes_nothing_of_a_newer_one(store: Store):
    """Row by row in one statement too: what MariaDB has set already must not decide about the rest."""
    newer = a_session(
        user="bob",
        opened_at=2000,
        grants=("play:*",),
        expires_at=9,
        token_id="j",
        stored_user=True,
        verifier="t",
        groups=frozenset({"staff"}),
        claims={"room": "red"},
    )
    newer = replace(newer, origin="https://app.example.com", config="new")
    other, late = a_session(OTHER), Session(KEY, "late", 1999, origin="https://late.example", config="old")
    await store.ledger.write(opening(newer))
    await asyncio.gather(*map(store.ledger.write, [opening(late), opening(other)]))
    assert await store.sessions.list() == [replace(newer, user_enabled=False), other]


async def test_a_record_comes_back_as_given(store: Store):
    given = a_record(user=None, allowed=False, reason=Reason.TOKEN_EXPIRED, status="NEW", subject="ж😀 x ")
    await store.ledger.write(Entry(given))
    assert await store.records.list() == [given]


FACTS = {
    "none": ("", ""),
    "some": ('{"fields":{"name":"cam-1"},"own":true}', None),
    "not only ASCII": ('{"fields":{"name":"ж😀"}}', None),
    "as many as there is room for": ("x" * 16_000, None),
    "too many": ("x" * 16_001, ""),
    "NUL": ("a\0b", ""),
    "a lone surrogate": ("\ud800", ""),
}


@pytest.mark.parametrize(("given", "kept"), FACTS.values(), ids=FACTS)
async def test_facts_are_kept_whole_or_not_at_all(store: Store, given: str, kept: str | None):
    record = a_record(facts=given)
    await store.ledger.write(Entry(record))
    assert await store.records.list() == [replace(record, facts=given if kept is None else kept)]
    assert await store.records.find(record.id) == replace(record, facts=given if kept is None else kept)


async def test_a_record_is_made_storable(store: Store):
    nasty = "\0\ud800" + "😀" * 600
    clean = "\ufffd\ufffd" + "😀" * 600
    given = a_record(
        key=SessionKey(nasty, nasty), app_key=nasty, method=nasty, user=nasty, rule=nasty, status=nasty, subject=nasty
    )
    await store.ledger.write(Entry(given))
    [found] = await store.records.list()
    assert found == replace(
        given,
        key=SessionKey(clean[:128], clean[:255]),
        app_key=clean[:190],
        method=clean[:64],
        user=clean[:190],
        rule=clean[:190],
        status=clean[:190],
        subject=clean[:512],
    )


async def test_written_twice_is_there_once(store: Store):
    entry = opening(a_session())
    await store.ledger.write(entry)
    await store.ledger.write(replace(entry, record=replace(entry.record, rule="other")))
    await asyncio.gather(store.ledger.write(entry), store.ledger.write(entry))
    assert await store.records.list() == [entry.record]


async def test_what_waits_together_is_one_transaction(store: Store, backend: str, monkeypatch: pytest.MonkeyPatch):
    await store.watch.close()  # it reads now and then
    checkouts = visits(store, monkeypatch)
    keys = [SessionKey("n", str(n)) for n in range(100)]
    await asyncio.gather(*(store.ledger.write(opening(a_session(key))) for key in keys))
    assert len(checkouts) == 1
    assert len(await store.sessions.list(limit=1000)) == 100
    if backend == "postgresql":  # which notes in each row the transaction that wrote it
        async with store.engine.connect() as connection:
            count = text(
                "SELECT count(DISTINCT xmin::text) FROM (SELECT xmin FROM records UNION SELECT xmin FROM sessions) t"
            )
            assert (await connection.execute(count)).scalar() == 1


async def test_one_poisonous_entry_fails_alone(store: Store):
    entries = [opening(a_session(SessionKey("n", str(n)))) for n in range(20)]
    poison = opening(a_session(SessionKey("n", "poison"), expires_at=2**70))
    entries.insert(7, poison)
    outcomes = await asyncio.gather(*map(store.ledger.write, entries), return_exceptions=True)
    assert isinstance(outcomes.pop(7), Unstorable)
    assert outcomes == [None] * 20
    assert len(await store.sessions.list()) == 20
    assert poison.record.id not in {record.id for record in await store.records.list()}


async def test_a_record_and_its_change_are_committed_together(store: Store):
    entry = opening(a_session(expires_at=2**70))
    with pytest.raises(Unstorable):
        await store.ledger.write(entry)
    assert await store.records.list() == []


async def test_a_cancelled_write_is_written_or_not(store: Store):
    for wait in range(6):
        entry = opening(a_session(SessionKey("n", str(wait))))
        task = asyncio.create_task(store.ledger.write(entry))
        for _ in range(wait):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.ledger.write(Entry(a_record()))  # what was taken before it is done now
        written = entry.record in await store.records.list()
        assert written == (await store.sessions.find(entry.change.session.key) is not None)


async def test_a_pool_is_not_drained_by_cancelled_callers(store: Store):
    for _ in range(20):
        task = asyncio.create_task(store.ledger.write(Entry(a_record())))
        await asyncio.sleep(0.002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await store.ledger.write(Entry(a_record()))
    assert store.engine.pool.checkedout() == 0


async def test_writers_of_two_stores_in_opposite_order(store: Store, store_options):
    other = Store(store_options)
    keys = [SessionKey("n", str(n)) for n in range(50)]

    async def write(to: Store, order):
        for _ in range(5):
            entries = [Entry(a_record(key=key), Open(a_session(key))) for key in order]
            await asyncio.gather(*map(to.ledger.write, entries))
            await asyncio.gather(*(to.ledger.write(closing(key)) for key in order))

    await asyncio.gather(write(store, keys), write(other, keys[::-1]))
    await other.close()
    assert len(await store.records.list(limit=10_000)) == 1000


async def test_what_one_store_opens_another_closes(store: Store, store_options, monkeypatch):
    """At the same time one opens what the other closes."""
    monkeypatch.setattr("authgate.store.batch.worth_a_retry", lambda _error: False)
    other = Store(store_options)
    keys = [SessionKey("n", str(n)) for n in range(50)]

    async def write(to: Store, first: int):
        for _ in range(8):
            entries = [
                Entry(a_record(key=key), Open(a_session(key))) if at % 2 == first else closing(key)
                for at, key in enumerate(keys)
            ]
            await asyncio.gather(*map(to.ledger.write, entries))

    await asyncio.gather(write(store, 0), write(other, 1))
    await other.close()
    assert len(await store.records.list(limit=10_000)) == 800
