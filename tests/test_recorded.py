"""Each body in ``tests/hooks``: the first nine as a server received them from the Web SDK, then one for each row of
the vendor's lists. A file is called ``NN-method.json`` or ``NN-method-variant.json``.
"""

import json
from pathlib import Path

import httpx
import pytest

from authgate.hooks.methods import METHODS
from authgate.hooks.parse import parse
from authgate.hooks.splice import splice
from authgate.model import Delivery, Kind
from tests import process

FILES = sorted((Path(__file__).parent / "hooks").glob("*.json"))
BODIES = {path.stem: path.read_bytes() for path in FILES}
CONFIG = {"restClientConfig": b'{"publishStream":{"restOnError":"FAIL"}}'}


def method_of(name):
    return name.split("-")[1]


def test_every_method_has_a_body():
    # The manual's prose calls the error event by two names; one of them is enough.
    assert {method_of(name) for name in BODIES} == set(METHODS) - {"ErrorEvent"}


@pytest.mark.parametrize(("name", "body"), BODIES.items(), ids=BODIES)
def test_parse(name, body):
    hook = parse(Delivery(method_of(name), body))
    assert hook.method.known
    assert hook.app_key
    assert hook.key.node
    assert hook.key.session


@pytest.mark.parametrize(("name", "body"), BODIES.items(), ids=BODIES)
def test_splice_keeps_all_that_was_there(name, body):
    fields = json.loads(body)
    answer = json.loads(splice(body, fields, CONFIG))
    assert answer.pop("restClientConfig") == json.loads(CONFIG["restClientConfig"])
    assert list(answer.items()) == list(fields.items())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    config = process.prepare(tmp_path_factory.mktemp("recorded"), ann="correct-horse-of-the-test")
    with process.serve(config) as server:
        yield server


@pytest.fixture(scope="module")
def token(server):
    return server.run("token", "issue", "ann", "--ttl", "1h").strip()


@pytest.fixture(scope="module")
def http(server):
    with httpx.Client(base_url=server.hooks, trust_env=False) as http:
        yield http


def post(http, name, fields):
    body = json.dumps(fields, ensure_ascii=False).encode()
    answer = http.post(f"/{method_of(name)}", content=body, headers={"Content-Type": "application/json"})
    assert answer.headers["Content-Type"] == "application/json"
    return answer, body


KINDS = {name: METHODS[method_of(name)].kind for name in BODIES}
OF_NOBODY = {name: body for name, body in BODIES.items() if KINDS[name] is not Kind.EVENT}
EVENTS = {name: body for name, body in BODIES.items() if KINDS[name] is Kind.EVENT}
LATER = {name: body for name, body in OF_NOBODY.items() if KINDS[name] is not Kind.CONNECT}
PLAYERS = {name: body for name, body in LATER.items() if METHODS[method_of(name)].sessionless}
IN_SESSION = {name: body for name, body in LATER.items() if name not in PLAYERS}


@pytest.mark.parametrize(("name", "body"), OF_NOBODY.items(), ids=OF_NOBODY)
def test_refused_to_a_stranger(http, name, body):
    answer, _ = post(http, name, json.loads(body) | {"sessionId": f"/192.0.2.99:1/198.51.100.20:8443-{name}"})
    if name == "11-connect-password":  # the one whose credentials are right
        assert answer.status_code == 200
        return
    assert answer.status_code == 403
    assert answer.content == b'{"status":403,"reason":"Access denied"}'


@pytest.mark.parametrize(("name", "body"), EVENTS.items(), ids=EVENTS)
def test_event_is_answered_with_its_own_bytes(http, name, body):
    answer, sent = post(http, name, json.loads(body))
    assert answer.status_code == 200
    assert answer.content == sent


@pytest.fixture
def session(http, token):
    """A live session: the first recorded connect, with a token of ours."""
    fields = json.loads(BODIES["01-connect"]) | {"custom": {"token": token}}
    answer, _ = post(http, "01-connect", fields)
    assert answer.status_code == 200
    return {key: fields[key] for key in ("nodeId", "appKey", "sessionId")}


@pytest.mark.parametrize(("name", "body"), IN_SESSION.items(), ids=IN_SESSION)
def test_allowed_to_a_live_session(http, session, name, body):
    fields = json.loads(body) | session
    fields.pop("custom", None)  # other credentials than the session's are judged for themselves
    fields.pop("token", None)
    answer, sent = post(http, name, fields)
    assert answer.status_code == 200
    assert answer.content == sent


def test_the_recorded_journey(http, token):
    allowed = []
    for name in list(BODIES)[:9]:
        fields = json.loads(BODIES[name])
        if "token" in fields.get("custom", {}):
            fields["custom"] = {"token": token}
        answer, sent = post(http, name, fields)
        assert answer.status_code == 200, name
        assert name == "01-connect" or answer.content == sent
        allowed.append(name)
    after, _ = post(http, "05-playStream", json.loads(BODIES["05-playStream"]))
    assert after.status_code == 403  # the session is over


@pytest.mark.parametrize(("name", "body"), PLAYERS.items(), ids=PLAYERS)
def test_a_player_brings_credentials_of_its_own(http, session, name, body):
    """The id of somebody's live session is none."""
    fields = json.loads(body) | session
    fields.pop("custom", None)
    fields.pop("token", None)
    assert post(http, name, fields)[0].status_code == 403
