"""A changed configuration is taken over by real servers, while hooks are sent: in every worker, or in none."""

import asyncio
import hashlib
import hmac
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import jwt
import pytest

from authgate.config import load
from authgate.errors import ConfigError
from authgate.server import presence
from tests.server.running import marked, running, told, until

START = marked("start")


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def workers(request):
    return request.param


@pytest.fixture(scope="module")
def shared(tmp_path_factory, workers):
    with running(tmp_path_factory.mktemp("reload") / "authgate", START, workers) as started:
        yield started


@pytest.fixture
def server(shared):
    """A server that answers by START, whatever another test has done to it."""
    assert not shared.take_over(START).faults
    return shared


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A server of two workers for those tests that do harm."""
    with running(tmp_path_factory.mktemp("pair") / "authgate", START, 2) as started:
        yield started


# -- taken over


class Load:
    """Clients that send ``publishStream`` without a pause, each over one connection that stays open."""

    def __init__(self, url, clients=6):
        self.port = int(url.rpartition(":")[2])
        self.answers = []  # (sent at, status, answer), the times being of one clock
        self.failed = []
        self._clients = clients
        self._stop = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        self.go_on()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def go_on(self):
        """Wait until some more are answered."""
        seen = len(self.answers)
        until(lambda: len(self.answers) > seen + 30)

    async def _run(self):
        await asyncio.gather(*(self._client(n) for n in range(self._clients)))

    async def _client(self, number):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        count = 0
        while not self._stop.is_set():
            count += 1
            name = f"bad-{count}" if count % 3 == 0 else f"good-{count}"
            body = json.dumps({"nodeId": "n", "appKey": "a", "sessionId": f"{number}", "name": name}).encode()
            sent = time.monotonic()
            head = f"POST /hooks/publishStream HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            try:
                writer.write(head.encode() + body)
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                answer = json.loads(await reader.readexactly(int(length.split(b":")[1])))
            except (OSError, EOFError, TimeoutError) as error:
                self.failed.append(error)
                return
            self.answers.append((sent, int(head.split()[1]), answer, name))
        writer.close()


def mark_of(status, answer, name):
    """The one mark of an answer: of a mixture there is none."""
    if name.startswith("bad"):
        assert status == 403
        return answer["reason"]
    assert (status, answer["name"]) == (200, answer["mark"])
    return answer["mark"]


def test_under_load_no_hook_is_lost_and_none_answered_by_a_mixture(server, workers):
    taken = []
    with Load(server.url) as load:
        for mark in ("one", "two", "three", "four"):
            outcome = server.take_over(marked(mark))
            assert (outcome.faults, outcome.workers) == ((), workers)
            taken.append((time.monotonic(), mark))
            load.go_on()
    assert not load.failed
    marks = [(sent, mark_of(status, answer, name)) for sent, status, answer, name in load.answers]
    assert {mark for _, mark in marks} == {"start", "one", "two", "three", "four"}
    # What is sent once it is said to be taken over is answered by nothing older.
    order = ["start", "one", "two", "three", "four"]
    for at, mark in taken:
        assert {m for sent, m in marks if sent > at} <= set(order[order.index(mark) :])
    assert server.marks() == {"four"}


def test_every_worker_tells_the_same_generation(server, workers):
    before = server.status()["generation"]
    outcome = server.take_over(marked("next"))
    seen = []
    for pid in server.workers():
        with server.alone(pid):
            seen.append(server.status())
    assert [(each["generation"], each["revision"]) for each in seen] == [(before + 1, outcome.revision)] * workers
    assert outcome.generation == before + 1


def test_verifier_key_rotated(server):
    old = server.server.token()
    new_key = "n" * 32
    good = jwt.encode({"sub": "ann", "exp": int(time.time()) + 60}, new_key, "HS256")
    assert server.send("connect", custom={"token": good})[0] == 403
    text = server.config.read_text()
    own = next(line for line in text.splitlines() if line.startswith("key = "))
    server.config.write_text(text.replace(own, f'key = "{new_key}"'))
    assert not presence.ask(server.spool, server.config, 20).faults
    for pid in server.workers():
        with server.alone(pid):
            assert server.send("connect", custom={"token": good})[0] == 200
            assert server.send("connect", custom={"token": old})[0] == 403


def test_key_of_the_caller_rotated(server):
    def signed(key):
        body = json.dumps({"nodeId": "n", "appKey": "a", "sessionId": "s", "name": "x"}).encode()
        mac = hmac.new(key.encode(), body, hashlib.md5).hexdigest()
        headers = {"Authorization": f"WCS {mac}"}
        url = f"{server.url}/hooks/publishStream"
        return httpx.post(url, content=body, headers=headers, trust_env=False).status_code

    keys = ["first-key-of-the-media-server", "second-key-of-the-media-server"]
    for now, other in (keys, keys[::-1]):
        server.take_over(f'{START}\n[caller]\nhmac_keys = ["{now}"]')
        for pid in server.workers():
            with server.alone(pid):
                assert (signed(now), signed(other)) == (200, 403)


class Slow(BaseHTTPRequestHandler):
    """Another back end, which allows everything after a while."""

    asked = threading.Semaphore(0)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.release()
        time.sleep(0.7)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def test_a_hook_on_its_way_is_answered_by_what_it_began_with(server):
    """Also when the back end that is being asked about it is no target any more."""
    backend = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=backend.serve_forever).start()
    url = f"http://127.0.0.1:{backend.server_port}"
    server.take_over(f"""
