"""``authgate hook try``: what would be answered, told step by step, and nothing is changed by asking."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authgate.cli import cli
from authgate.model import Entry, Open, Principal, Reason, Record, Session
from tests.cli.trying import KEY, as_json, body, tried

HOOKS = Path(__file__).parents[1] / "hooks"


pytestmark = pytest.mark.usefixtures("prepared")


def test_the_steps_of_an_allowed_hook(authgate):
    told = tried(authgate, body(name="cam-1", status="PENDING"), "--method", "publishStream")
    for line in (
        "caller        trusted (no check is on, so everybody is)",
        "hook          publishStream (call)",
        "              appKey app",
        "              status PENDING",
        "credentials   none",
        "session       /1: live",
        "client        ann: known",
        "rule          miss      closed  (names: miss 'cam-1')",
        "rule          hit       own  (names: hit 'cam-1')",
        "                        policy session: ok",
        "                        rewrite name: changed",
        "rule          miss      calls  (it is for other hooks than publishStream)",
        "rule          shadowed  policies.call",
        "verdict       allowed by own",
        "answer        200",
        '              name: "cam-1" -> "int-cam-1"',
        "media server  the operation goes on with name as the answer has it (OVERWRITE)",
    ):
        assert line in told.splitlines(), told
    assert "but this session was opened under older rules" in told


def test_the_steps_of_a_rejected_hook(authgate):
    told = tried(authgate, body(name="closed-1"), "--method", "publishStream", status=1)
    assert "verdict       rejected: policy_denied by closed" in told
    assert 'answer        403 {"status": 403' in told or 'answer        403 {"status":403,"reason":"Closed"}' in told
    assert "the stream is not published; the client sees it FAILED 'Closed'" in told


def test_json(authgate):
    found = as_json(authgate, body(name="cam-1"), "--method", "publishStream")
    assert (found["allowed"], found["reason"], found["rule"], found["status"]) == (True, "ok", "own", 200)
    assert found["hook"]["method"] == "publishStream"
    assert found["changes"] == [{"field": "name", "before": '"cam-1"', "after": '"int-cam-1"'}]
    assert [step["outcome"] for step in found["rules"] if step["name"] in ("closed", "own")] == ["miss", "hit"]


def test_what_a_connect_is_told(authgate):
    token = authgate("token", "issue", "ann").stdout.strip()
    told = tried(authgate, body(custom={"token": token}), "--method", "connect")
    assert "credentials   a token" in told
    assert "verifier      token: ok" in told
    assert "OVERWRITE for publishStream (name), call (callee)" in told
    assert "FAIL for publishStream" in told
    assert token not in told
    found = as_json(authgate, body(custom={"token": token}), "--method", "connect")
    [publish] = [each for each in found["restClientConfig"] if each["method"] == "publishStream"]
    assert (publish["fail"], publish["overwrite"]) == (True, ["name"])


def test_every_recorded_hook(path):
    for each in sorted(HOOKS.glob("*.json")):
        name = each.stem.split("-")[1]
        arguments = ["hook", "try", str(each), "--method", name, "--as", "ann", "--json"]
        result = CliRunner().invoke(cli, arguments, env={"AUTHGATE_CONFIG": str(path)})
        found = json.loads(result.stdout)
        assert result.exit_code == (0 if found["allowed"] else 1)
        assert found["hook"]["method"] == name
        assert found["pending"] or found["status"] in (200, 403), each


class TestAs:
    def test_a_user(self, authgate):
        found = as_json(authgate, body(name="cam", sessionId="gone"), "--method", "publishStream", "--as", "Ann")
        assert (found["allowed"], found["sender"][0]["name"]) == (True, "ann")

    def test_a_user_who_is_disabled(self, authgate):
        authgate("user", "disable", "ann")
        found = as_json(authgate, body(name="cam"), "--method", "publishStream", "--as", "ann", status=1)
        assert found["reason"] == "user_disabled"

    @pytest.mark.parametrize("name", ["bob", "", "\u202e"])
    def test_nobody(self, authgate, name):
        result = authgate("hook", "try", "-", "--method", "hold", "--as", name, stdin=body(), status=1)
        assert result.stdout == ""
        assert result.stderr.startswith("error: ")


class TestAt:
    TIMES: ClassVar = (
        ("2026-01-31T12:00Z", 0),
        ("2026-01-31T23:00Z", 1),
        ("2026-01-31T23:00+12:00", 0),
        ("2060-01-01", 1),
    )

    @pytest.mark.parametrize(("time", "status"), TIMES)
    def test_a_time(self, authgate, time, status):
        tried(authgate, body(name="cam"), "--method", "snapshot", "--at", time, status=status)

    def test_a_session_then(self, authgate, on_store):
        """Its token has expired by then."""
        record = Record("1" * 26, 1, KEY, "app", "connect", "ann", True, Reason.OK, "x")
        client = Principal("ann", "token", expires_at=2_000_000_000, stored_user=True)
        on_store(lambda store: store.ledger.write(Entry(record, Open(Session(KEY, "app", 2, client)))))
        tried(authgate, body(), "--method", "hold", "--at", "2033-01-01")
        found = as_json(authgate, body(), "--method", "hold", "--at", "2034-01-01", status=1)
        assert found["reason"] == "session_expired"

    @pytest.mark.parametrize("time", ["0001-01-01T00:00+14:00", "9999-12-31T23:59", "x", "", "999999999w"])
    def test_no_time(self, authgate, time):
        result = authgate("hook", "try", "-", "--method", "hold", "--at", time, stdin=body(), status=2)
        assert "Invalid value for '--at'" in result.stderr


class Legacy(BaseHTTPRequestHandler):
    """Another back end: it allows callees that begin with 1, and gives them another name."""

    def do_POST(self):
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(fields | {"callee": "desk"}).encode()
        self.send_response(200 if fields.get("callee", "").startswith("1") else 403)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.server.asked += 1

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def legacy():
    server = HTTPServer(("127.0.0.1", 0), Legacy)
    server.asked = 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class TestTarget:
    @pytest.fixture(autouse=True)
    def _configured(self, path, legacy, prepared):
        path.write_text(path.read_text().replace("http://127.0.0.1:9/", f"http://127.0.0.1:{legacy.server_port}/"))

    def test_it_is_not_asked(self, authgate, legacy):
        found = as_json(authgate, body(callee="100"), "--method", "call", status=1)
        assert (found["allowed"], found["target"], legacy.asked) == (None, "legacy", 0)
        told = tried(authgate, body(callee="100"), "--method", "call", status=1)
        assert "verdict       decided by target legacy, which was not asked" in told

    def test_it_is_asked(self, authgate, legacy):
        found = as_json(authgate, body(callee="100"), "--method", "call", "--send")
        assert (found["allowed"], found["changes"][0]["after"], legacy.asked) == (True, '"desk"', 1)
        found = as_json(authgate, body(callee="200"), "--method", "call", "--send", status=1)
        assert (found["reason"], legacy.asked) == ("target_refused", 2)


def test_a_target_that_is_away(authgate):
    result = authgate("hook", "try", "-", "--method", "call", "--send", stdin=body(callee="1"), status=1)
    assert "verdict       rejected: target_unavailable" in result.stdout
    assert "target legacy: target_unavailable" in result.stdout
    assert result.stderr == ""


MALFORMED = {
    "no JSON": ("publishStream", "{", 400, "the body is not JSON"),
    "no object": ("publishStream", "[]", 400, "the body is not a JSON object"),
    "a key twice": ("publishStream", '{"a":1,"a":2}', 400, "the body holds a key twice"),
    "not UTF-8": ("publishStream", b"\xff", 400, "the body is not UTF-8"),
    "empty": ("publishStream", "", 400, "the body is not JSON"),
    "connect of nobody": ("connect", "{}", 400, "connect needs appKey and sessionId"),
    "a player": ("playHLS", "[]", 403, "the body is not a JSON object"),
    "too large": ("publishStream", body(x="x" * 1_100_000), 413, "more than 1048576 bytes (server.max_body)"),
}


@pytest.mark.parametrize(("method", "sent", "status", "why"), MALFORMED.values(), ids=MALFORMED)
def test_malformed(authgate, method, sent, status, why):
    told = tried(authgate, sent, "--method", method, status=1)
    assert why in told
    assert f"answer        {status} " in told


def test_a_malformed_event_is_answered_with_nothing(authgate):
    assert "answer        200\n" in tried(authgate, "{", "--method", "StreamStatusEvent")


def test_no_such_file(authgate, tmp_path):
    for name in ("nowhere.json", str(tmp_path)):
        assert "Error" in authgate("hook", "try", name, "--method", "hold", status=2).stderr


def test_a_file_that_cannot_be_read(authgate):
    result = authgate("hook", "try", "/proc/self/mem", "--method", "hold", status=2)
    assert "/proc/self/mem: Input/output error" in result.stderr


def test_terminal_injection(authgate):
    sent = body(name="\x1b[2Jcam", callee="\u202e", status="\x07")
    for method in ("publishStream", "call", "connect"):
        told = tried(authgate, sent, "--method", method, status=0 if method == "publishStream" else 1)
        assert told.replace("\n", "").isprintable()


def test_nothing_is_changed(authgate, on_store):
    """Neither a session, a record, nor a hash that is older than today's."""

    async def everything(store):
        return (
            await store.sessions.list(),
            [each.id for each in await store.records.list()],
            await store.users.find("ann"),
        )

    before = on_store(everything)
    login = {"custom": {"login": "ann", "password": "correct horse"}}
    stronger = {"AUTHGATE_HASHING__MEMORY": "2048"}
    assert as_json(authgate, body(sessionId="/2", **login), "--method", "connect", environ=stronger)["allowed"]
    tried(authgate, body(), "--method", "connect", status=1)
    tried(authgate, body(status="DISCONNECTED"), "--method", "ConnectionStatusEvent")
    assert on_store(everything) == before


