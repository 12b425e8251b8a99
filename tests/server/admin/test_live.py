"""What is live, over HTTP: sessions, streams and calls, as the hooks have told of them."""

import json
from typing import Any

import httpx
import pytest

from .conftest import Administered

_sessions = iter(f"/203.0.113.7:5643/192.0.2.10:8443-{number}" for number in range(1000))


def hook(served: Administered, method: str, session: str, node: str = "n1", **fields: Any) -> None:
    body = {"nodeId": node, "appKey": "defaultApp", "sessionId": session, **fields}
    answer = httpx.post(f"{served.running.hooks}/{method}", json=body, trust_env=False)
    assert answer.status_code == 200, answer.text


def opened(served: Administered, node: str = "n1") -> str:
    """The id of a session that ann has opened."""
    session = next(_sessions)
    hook(served, "connect", session, node, custom={"token": served.run("token", "issue", "ann")})
    return session


def get(served: Administered, noun: str, **query: Any) -> Any:
    answer = served.http.get(f"/api/v1/{noun}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_session_is_shown_as_the_command_shows_it(served: Administered):
    session = opened(served)
    [listed] = get(served, "sessions", session=session)["items"]
    shown = [each for each in json.loads(served.run("session", "list", "--json")) if each["session"] == session]
    assert [{name: listed[name] for name in listed if name != "id"}] == shown
    assert (listed["user"], listed["node"], listed["app"]) == ("ann", "n1", "defaultApp")
    assert get(served, f"sessions/{listed['id']}") == listed


def test_sessions_are_told_by_what_is_asked(served: Administered):
    one, two = opened(served, "n8"), opened(served, "n9")
    assert [each["session"] for each in get(served, "sessions", node="n8")["items"]] == [one]
    assert {one, two} <= {each["session"] for each in get(served, "sessions", user="ANN")["items"]}
    assert get(served, "sessions", app="another")["items"] == []
    assert get(served, "sessions", node="n8", session=two)["items"] == []
    first = get(served, "sessions", limit=1)
    second = get(served, "sessions", limit=1, after=first["next"])
    [before], [after] = first["items"], second["items"]
    assert (before["node"], before["session"]) < (after["node"], after["session"])


def test_a_session_that_was_ended_is_refused_from_its_next_hook_on(served: Administered):
    session = opened(served)
    [listed] = get(served, "sessions", session=session)["items"]
    answer = served.http.delete(f"/api/v1/sessions/{listed['id']}")
    assert (answer.status_code, answer.json()) == (200, {"ordered": 0, "closed": 1})
    body = {"nodeId": "n1", "appKey": "defaultApp", "sessionId": session, "name": "s"}
    assert httpx.post(f"{served.running.hooks}/playStream", json=body, trust_env=False).status_code == 403


def test_sessions_are_ended_by_what_they_have_in_common(served: Administered):
    opened(served, "n5"), opened(served, "n5")
    answer = served.http.post("/api/v1/sessions/end", json={"node": "n5", "user": "ann"})
    assert (answer.status_code, answer.json()) == (200, {"ordered": 0, "closed": 2})
    again = served.http.post("/api/v1/sessions/end", json={"node": "n5", "user": "ann"})
    assert again.json() == {"ordered": 0, "closed": 0}


NOBODY: dict[str, Any] = {
    "nothing": {},
    "not even older ones": {"older": False},
    "an empty name": {"user": ""},
    "an empty node": {"node": ""},
    "a null": {"session": None},
    "another word": {"sesion": "x"},
}


@pytest.mark.parametrize("body", NOBODY.values(), ids=NOBODY)
def test_nobody_is_ended_by_naming_nobody(served: Administered, body: Any):
    session = opened(served)
    assert served.http.post("/api/v1/sessions/end", json=body).status_code == 400
    [listed] = get(served, "sessions", session=session)["items"]
    assert listed["ending"] is None


IDS = {"no id": ("x", 400), "an id of another list": ("WyJhIl0", 400), "nobody's": ("WyJuIiwicyJd", 404)}


@pytest.mark.parametrize(("id_", "status"), IDS.values(), ids=IDS)
def test_a_session_there_is_not(served: Administered, id_: str, status: int):
    assert served.http.get(f"/api/v1/sessions/{id_}").status_code == status
    assert served.http.delete(f"/api/v1/sessions/{id_}").status_code == status


def test_streams(served: Administered):
    session = opened(served)
    published = {"mediaSessionId": "m1", "name": "room-1", "published": True}
    hook(served, "publishStream", session, **published)
    hook(served, "StreamStatusEvent", session, **published, status="PUBLISHING")
    played = {"mediaSessionId": "m2", "name": "room-2", "published": False}
    hook(served, "StreamStatusEvent", session, **played, status="PLAYING")
    found = get(served, "streams", session=session)["items"]
    assert [(each["media"], each["name"], each["does"]) for each in found] == [
        ("m1", "room-1", "publish"),
        ("m2", "room-2", "play"),
    ]
    assert (found[0]["status"], found[0]["user"]) == ("PUBLISHING", "ann")
    assert get(served, "streams", session=session, published="true")["items"] == found[:1]
    assert get(served, "streams", session=session, name="room-2")["items"] == found[1:]
    first = get(served, "streams", session=session, limit=1)
    assert get(served, "streams", session=session, after=first["next"])["items"] == found[1:]


def test_calls(served: Administered):
    session = opened(served)
    told = {"callId": "c1", "caller": "ann", "callee": "1001", "incoming": False}
    hook(served, "CallStatusEvent", session, **told, status="RING")
    [found] = get(served, "calls", session=session)["items"]
    assert (found["call"], found["caller"], found["callee"], found["user"]) == ("c1", "ann", "1001", "ann")
    assert get(served, "calls", session=session, user="bob")["items"] == []
