"""Reading the audit trail."""

import asyncio
from dataclasses import replace

import pytest

from authgate.model import Entry, Reason, SessionKey
from authgate.store import Store, records
from authgate.store.ids import first_id

from .samples import a_record

T = 1_800_000_000_000  # milliseconds


def at(second: int, **changes):
    record = a_record(at=T + second * 1000, **changes)
    return replace(record, id=first_id(record.at) + record.id[12:])


TRAIL = [
    at(0, user="ann"),
    at(1, user="bob", allowed=False, reason=Reason.PASSWORD_WRONG, method="connect"),
    at(2, user=None, key=SessionKey("node-1", "other")),
    at(3, user="ann", app_key="roomApp"),
    at(4, user="ann", allowed=False, reason=Reason.SESSION_UNKNOWN),
    at(5, user="Ann"),
]

FILTERS = {
    "all, newest first": ({}, [5, 4, 3, 2, 1, 0]),
    "limit": ({"limit": 2}, [5, 4]),
    "user": ({"user": "ann"}, [4, 3, 0]),
    "user with limit": ({"user": "ann", "limit": 2}, [4, 3]),
    "session": ({"session": "other"}, [2]),
    "method": ({"method": "connect"}, [1]),
    "app": ({"app_key": "roomApp"}, [3]),
    "rejected": ({"allowed": False}, [4, 1]),
    "allowed": ({"allowed": True}, [5, 3, 2, 0]),
    "reason": ({"reason": Reason.PASSWORD_WRONG}, [1]),
    "since": ({"since": T + 4000}, [5, 4]),
    "since, between two": ({"since": T + 3001}, [5, 4]),
    "user and reason": ({"user": "ann", "reason": Reason.SESSION_UNKNOWN}, [4]),
    "user and another's reason": ({"user": "ann", "reason": Reason.PASSWORD_WRONG}, []),
    "nothing like it": ({"user": "eve"}, []),
    "none": ({"limit": 0}, []),
}


@pytest.mark.parametrize("step", [20_000, 1, 2, 6], ids="step {}".format)
async def test_list(store: Store, step: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "_STEP", step)
    await asyncio.gather(*(store.ledger.write(Entry(record)) for record in TRAIL))
    for what, (asked, found) in FILTERS.items():
        assert await store.records.list(**asked) == [TRAIL[n] for n in found], what


# What no column can hold is in no record, and no error of a database either.
UNSTORABLE = {"NUL": "ann\0", "lone surrogate": "\udcff", "longer than any": "x" * 10_000, "😀": "😀" * 600}


@pytest.mark.parametrize("by", ["user", "session", "method", "app_key"])
@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
async def test_nothing_is_found_by_what_cannot_be_stored(store: Store, by: str, text: str):
    await store.ledger.write(Entry(at(0)))
    assert await store.records.list(**{by: text}) == []