[targets.slow]
url = "{url}"
timeout = 1.5
[[rules]]
name = "asked"
methods = ["publishStream"]
policy = {{ type = "forward", target = "slow" }}
""")
    with ThreadPoolExecutor(1) as pool:
        on_its_way = pool.submit(server.send, "publishStream", name="x")
        assert Slow.asked.acquire(timeout=10)
        assert not server.take_over('[policies]\nmethods = { publishStream = "deny" }').faults
        assert server.send("publishStream", name="x")[0] == 403
        assert not on_its_way.done()
        assert on_its_way.result()[0] == 200
    backend.shutdown()
    backend.server_close()


def test_a_configuration_behind_a_link_that_is_turned_elsewhere(tmp_path, server):
    """So a cluster hands out a changed one: the file that was read at the start is gone."""
    data = server.config.parent / "data"
    for mark in ("link one", "link two"):
        server.write(marked(mark))
        place = server.config.parent / mark.replace(" ", "-")
        place.mkdir()
        server.config.rename(place / "authgate.toml")
        fresh = server.config.parent / "fresh-link"
        fresh.symlink_to(place)
        fresh.replace(data)
        server.config.symlink_to(data / "authgate.toml")
        assert not presence.ask(server.spool, server.config, 20).faults
        assert server.marks() == {mark}
        server.config.unlink()
        (place / "authgate.toml").unlink()


# -- refused


def test_a_faulty_one_is_refused_with_every_fault(server):
    before = server.status()
    wrong = marked("wrong") + '[policies]\ncal = "deny"\n[apps.a.policies]\ncall = "perhaps"\n[caller]\nhmac_keys = 7'
    outcome = server.take_over(wrong)
    with pytest.raises(ConfigError) as expected:
        load(server.config, {})
    assert outcome.faults == expected.value.faults
    assert len(outcome.faults) >= 3
    assert (outcome.generation, outcome.revision) == (before["generation"], before["revision"])
    assert server.marks() == {"start"}
    assert server.status() == before
    until(lambda: {f"configuration refused: {fault}" for fault in outcome.faults} <= set(told(server.log)))


def test_the_command_says_every_fault_and_asks_nobody(server):
    server.write(marked("wrong") + '[policies]\ncal = "deny"\n[caller]\nhmac_keys = 7')
    before = (server.spool / "serve.status").read_text()
    done = server.command()
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(":")[1].strip() for line in done.stderr.splitlines()] == ["caller.hmac_keys", "policies.cal"]
    assert (server.spool / "serve.status").read_text() == before


def test_what_needs_a_restart_is_refused_as_a_whole(server):
    server.write(marked("late") + "[hashing]\nqueue = 3\n[log]\nlevel = 'warning'\n")
    done = server.command()
    assert (done.returncode, done.stdout) == (1, "")
    revision = server.status()["revision"]
    back = "cannot be changed while running; restart the server, or put it back to"
    assert done.stderr.splitlines() == [
        f"error: hashing.queue: {back} 0",
        f'error: log.level: {back} "info"',
        f"error: the server goes on with configuration {revision}",
    ]
    assert server.marks() == {"start"}


def test_the_command_says_what_was_taken_over(server, workers):
    generation = server.status()["generation"]
    server.send("connect", sessionId="older", custom={"token": server.server.token()})
    server.write(marked("done") + '[policies]\nincoming = "allow"\n')
    done = server.command()
    assert done.returncode == 0
    first, *rest = done.stdout.splitlines()
    count = "1 worker" if workers == 1 else f"{workers} workers"
    assert first == f"took over configuration {server.status()['revision']}, generation {generation + 1}, in {count}"
    assert rest[0].startswith("live sessions that were opened under older rules: ")
    assert "policies.incoming" not in done.stdout
    as_json = json.loads(server.command("--json").stdout)
    assert as_json["generation"] == generation + 2
    assert (as_json["workers"], as_json["older_sessions"] >= 1) == (workers, True)
    assert as_json["revision"] == server.status()["revision"]


# -- signals, too many of them and at the wrong time


def descriptors(server):
    """How many files each process of the server has open, but for the store's, whose connections are a bounded pool."""
    folders = [Path(f"/proc/{pid}/fd") for pid in sorted({server.pid, *server.workers()})]
    files = [[str(each.readlink()) for each in folder.iterdir() if each.is_symlink()] for folder in folders]
    return [sum("authgate.db" not in each for each in every) for every in files]


