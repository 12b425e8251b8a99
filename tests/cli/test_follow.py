"""``authgate record follow``, as a process: what it prints, and how it ends."""

import json
import subprocess
import sys

import pytest

from authgate.model import Reason, SessionKey
from tests import process
from tests.cli.following import following, written
from tests.store.samples import now
from tests.trouble import awaited


@pytest.fixture
def write(store_url):
    """Writes records."""
    return lambda *every: written(store_url, *every)


REFUSED = {"method": "connect", "allowed": False, "reason": Reason.PASSWORD_WRONG, "subject": ""}


def test_what_comes_is_printed_and_ctrl_c_is_a_good_end(path, write):
    write({"subject": "before"})
    with following(path, "--app", "defaultApp") as found:
        awaited(lambda: len(found.lines) == 1)  # the heads
        write({"subject": "cam"}, {"app_key": "other"}, REFUSED | {"key": SessionKey("n", "a\x1b[2Jb")})
        awaited(lambda: len(found.lines) == 3)
        assert found.stop() == (0, "")
    heads, first, second = found.lines
    assert heads.split()[:3] == ["AT", "KIND", "METHOD"]
    assert first.split()[1:7] == ["hook.allowed", "publishStream", "defaultApp", "ann", "allowed", "ok"]
    assert "cam" in first
    assert "session.refused" in second
    assert "\x1b" not in second


def test_from_a_time_or_an_id_on_as_json(path, write):
    hour = 3_600_000
    write(
        {"at": now() - 2 * hour, "id": f"{now() - 2 * hour:012x}" + "0" * 14, "subject": "long ago"},
        {"subject": "one"},
        REFUSED,
        {"subject": "two"},
    )
    with (
        following(path, "--since", "1h", "--json", "--allowed") as since,
        following(path, "--after", "3", "--json") as after,
    ):
        awaited(lambda: len(since.lines) == 2 and len(after.lines) == 1)
        assert since.stop() == (0, "")
        assert after.stop() == (0, "")
    told = [json.loads(line) for line in since.lines]
    assert [each["subject"] for each in told] == ["one", "two"]
    assert [json.loads(line)["id"] for line in after.lines] == [4]
    assert set(told[0]) >= {"id", "kind", "at", "session", "verdict", "stream", "record"}


def test_it_ends_when_nobody_reads_it_any_more(path, write):
    write(*[{"subject": f"s{n}"} for n in range(3)])
    command = f"{sys.executable} -m authgate --config {path} record follow --after 0 --json | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        env=process.environment(),
        timeout=process.PATIENCE,
    )
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")


WRONG = {
    "two places to begin at": (("--since", "1h", "--after", "3"), "--since and --after exclude each other"),
    "a kind there is not": (("--kind", "streams"), "kinds: there is no 'streams'; did you mean 'stream'?"),
    "a reason there is not": (("--reason", "xyz"), "reasons: there is no 'xyz'"),
    "a user that cannot be": (("--user", " "), "users: a user name is not empty"),
    "an id below all": (("--after", "-1"), "Invalid value for '--after'"),
    "no time": (("--since", "yesterday"), "is neither a time"),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant(authgate, arguments, told):
    assert told in authgate("record", "follow", *arguments, status=2).stderr
