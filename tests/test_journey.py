"""A whole life on a real server and a real database: from nothing to a connect, to its end, and what stays of it."""

import json
import secrets
import sqlite3
import subprocess
import sys
from contextlib import ExitStack

import httpx
import pytest
from sqlalchemy import make_url

from authgate.hooks.methods import METHODS, spellings
from authgate.model import Kind
from tests import here, process
from tests.test_recorded import BODIES, method_of
from tests.trouble import Line, awaited, held, kept

PASSWORD = "correct-horse-of-the-test"
REFUSED = b'{"status":403,"reason":"Access denied"}'
RECORDED = list(BODIES)[:9]


@pytest.fixture(scope="module")
def running():
    """A server for each backend, started when it is first asked for."""
    with ExitStack() as stack:
        yield stack, {}


@pytest.fixture
def server(backend, databases, running, tmp_path_factory):
    stack, servers = running
    if backend not in servers:
        folder = tmp_path_factory.mktemp(backend)
        config = process.prepare(folder, store_url=databases.make(), ann=PASSWORD, bob=PASSWORD)
        servers[backend] = stack.enter_context(here.serve(config))
    return servers[backend]


class MediaServer:
    """Sends recorded bodies under a session id of its own."""

    def __init__(self, server, http):
        self.server, self.http = server, http
        self.session = f"/203.0.113.7:50000/192.0.2.10:8443-{secrets.token_hex(8)}"

    def post(self, name, **fields):
        """The answer, and the bytes that were sent."""
        fields = json.loads(BODIES[name]) | {"sessionId": self.session} | fields
        sent = json.dumps(fields, ensure_ascii=False, indent=1).encode()
        return self.http.post(f"{self.server.hooks}/{method_of(name)}", content=sent), sent

    def get(self, path):
        return self.http.get(f"{self.server.url}{path}").status_code

    def status(self, name, **fields):
        return self.post(name, **fields)[0].status_code

    def live(self):
        """The users of its live sessions."""
        return [each.client.user for each in kept(self.server.store_url)[1] if each.key.session == self.session]

    def records(self):
        """The oldest first."""
        return [each for each in kept(self.server.store_url)[0] if each.key.session == self.session][::-1]

    def listed(self, *command):
        """The same as a command tells it, the newest first."""
        found = json.loads(self.server.run(*command, "--json"))
        return [each for each in found if each["session"] == self.session]


@pytest.fixture(scope="module")
def http():
    with httpx.Client(timeout=30, trust_env=False) as http:
        yield http


@pytest.fixture
def wcs(server, http):
    return MediaServer(server, http)