def test_a_storm_of_hangups(server):
    more = '[targets.t]\nurl = "http://127.0.0.1:9"\nobserve = ["call"]\n'
    server.take_over(marked("calm", more))
    until(lambda: "calm" in server.marks())
    time.sleep(2.5)  # what was in force before the last two is let go of
    before = descriptors(server)
    server.write(marked("storm", more))
    with Load(server.url) as load:
        for _ in range(20):
            os.kill(server.pid, signal.SIGHUP)
            os.killpg(server.pid, signal.SIGHUP)  # as a terminal does; it is for the main process alone
            time.sleep(0.02)
        assert not presence.ask(server.spool, server.config, 20).faults
        load.go_on()
    assert not load.failed
    assert {mark_of(status, answer, name) for _, status, answer, name in load.answers} == {"calm", "storm"}
    assert server.marks() == {"storm"}
    # Clients of before are gone, and so is what twenty generations held.
    until(lambda: max(a - b for a, b in zip(descriptors(server), before, strict=True)) <= 1)


def test_a_file_that_changes_between_two_hangups(server):
    """The second is not answered by what the first has read."""
    for count in range(5):
        server.write(marked(f"early {count}"))
        os.kill(server.pid, signal.SIGHUP)
        outcome = server.take_over(marked(f"late {count}"))
        assert not outcome.faults
        assert server.send("publishStream", name="x")[1]["name"] == f"late {count}"
    assert server.marks() == {"late 4"}


# -- workers that are killed or hang


def test_a_killed_worker_comes_back_with_what_is_in_force(pair):
    """Neither with what the file says by now, nor with what the server was started with."""
    assert not pair.take_over(marked("in force")).faults
    in_force = pair.status()
    for on_disk in ("[[[", marked("never taken over"), None):
        if on_disk is None:
            pair.config.unlink()
        else:
            pair.write(on_disk)
        first, second = pair.workers()
        os.kill(first, signal.SIGKILL)
        until(lambda gone=first: gone not in pair.workers() and len(pair.workers()) == 2)
        (fresh,) = set(pair.workers()) - {second}
        with pair.alone(fresh):
            assert pair.status() == in_force
            assert pair.send("publishStream", name="x")[1]["name"] == "in force"
    assert not pair.take_over(marked("again")).faults
    assert pair.marks() == {"again"}


def test_a_worker_that_hangs_keeps_all_at_the_old(pair):
    pair.take_over(marked("before"))
    hung, lively = pair.workers()
    os.kill(hung, signal.SIGSTOP)
    try:
        began = time.monotonic()
        outcome = pair.take_over(marked("after"))
        assert outcome.faults == ("a worker was not ready within 5 seconds",)
        assert time.monotonic() - began < 8
        assert pair.send("publishStream", name="x")[1]["name"] == "before"
    finally:
        os.kill(hung, signal.SIGCONT)
    until(lambda: pair.marks() == {"before"})
    assert set(pair.workers()) == {hung, lively}
    assert not pair.take_over(marked("after")).faults
    assert pair.marks() == {"after"}
