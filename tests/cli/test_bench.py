"""``authgate bench``: with nothing left behind."""

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.process import environment, prepare, run, serve

SHORT = ("bench", "--seconds", "0.2", "--users", "40", "--connections", "4")
HEARD = """
[[webhooks]]
name = "billing"
url = "https://billing.example.com/events"
secrets = ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
"""


def test_each_kind_is_measured_and_nothing_is_left(authgate, path):
    authgate("user", "add", "ann", "--password-stdin", stdin="correct horse\n")
    before = sorted(path.parent.iterdir()), authgate("user", "list", "--json").stdout
    found = json.loads(authgate(*SHORT, "--json").stdout)
    kinds = ["the bare framework", "connect, by token", "playStream", "StreamStatusEvent", "a hook of tomorrow"]
    assert [each["what"] for each in found["figures"]] == [*kinds, "connect, by password"]
    assert not any(each["refused"] or each["failed"] for each in found["figures"])
    assert len(found["memory"]) == 1
    assert 1 <= found["figures"][1]["hooks"] <= 40
    assert (sorted(path.parent.iterdir()), authgate("user", "list", "--json").stdout) == before
    assert "defaultApp" not in authgate("record", "list").stdout


def test_nothing_is_left_by_one_that_is_killed(tmp_path):
    config = prepare(tmp_path)
    before = sorted(tmp_path.iterdir())
    command = [sys.executable, "-m", "authgate", "--config", str(config), *SHORT, "--seconds", "60", "--no-logins"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment()) as process:
        assert process.stderr is not None
        assert b"a store of its own" in process.stderr.readline()
        process.stderr.readline()
        process.kill()
        process.stderr.read()
    assert process.returncode == -signal.SIGKILL
    give_up = time.monotonic() + 30
    while sorted(tmp_path.iterdir()) != before and time.monotonic() < give_up:
        time.sleep(0.05)
    assert sorted(tmp_path.iterdir()) == before


def test_a_server_that_runs_keeps_nothing_but_records(tmp_path):
    config = prepare(tmp_path, ann="correct horse")
    with serve(config) as server:
        found = json.loads(run("--config", str(config), "bench", "--url", server.url, "--seconds", "0.4", "--json"))
        assert [each["what"] for each in found["figures"]] == ["connect, by token", "DISCONNECTED"]
        assert sum(each["hooks"] for each in found["figures"]) == 20
        assert not any(each["refused"] or each["failed"] for each in found["figures"])
        assert found["user"] not in server.run("user", "list") + server.run("session", "list")
        assert found["user"] in server.run("record", "list", "--node", found["node"])


REFUSED = {
    "others hear of it": (HEARD, "http://127.0.0.1:1", "billing"),
    "an address with a path": ("", "http://127.0.0.1:1/hooks", "without a path"),
    "no address": ("", "somewhere", "without a path"),
    "a port that is none": ("", "http://127.0.0.1:x", "without a path"),
}


@pytest.mark.parametrize(("more", "url", "why"), REFUSED.values(), ids=REFUSED)
def test_url_is_refused(authgate, path, more, url, why):
    path.write_text(path.read_text() + more)
    assert why in authgate("bench", "--url", url, "--seconds", "0.1", status=1).stderr
    assert not authgate("user", "list", "--json").stdout.strip()


def test_no_token_can_be_made(authgate, path):
    path.write_text(path.read_text().replace('type = "token"\nkey = "' + "k" * 32 + '"', 'type = "issued"', 1))
    text = path.read_text()
    path.write_text(text.replace('[[verifiers]]\ntype = "issued"\n', ""))
    assert "no token can be made" in authgate("bench", "--url", "http://127.0.0.1:1", status=1).stderr


def test_rate_goes_with_url(authgate):
    assert "--url" in authgate("bench", "--rate", "5", status=2).stderr


def test_help_needs_nothing_of_it():
    code = "import sys; from authgate.cli import cli; cli(['bench', '--help'], standalone_mode=False); "
    code += "assert not [name for name in sys.modules if name.startswith(('authgate.bench', 'authgate.server'))]"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=environment())
