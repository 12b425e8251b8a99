"""Every hook is answered within the deadline, on purpose, though the database hangs, is away or loses an answer."""

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import httpx
import pytest

from tests import process
from tests.trouble import COMMIT, Line, awaited, held, kept

DEADLINE = 1.5  # seconds
SLACK = 1.0  # seconds that a loaded machine may add to it
PASSWORD = "correct-horse-of-the-test"
UNAVAILABLE = b'{"status":503,"reason":"Try again later"}'


class Bench:
    """A server, the line to its database where it has one, and sessions that are open."""

    def __init__(self, server, store_url, line):
        self.server, self.store_url, self.line = server, store_url, line
        self.http = httpx.Client(base_url=server.url, timeout=30, trust_env=False)
        self.token = server.token()

    def post(self, method, session, **fields):
        """The answer, which comes within the deadline."""
        body = json.dumps({"nodeId": "n", "appKey": "defaultApp", "sessionId": session, **fields}).encode()
        started = time.monotonic()
        answer = self.http.post(f"/hooks/{method}", content=body)
        assert time.monotonic() - started < DEADLINE + SLACK, method
        assert answer.status_code != 200 or method == "connect" or answer.content == body
        return answer

    def connect(self, session):
        return self.post("connect", session, custom={"token": self.token})

    def opened(self):
        session = secrets.token_hex(8)
        awaited(lambda: self.connect(session).status_code == 200)
        return session

    def close(self):
        self.http.close()

    def closed(self, session):
        return self.post("ConnectionStatusEvent", session, status="DISCONNECTED")

    def sessions(self):
        return {each.key.session for each in kept(self.store_url)[1]}

    def records(self, *sessions):
        return [each for each in kept(self.store_url)[0] if each.key.session in sessions]


@pytest.fixture(scope="module")
def running():
    """A server for each backend, started when it is first asked for."""
    with ExitStack() as stack:
        benches = {}
        yield stack, benches
        for each in benches.values():  # all of them at once; each is waited for as the stack unwinds
            each.server.process.terminate()


@pytest.fixture
def bench(backend, databases, running, tmp_path_factory):
    stack, benches = running
    if backend not in benches:
        store_url, line = databases.make(), None
        if backend != "sqlite":
            line = Line(store_url)
            stack.callback(line.close)
        config = process.prepare(
            tmp_path_factory.mktemp(backend), store_url=line.url if line else store_url, ann=PASSWORD
        )
        text = config.read_text().replace("[store]", "[store]\ntimeout = 0.7\nretry_after = 0.1")
        config.write_text(text.replace("[server]", f"[server]\ndeadline = {DEADLINE}"))
        server = stack.enter_context(process.serve(config))
        benches[backend] = Bench(server, store_url, line)
        stack.callback(benches[backend].close)
    return benches[backend]


@contextmanager
def locked(bench):
    with held(bench.store_url):
        yield


@contextmanager
def gone(bench):
    bench.line.stop()
    try:
        yield
    finally:
        bench.line.start()


@contextmanager
def silent(bench):
    bench.line.freeze()
    try:
        yield
    finally:
        bench.line.thaw()


@contextmanager
def silent_behind(bench, what):
    bench.line.freeze_behind(what)
    try:
        yield
    finally:
        bench.line.freeze_behind(None)
        bench.line.thaw()


TROUBLES = {
    "locked": (locked, ("sqlite", "postgresql", "mariadb")),
    "gone": (gone, ("postgresql", "mariadb")),
    "silent": (silent, ("postgresql", "mariadb")),
}
CASES = {
    f"{name}-{backend}": (trouble, backend) for name, (trouble, backends) in TROUBLES.items() for backend in backends
}


@pytest.mark.parametrize(("trouble", "backend"), CASES.values(), ids=CASES, indirect=["backend"])
def test_a_database_that_does_not_answer(bench, trouble):
    going_on, ended = bench.opened(), bench.opened()
    fresh = [secrets.token_hex(8) for _ in range(8)]
    with trouble(bench):
        # Some find out that it does not answer, the others are told so at once.
        for _ in range(2):
            with ThreadPoolExecutor(24) as pool:
                refusable = [pool.submit(bench.connect, session) for session in fresh]
                refusable += [pool.submit(bench.post, "playStream", going_on) for _ in range(8)]
                events = [pool.submit(bench.post, "StreamStatusEvent", session, status="NEW") for session in fresh]
            assert {(done.result().status_code, done.result().content) for done in refusable} == {(503, UNAVAILABLE)}
            assert {done.result().status_code for done in events} == {200}
        assert bench.closed(ended).status_code == 200
        assert bench.http.get("/healthz").status_code == 200
    awaited(lambda: bench.post("playStream", going_on).status_code == 200)
    awaited(lambda: bench.post("playStream", ended).status_code == 403)
    awaited(lambda: len(bench.records(*fresh)) == 4 * len(fresh))
    assert bench.sessions() & {going_on, ended, *fresh} == {going_on}
    told = bench.records(*fresh)
    assert all(each.allowed == (each.method == "StreamStatusEvent") for each in told)
    assert sorted(each.key.session for each in told if each.allowed) == sorted(fresh * 2)
    assert {each.reason for each in told if not each.allowed} <= {"store_unavailable", "deadline"}
    counted = bench.http.get("/healthz").json()["counted"]
    assert counted["verdicts_degraded_store_unavailable"] > 0


@pytest.mark.parametrize("backend", COMMIT, indirect=True)
def test_a_commit_whose_answer_is_lost_leaves_no_live_session(bench, backend):
    session, before = secrets.token_hex(8), bench.opened()
    with silent_behind(bench, COMMIT[backend]):
        assert bench.connect(session).content == UNAVAILABLE
    awaited(lambda: bench.post("playStream", before).status_code == 200)
    awaited(lambda: [each.allowed for each in bench.records(session)].count(False) == 1)
    assert bench.sessions() & {session, before} == {before}
    assert bench.post("playStream", session).status_code == 403
    assert bench.connect(session).status_code == 200  # once more, as the media server does
    assert bench.post("playStream", session).status_code == 200


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_full_queue_of_passwords_lets_nobody_in(store_url, tmp_path):
    # The guesses of this test are fewer than any limit, and none of them is too soon: it is the queue that refuses.
    full = "[hashing]\nworkers = 1\nqueue = 2\n[guessing]\nper_user = 100\ndelay = 0"
    config = process.prepare(tmp_path / "authgate", full, store_url=store_url, ann=PASSWORD)
    config.write_text(config.read_text().replace("[server]", f"[server]\ndeadline = {DEADLINE}"))
    with process.serve(config) as server, closing(Bench(server, store_url, None)) as bench:

        def log_in(session):
            password = PASSWORD if session.startswith("right") else f"wrong-horse-of-{session}"
            return session, bench.post("connect", session, custom={"login": "ann", "password": password}).status_code

        with ThreadPoolExecutor(32) as pool:
            names = [f"{how}-{n}" for n in range(16) for how in ("right", "wrong")]
            statuses = dict(pool.map(log_in, names))
        right = {statuses[name] for name in names if name.startswith("right")}
        wrong = {statuses[name] for name in names if name.startswith("wrong")}
        assert 503 in right | wrong
        assert right <= {200, 503}
        assert wrong <= {403, 503}
        assert bench.sessions() == {name for name in names if statuses[name] == 200}
        told = bench.records(*(name for name in names if statuses[name] == 503))
        assert {each.reason for each in told} <= {"overloaded", "deadline"}
        assert log_in("right-again") == ("right-again", 200)