def test_from_connect_to_disconnect(server, wcs):
    token = server.run("token", "issue", "ann", "--ttl", "1h").strip()
    answer, sent = wcs.post("01-connect", custom={"token": token, "seat": 7})
    assert answer.status_code == 200
    fields = answer.json()
    assert set(fields.pop("restClientConfig")) == {s for name in METHODS for s in spellings(name)} - {"connect"}
    assert list(fields.items()) == list(json.loads(sent).items())
    assert answer.content.startswith(sent.rstrip(b"\n}"))
    [live] = wcs.listed("session", "list")
    assert (live["user"], live["app"], live["verifier"]) == ("ann", "defaultApp", "token")
    for name in RECORDED[1:]:
        answer, sent = wcs.post(name)
        assert (answer.status_code, answer.content) == (200, sent), name
        assert answer.headers["content-type"] == "application/json"
    answer, _ = wcs.post("05-playStream")
    assert (answer.status_code, answer.content) == (403, REFUSED)
    assert wcs.listed("session", "list") == []
    call, event = ("ann", True, "ok", "policies.call"), ("ann", True, "ok", "policies.event")
    expected = [("connect", "ann", True, "ok", "verifiers.token")]
    for name in RECORDED[1:]:
        expected.append((method_of(name), *(event if METHODS[method_of(name)].kind is Kind.EVENT else call)))
    expected.append(("playStream", None, False, "session_unknown", "policies.call"))
    records = wcs.listed("record", "list", "--session", wcs.session)[::-1]
    told = [(each["method"], each["user"], each["allowed"], each["reason"], each["rule"]) for each in records]
    assert told == expected
    assert [each["subject"] for each in records if each["method"] == "publishStream"] == ["cam"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_answer_to_a_connect_makes_the_media_server_obey(server, wcs):
    answer, _ = wcs.post("01-connect", custom={"token": server.token()})
    for name, config in answer.json()["restClientConfig"].items():
        assert sorted(config) == ["clientExclude", "restExclude", "restOnError", "restOverwrite", "restPolicy"]
        always_allowed = name in METHODS and METHODS[name].kind is Kind.EVENT
        assert config["restOnError"] == ("LOG" if always_allowed else "FAIL"), name
        assert {"custom", "sipLogin", "sipPassword"} <= set(config["clientExclude"].split(","))
        assert "sdp" in config["restExclude"].split(",")


def test_hooks_that_come_twice(server, wcs):
    ann = {"custom": {"token": server.token()}}
    first, second, third = (wcs.post("01-connect", **ann)[0] for _ in range(3))
    assert (first.status_code, first.content) == (200, second.content)
    assert second.content == third.content
    assert wcs.live() == ["ann"]
    # The media server uses an id again while we hold it for live: the newest client has it.
    assert wcs.status("01-connect", custom={"login": "Bob", "password": PASSWORD}) == 200
    assert wcs.live() == ["bob"]
    assert wcs.status("05-playStream") == 200
    for _ in range(2):
        answer, sent = wcs.post("09-ConnectionStatusEvent")
        assert (answer.status_code, answer.content) == (200, sent)
    assert wcs.live() == []
    assert wcs.status("05-playStream") == 403
    assert [each.user for each in wcs.records() if each.method == "playStream"] == ["bob", None]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_what_follows_a_refused_connect_leaves_nothing(wcs):
    assert wcs.status("01-connect", custom={"token": "forged"}) == 403
    for status in ("FAILED", "DISCONNECTED"):
        assert wcs.status("09-ConnectionStatusEvent", status=status) == 200
    assert wcs.live() == []
    assert wcs.status("05-playStream") == 403


@pytest.mark.parametrize("command", ["disable", "delete"])
def test_a_user_who_is_gone_can_do_no_more(server, http, command):
    name = f"user-to-{command}"
    server.run("user", "add", name, "--password-stdin", given=f"{PASSWORD}\n")
    ways = {"token": {"token": server.token(name)}, "password": {"login": name, "password": PASSWORD}}
    sessions = {way: MediaServer(server, http) for way in ways}
    for way, wcs in sessions.items():
        assert wcs.status("01-connect", custom=ways[way]) == 200
        assert wcs.status("05-playStream") == 200
    other = MediaServer(server, http)
    assert other.status("01-connect", custom={"token": server.token()}) == 200
    server.run("user", command, name)
    for way, wcs in sessions.items():
        assert wcs.post("05-playStream")[0].content == REFUSED
        assert wcs.post("01-connect", custom=ways[way])[0].content == REFUSED
        reasons = [each.reason for each in wcs.records() if not each.allowed]
        assert reasons == ["user_disabled", "user_disabled" if command == "disable" else "user_unknown"]
    assert other.status("05-playStream") == 200


def test_a_user_has_as_many_sessions_as_it_may(server, http):
    server.run("user", "add", "guest", "--password-stdin", "--max-sessions", "2", given=f"{PASSWORD}\n")
    ways = ({"token": server.token("guest")}, {"login": "Guest", "password": PASSWORD})
    first, second, third = (MediaServer(server, http) for _ in range(3))
    for wcs, way in zip((first, second), ways, strict=True):
        for _ in range(2):  # the media server asks again where an answer is late
            assert wcs.status("01-connect", custom=way) == 200
    for way in ways:
        answer, _ = third.post("01-connect", custom=way)
        assert (answer.status_code, answer.content) == (403, REFUSED)
        assert third.status("05-playStream") == 403
    assert [each.reason for each in third.records() if each.method == "connect"] == ["sessions_exceeded"] * 2
    assert first.status("05-playStream") == 200
    first.post("09-ConnectionStatusEvent")
    assert third.status("01-connect", custom=ways[0]) == 200
    assert (first.live(), second.live(), third.live()) == ([], ["guest"], ["guest"])


def serve_in_vain(config):
    """What is said by a server that does not start."""
    command = [sys.executable, "-m", "authgate", "--config", str(config), "serve", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=process.environment())
    assert done.returncode == 2, done.stderr
    return done.stderr


# What is done to the table of revisions, and what is said of it.
REVISIONS = {
    "none": ("DROP TABLE alembic_version", "run: authgate db upgrade"),
    "behind": ("UPDATE alembic_version SET version_num = '0001'", "authgate db upgrade"),
    "unknown": ("UPDATE alembic_version SET version_num = '9999'", "revision 9999"),
}


@pytest.mark.parametrize(("change", "told"), REVISIONS.values(), ids=REVISIONS)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_serve_wants_the_newest_revision(store_url, tmp_path, change, told):
    config = process.prepare(tmp_path / "authgate", store_url=store_url)
    database = sqlite3.connect(make_url(store_url).database)
    with database:
        database.execute(change)
    database.close()
    assert told in serve_in_vain(config)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_not_ready_while_the_store_takes_nothing(server, wcs):
    with held(server.store_url):
        assert wcs.status("01-connect", custom={"token": server.token()}) == 503
        awaited(lambda: wcs.get("/readyz") == 503)
        assert wcs.get("/healthz") == 200
    awaited(lambda: wcs.get("/readyz") == 200)


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
def test_not_ready_while_the_store_is_away(http, store_url, tmp_path):
    """A server may also start before its database does."""
    line = Line(store_url)
    try:
        config = process.prepare(tmp_path / "authgate", store_url=line.url, ann=PASSWORD)
        line.stop()
        with process.serve(config, wait_for="/healthz") as server:
            wcs = MediaServer(server, http)
            ann = {"custom": {"token": server.token()}}
            for come, go in ((line.start, line.stop), (line.start, line.freeze), (line.thaw, lambda: None)):
                assert wcs.status("01-connect", **ann) == 503
                awaited(lambda: wcs.get("/readyz") == 503)
                come()
                awaited(lambda: wcs.status("01-connect", **ann) == 200)
                awaited(lambda: wcs.get("/readyz") == 200)
                go()
                assert wcs.get("/healthz") == 200
    finally:
        line.close()