def test_no_password_is_shown(authgate):
    for password, status in (("c4nary", 1), ("correct horse", 0)):
        sent = body(custom={"login": "ann", "password": password}, name="rtsp://u:c4nary@cam/1")
        told = tried(authgate, sent, "--method", "connect", status=status)
        told += tried(authgate, sent, "--method", "connect", "--json", status=status)
        assert password not in told
        assert "c4nary" not in told


def test_store_that_is_away(authgate):
    environ = {"AUTHGATE_STORE__URL": "postgresql://u:c4nary@127.0.0.1:1/x"}
    result = authgate("hook", "try", "-", "--method", "hold", stdin=body(), status=2, environ=environ)
    assert result.stdout == ""
    assert "c4nary" not in result.stderr


ANYTHING = st.binary(max_size=60) | st.builds(
    lambda head, rest: b"POST /hooks/" + head + b" HTTP/1.1\n" + rest, st.binary(max_size=20), st.binary(max_size=60)
)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


FIELDS = st.dictionaries(
    st.sampled_from(["nodeId", "appKey", "sessionId", "name", "callee", "status", "custom", "origin", "sipPassword"]),
    JSON,
    max_size=6,
).map(lambda fields: json.dumps(fields).encode())


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    ANYTHING | FIELDS,
    st.sampled_from(["connect", "publishStream", "call", "playRTSP", "StreamStatusEvent", "teleport", None]),
    st.sampled_from([(), ("--json",)]),
)
def test_no_input_gives_a_traceback(path, given, method, more):
    arguments = [*more] if method is None else ["--method", method, *more]
    result = CliRunner().invoke(cli, ["hook", "try", "-", *arguments], input=given, env={"AUTHGATE_CONFIG": str(path)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (0, 1, 2)
    assert result.stdout.replace("\n", "").isprintable()
    asyncio.set_event_loop(None)
