"""``authgate record``: which records are meant, and all of them as JSON lines."""

import json
import os
import subprocess
import sys

import pytest
from sqlalchemy import insert

from authgate.model import Reason, Record, SessionKey
from authgate.store.ids import first_id
from authgate.store.record_rows import COLUMNS, dump
from authgate.store.tables import records
from authgate.wanted import EVERYTHING

AT = 1_780_000_000_000  # 2026-05-28T20:26:40Z


def a_record(at, **changes):
    given = {"key": SessionKey("n", "s"), "app_key": "a", "method": "connect", "user": "ann", "allowed": True}
    given |= {"reason": Reason.OK, "rule": "r"} | changes
    return Record(f"{first_id(AT + at)}{at:014x}", AT + at, **given)


GIVEN = [
    a_record(0, subject="ж😀\n", facts='{"fields":{"name":"ж"}}'),
    a_record(1, user="bob", allowed=False, reason=Reason.POLICY_DENIED, rule=""),
    a_record(2, key=SessionKey("m", "s"), method="publishStream", subject="cam", status="NEW"),
    a_record(3, user=None, allowed=False, reason=Reason.BANNED, facts="{"),
]
MEANT = {
    "node": (("--node", "m"), [2]),
    "stream": (("--stream", "cam"), [2]),
    "status": (("--status", "NEW"), [2]),
    "rule": (("--rule", "r"), [0, 2, 3]),
    "no rule": (("--rule", ""), [1]),
    "one of two users": (("--user", "BOB", "--user", "ann"), [0, 1, 2]),
    "one of two reasons": (("--reason", "banned", "--reason", "policy_denied"), [1, 3]),
    "of both kinds both": (("--user", "bob", "--user", "ann", "--rejected"), [1]),
    "until": (("--until", "2026-05-28T20:26:40.002Z"), [0, 1]),
    "since and until": (("--since", "2026-05-28T20:26:40.001Z", "--until", "2026-05-28T20:26:40.003Z"), [1, 2]),
    "nothing": (("--stream", "cam\0"), []),
}


@pytest.fixture
def trail(on_store):
    def fill(given):
        async def write(store):
            async with store.engine.begin() as connection:
                await connection.exec_driver_sql("BEGIN")
                rows = [dict(zip(COLUMNS, dump(each), strict=True)) for each in given]
                await connection.execute(insert(records), rows)

        on_store(write)

    return fill


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(("options", "expected"), MEANT.values(), ids=MEANT)
def test_which_are_meant(authgate, trail, options, expected):
    trail(GIVEN)
    listed = json.loads(authgate("record", "list", "--json", *options).stdout)
    exported = lines(authgate("record", "export", *options).stdout)
    assert [row["id"] for row in exported] == [GIVEN[at].id for at in expected]
    assert [row["id"] for row in listed] == [GIVEN[at].id for at in reversed(expected)]


def test_an_export_has_all_that_is_known(authgate, trail):
    trail(GIVEN)
    first, *_, last = lines(authgate("record", "export").stdout)
    assert first == {
        "id": GIVEN[0].id,
        "seq": 1,
        "at": "2026-05-28T20:26:40.000Z",
        "node": "n",
        "session": "s",
        "app": "a",
        "method": "connect",
        "user": "ann",
        "allowed": True,
        "reason": "ok",
        "rule": "r",
        "status": "",
        "subject": "ж😀\n",
        "facts": {"fields": {"name": "ж"}},
    }
    assert (last["seq"], last["user"], last["facts"]) == (4, None, None)


def test_an_export_of_nothing_is_empty(authgate):
    assert authgate("record", "export").stdout == ""


REFUSED = {
    "no such reason": ("--reason", "bad"),
    "no such time": ("--until", "tomorrow"),
    "no such option": ("--stramm", "x"),
    "too many": tuple(word for at in range(101) for word in ("--node", str(at))),
    "no user's name": ("--user", "\x07"),
}


@pytest.mark.parametrize("verb", ["list", "export"])
@pytest.mark.parametrize("options", REFUSED.values(), ids=REFUSED)
def test_refused(authgate, verb, options):
    status = 1 if options[0] in ("--node", "--user") else 2
    result = authgate("record", verb, *options, status=status)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_whoever_has_seen_enough_of_an_export_ends_it(trail, path):
    """Nothing is said about it, and it does not go on."""
    trail([a_record(at, subject="x" * 500) for at in range(5_000)])
    command = [sys.executable, "-m", "authgate", "record", "export"]
    environ = os.environ | {"AUTHGATE_CONFIG": str(path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ) as process:
        assert json.loads(process.stdout.readline())["seq"] == 1
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_an_export_holds_a_page_at_a_time(trail, on_store):
    trail([a_record(at) for at in range(5_000)])

    async def pages(store):
        return [len(page) async for page in store.records.each(EVERYTHING)]

    found = on_store(pages)
    assert sum(found) == 5_000
    assert max(found) <= 2_000
