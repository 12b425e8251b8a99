"""However authgate ends, what it has answered reaches those who listen: over HTTP, and as webhooks."""

import os
import signal
import threading

import httpx
import pytest

from tests import process
from tests.feed.receiver import SECRET, Receiver
from tests.server.admin.conftest import ADMIN
from tests.server.admin.following import over_http
from tests.server.running import children
from tests.trouble import awaited, kept

WEBHOOK = '[[webhooks]]\nname = "crm"\nurl = "{url}"\nsecrets = ["{secret}"]\n'


@pytest.fixture
def receiver():
    with Receiver() as made:
        yield made


def prepared(folder, receiver):
    config = process.prepare(folder, ADMIN + WEBHOOK.format(url=receiver.url, secret=SECRET), ann="correct horse")
    key = process.run("--config", str(config), "apikey", "add", "ops", "--admin", "events:read").strip()
    return config, key


def hooks(server, count, name):
    """Hooks that were answered, sent until that goes no further."""
    answered = 0
    with httpx.Client(trust_env=False, timeout=process.PATIENCE) as http:
        for number in range(count):
            body = {"nodeId": "n", "appKey": "a", "sessionId": f"{name}{number}", "name": "cam", "status": "PLAYING"}
            try:
                answered += http.post(f"{server.hooks}/StreamStatusEvent", json=body).status_code == 200
            except httpx.TransportError:
                break
    return answered


def recorded(server):
    """What the records say: ids by session."""
    return {record.key.session: record.id for record in kept(server.store_url)[0]}


def test_a_killed_server_leaves_no_event_behind_and_says_none_twice_to_who_comes_back(tmp_path, receiver):
    config, key = prepared(tmp_path / "run", receiver)
    with process.serve(config, "--workers", "2") as server:
        awaited(lambda: _begun(server))
        with over_http(server.admin, key) as one, over_http(server.admin, key) as other:
            assert sum(hooks(server, 1, f"{number}-") for number in range(10)) == 10  # each over a new connection
            one.until(10)
            other.until(10)
            receiver.until(10)
            assert one.ids == other.ids == [message["data"]["id"] for _, message in receiver.taken]
        receiver.slow = 0.02
        sending = threading.Thread(target=hooks, args=(server, 400, "first"))
        with over_http(server.admin, key, "?after=0") as found:
            sending.start()
            receiver.until(30)
            found.until(30)
            for pid in [server.process.pid, *children(server.process.pid)]:
                os.kill(pid, signal.SIGKILL)
            sending.join()
            assert found.ended.wait(process.PATIENCE)
        server.process.wait()
    receiver.slow = 0.0
    with process.serve(config, "--workers", "2") as server:
        assert hooks(server, 50, "second") == 50
        records = recorded(server)
        with over_http(server.admin, key, f"?after={found.ids[-1]}") as later:
            later.until(len(records) - len(found.events))
        awaited(lambda: len({*receiver.ids}) >= len(records))
    told = [each["record"] for each in (*found.events, *later.events)]
    assert sorted(told) == sorted(records.values())
    assert {*receiver.ids} == {f"evt_{id_}" for id_ in records.values()}
    firsts = [*dict.fromkeys(message["data"]["id"] for _, message in receiver.taken)]
    assert firsts == sorted(firsts)  # in order, but for what came once more


def _begun(server):
    """Whether one of the workers has taken up its duty, so that what happens now is to be delivered."""
    return '"state": "good"' in server.run("webhook", "list", "--json")
