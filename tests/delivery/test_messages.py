"""Messages of the server's own: by command and over HTTP, and what is not taken."""

import json

import httpx
import pytest

from tests import here, process

WCS = '[[wcs]]\nnode = "*"\nurl = "http://127.0.0.1:9/rest-api"\n'
MORE = f'[admin]\nlisten = "127.0.0.1:0"\n[signalling]\nmax_bytes = 500\nqueue = 3\n{WCS}'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with here.serve(process.prepare(tmp_path_factory.mktemp("messages") / "run", MORE, ann="correct horse")) as running:
        yield running


@pytest.fixture
def ask(server):
    """POST as somebody who may send messages; ``scope`` is what its key is for."""
    keys = {}

    def ask(body, scope="messages:send"):
        if scope not in keys:
            keys[scope] = server.run("apikey", "add", "ops", "--admin", scope).strip()
        with httpx.Client(trust_env=False) as http:
            headers = {"authorization": f"Bearer {keys[scope]}"}
            return http.post(f"{server.admin}/api/v1/messages", json=body, headers=headers)

    return ask


def test_over_http(ask):
    answer = ask({"user": "ann", "body": {"text": "hi"}})
    assert (answer.status_code, answer.json().keys()) == (202, {"id"})


def test_a_key_for_something_else_sends_nothing(ask):
    assert ask({"user": "ann", "body": 1}, scope="users:read").status_code == 403


BAD = {
    "nobody": ({"body": 1}, 400, "say whom it is for"),
    "two": ({"user": "ann", "stream": "cam", "body": 1}, 400, "say whom it is for"),
    "no body": ({"user": "ann"}, 400, "body: is missing"),
    "a room of no application": ({"room": "lobby", "body": 1}, 400, "say which application"),
    "a node alone": ({"node": "n1", "user": "ann", "body": 1}, 400, "say the session too"),
    "a session that is not there": ({"session": "/203.0.113.7:1/192.0.2.1:2", "body": 1}, 404, "no such session"),
    "a user with a control character": ({"user": "a\u0007", "body": 1}, 400, "can be no user"),
    "too large": ({"user": "ann", "body": "x" * 600}, 400, "500 bytes"),
    "too deep": ({"user": "ann", "body": json.loads("[" * 60 + "]" * 60)}, 400, "16 levels"),
    "a sender of its own": ({"user": "ann", "from": "bob", "body": 1}, 400, "no such member"),
    "an empty application": ({"app": "", "body": 1}, 400, "app"),
}


@pytest.mark.parametrize(("body", "status", "detail"), BAD.values(), ids=BAD)
def test_refused_over_http(ask, body, status, detail):
    answer = ask(body)
    assert (answer.status_code, detail in answer.json()["detail"]) == (status, True)


def command(server, *arguments):
    done = process.ran("--config", str(server.config), "message", "send", *arguments)
    return done.returncode, (done.stdout + done.stderr).strip()


REFUSED = {
    "nobody": (("--json", "1"), 1, "say whom it is for"),
    "what is no JSON": (("--user", "ann", "--json", "{"), 1, "the payload is not JSON"),
    "what ends the JSON it is put into": (("--user", "ann", "--json", '1,"x":2'), 1, "the payload is not JSON"),
    "a number that is none": (("--user", "ann", "--json", "NaN"), 1, "NaN"),
    "a session that is not there": (("--session", "s1", "--json", "1"), 1, "there is no such session"),
    "no payload": (("--user", "ann"), 2, "--json"),
}


@pytest.mark.parametrize(("arguments", "status", "said"), REFUSED.values(), ids=REFUSED)
def test_refused_command(server, arguments, status, said):
    found = command(server, *arguments)
    assert found[0] == status
    assert said in found[1]


def test_without_a_node_nothing_could_be_delivered(tmp_path):
    config = process.prepare(tmp_path / "run")
    done = process.ran("--config", str(config), "message", "send", "--user", "ann", "--json", "1")
    assert (done.returncode, "there is no [[wcs]] section" in done.stderr) == (1, True)


def test_a_full_queue_is_said_so(tmp_path):
    config = process.prepare(tmp_path / "run", MORE)
    codes = [
        process.ran("--config", str(config), "message", "send", "--user", "ann", "--json", "1").returncode
        for _ in range(4)
    ]
    assert codes == [0, 0, 0, 1]
