"""``authgate record stream``."""

import json

import pytest

from authgate.model import Entry
from tests.cli.conftest import KEY
from tests.store.samples import a_record

assert KEY
NAME = "authgate:records"


@pytest.fixture
def configured(path):
    path.write_text(f'{path.read_text()}\n[records.stream]\nurl = "redis://ann:c4nary@127.0.0.1:9/0"\n')


def shown(authgate):
    return json.loads(authgate("record", "stream", "--json").stdout)


async def _written(store):
    for _ in range(5):
        await store.ledger.write(Entry(a_record()))


def test_one_that_there_is_not(authgate, on_store):
    on_store(_written)
    assert shown(authgate) == {
        "state": "not configured",
        "key": NAME,
        "url": None,
        "at": 0,
        "newest": 5,
        "waiting": 5,
        "sent_at": None,
        "error": "",
        "since": None,
    }


def test_how_far_it_has_come(authgate, configured, on_store):
    assert (shown(authgate)["state"], shown(authgate)["waiting"]) == ("not begun", 0)

    async def begun(store):
        await _written(store)
        await store.record_streams.begin(NAME)
        await store.record_streams.sent(NAME, 3, 1_700_000_000_000)

    on_store(begun)
    found = shown(authgate)
    assert (found["state"], found["at"], found["newest"], found["waiting"]) == ("good", 3, 5, 2)
    assert found["sent_at"] == "2023-11-14T22:13:20.000Z"
    assert found["url"] == "redis://ann:***@127.0.0.1:9/0"


def test_what_keeps_it(authgate, configured, on_store):
    async def failed(store):
        await _written(store)
        await store.record_streams.begin(NAME)
        await store.record_streams.failed(NAME, "is full \x1b[2J", 1_700_000_000_000, None)

    on_store(failed)
    found = shown(authgate)
    told = ("failing", "is full \x1b[2J", "2023-11-14T22:13:20.000Z")
    assert (found["state"], found["error"], found["since"]) == told
    text = authgate("record", "stream").stdout
    assert "is full \\x1b[2J" in text
    assert "c4nary" not in text


def test_a_configuration_that_is_wrong(authgate, path):
    path.write_text(f'{path.read_text()}\n[records.stream]\nurl = "redis://:c4nary@@h"\n')
    result = authgate("record", "stream", status=2)
    assert "records.stream.url: must be redis://" in result.stderr
    assert "c4nary" not in result.output
    assert "records.stream.url: must be redis://" in authgate("config", "check", status=2).stderr
    shown = authgate("config", "show", status=2)
    assert "c4nary" not in shown.output


def test_the_configuration_shows_it_without_its_password(authgate, configured):
    text = authgate("config", "show").stdout
    assert "redis://ann:***@127.0.0.1:9/0" in text
    assert "c4nary" not in text
    assert "c4nary" not in authgate("config", "check").output
