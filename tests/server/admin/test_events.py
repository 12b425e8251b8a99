"""The events of a running server: whoever may follows them, each once and in order, and nobody else."""

import itertools
import json
import socket
import time
from contextlib import ExitStack

import httpx
import pytest
import websockets.sync.client

from authgate.errors import StoreError
from authgate.store.records import SqlRecords
from tests import here
from tests.server.admin.conftest import Administered, prepared
from tests.server.admin.following import PATH, over_http, over_websocket
from tests.trouble import awaited

WAYS = {"server-sent events": over_http, "websocket": over_websocket}
numbers = itertools.count()


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def follow(request, served):
    """Follows: ``with follow("?after=3") as found``."""
    return lambda query="", key=served.all: request.param(served.url, key, query)


def hook(running, method, **fields):
    """The status of the answer to a hook."""
    body = {"nodeId": "n1", "appKey": "chat", "sessionId": "s1", **fields}
    return httpx.post(f"{running.hooks}/{method}", json=body, trust_env=False, timeout=30).status_code


def journey(running):
    """A client comes, publishes and goes; the name of its session."""
    session = f"s{next(numbers)}"
    token = {"token": running.token()}
    assert hook(running, "connect", sessionId=session, custom=token) == 200
    assert hook(running, "publishStream", sessionId=session, name="cam") == 200
    assert hook(running, "StreamStatusEvent", sessionId=session, name="cam", status="PUBLISHING") == 200
    assert hook(running, "connect", sessionId=f"{session}x", custom={"token": "forged"}) == 403
    assert hook(running, "ConnectionStatusEvent", sessionId=session, status="DISCONNECTED") == 200
    return session


KINDS = ["session.opened", "hook.allowed", "stream.started", "session.refused", "session.closed"]


def test_a_journey_is_told_as_it_happens(served, follow):
    with follow() as found:
        session = journey(served.running)
        told = found.until(5)
    assert [each["kind"] for each in told] == KINDS
    assert [each["session"] for each in told] == [session, session, session, f"{session}x", session]
    assert told[0] | {"id": 0, "at": "", "record": ""} == {
        "id": 0,
        "kind": "session.opened",
        "at": "",
        "node": "n1",
        "session": session,
        "app": "chat",
        "method": "connect",
        "user": "ann",
        "verdict": "allowed",
        "reason": "ok",
        "rule": "verifiers.token",
        "status": "",
        "subject": "",
        "stream": None,
        "record": "",
    }
    assert (told[3]["verdict"], told[3]["reason"]) == ("rejected", "token_invalid")


def test_each_process_tells_the_same_ids_and_nobody_is_told_one_twice(served, follow):
    with follow() as first:
        journey(served.running)
        before = [*first.until(5)]
        journey(served.running)
        first.until(10)
    with follow(f"?after={before[1]['id']}") as second:
        journey(served.running)
        told = second.until(13)
    assert [each["id"] for each in told][:8] == first.ids[2:]
    assert len({each["id"] for each in told}) == 13


def test_a_browser_that_comes_back_names_what_it_has_seen(served):
    with over_http(served.url, served.all) as first:
        journey(served.running)
        told = first.until(5)
    seen = str(told[3]["id"])
    with over_http(served.url, served.all, "?after=0", {"last-event-id": seen}) as second:
        assert second.until(1)[0] == told[4]


def test_only_what_is_wanted(served, follow):
    with follow("?kind=stream&kind=session.closed&app=chat&verdict=allowed") as found:
        journey(served.running)
        assert [each["kind"] for each in found.until(2)] == ["stream.started", "session.closed"]
    with follow("?kind=session.refused&reason=token_invalid&node=n1") as found:
        session = journey(served.running)
        assert [each["session"] for each in found.until(1)] == [f"{session}x"]
    with follow("?user=Ann&stream=cam") as found:
        journey(served.running)
        assert [each["method"] for each in found.until(2)] == ["publishStream", "StreamStatusEvent"]


def test_an_id_of_another_store_is_told_in_the_stream(follow):
    with follow("?after=9007199254740991") as found:
        [told] = found.until(1)
    assert told["kind"] == "events.gap"
    assert "it is another store" in told["text"]


REFUSED = {
    "a filter there is not": ("?colour=red", 400, "there is no filter 'colour'"),
    "a kind there is not": ("?kind=streams", 400, "kinds: there is no 'streams'; did you mean 'stream'?"),
    "no number": ("?after=first", 400, "after: must be the id of an event, or 0 for all that are kept"),
    "a number below all": ("?after=-1", 400, "after: must be the id of an event, or 0 for all that are kept"),
    "a number beyond all": ("?after=9007199254740992", 400, "after: must be the id of an event"),
    "a number in other digits": ("?after=٣", 400, "after: must be the id of an event"),
    "two places to begin at": ("?after=1&after=2", 400, "after: is given twice"),
    "half a character": ("?app=%ED%A0%80&after=x", 400, "after: must be"),
}


@pytest.mark.parametrize(("query", "status", "detail"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_understood_is_refused_in_words(served, query, status, detail):
    answer = served.http.get(f"{PATH}{query}")
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
    with (
        pytest.raises(websockets.exceptions.InvalidStatus) as caught,
        over_websocket(served.url, served.all, query.replace("٣", "%D9%A3")),
    ):
        pass
    assert caught.value.response.status_code == status


def test_a_last_id_that_is_none(served):
    assert served.http.get(PATH, headers={"last-event-id": "x"}).json()["detail"].startswith("Last-Event-ID: must be")


KEYS = {"none": None, "one that was made up": "ak_aaaaaaaa_" + "a" * 40}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_nobody_follows_without_a_good_key(served, key):
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    assert httpx.get(f"{served.url}{PATH}", headers=headers, trust_env=False).status_code == 401
    url = f"{served.url.replace('http', 'ws', 1)}{PATH}"
    with pytest.raises(websockets.exceptions.InvalidStatus) as caught:
        websockets.sync.client.connect(url, additional_headers=headers, proxy=None)
    assert caught.value.response.status_code == 401


def test_nobody_follows_by_a_key_in_the_address(served):
    answer = httpx.get(f"{served.url}{PATH}?key={served.all}", trust_env=False)
    assert answer.status_code == 401


def test_nobody_follows_by_a_key_for_something_else(served):
    key = served.key("records:read", "users:read")
    answer = httpx.get(f"{served.url}{PATH}", headers={"authorization": f"Bearer {key}"}, trust_env=False)
    assert answer.status_code == 403
    with pytest.raises(websockets.exceptions.InvalidStatus), over_websocket(served.url, key):
        pass


def test_a_revoked_key_is_told_so_and_nothing_else(served, follow):
    key = served.key("events:read")
    with follow(key=key) as found, follow() as other:
        served.run("apikey", "revoke", key.split("_")[1])
        told = found.until(1)
        assert found.ended.wait(10)
        journey(served.running)
        other.until(5)
    assert [(each["kind"], each["text"]) for each in told] == [("events.end", "the API key was revoked")]
    assert found.closed_with in (None, 1008)


def test_what_the_other_side_sends_is_not_looked_at(served):
    with over_websocket(served.url, served.all) as found:
        for text in ("x" * 10_000, '{"id": 1}', ""):
            found.line.send(text)
        found.line.send(b"\0")
        journey(served.running)
        found.until(5)


def test_the_head_alone(served):
    answer = served.http.head(PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


def test_signs_of_life_refusals_of_too_many_and_the_end(tmp_path):
    config = prepared(tmp_path, "[feed]\nmax_readers = 2\nheartbeat = 0.1\n")
    with ExitStack() as after:
        with here.serve(config) as running:
            served = Administered(running)
            with over_http(served.url, served.all, "?app=other") as one, over_websocket(served.url, served.all) as two:
                hook(running, "StreamStatusEvent", name="cam", status="PLAYING")
                answer = served.http.get(PATH)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
                assert "too many follow" in answer.json()["detail"]
                awaited(lambda: any(each["kind"] == "stream.started" for each in two.events))
                told = next(each for each in two.events if each["kind"] == "stream.started")
                awaited(lambda: f"id: {told['id']}" in one.lines)  # though it wants nothing of it
                awaited(lambda: any(each["kind"] == "events.alive" for each in two.events))
                assert one.events == []
            served.http.close()
            found = _opened(after, over_http, served)  # who has gone makes room
            ended = _opened(after, over_websocket, served)
        assert found.ended.wait(10)
        assert ended.ended.wait(10)
    assert [each["kind"] for each in (found.events[-1], ended.events[-1])] == ["events.end"] * 2
    assert "come back with this id" in found.events[-1]["text"]
    assert ended.closed_with == 1001


def _opened(after, way, served):
    """One who follows as soon as there is room, for as long as the server runs."""
    found = []

    def tried():
        try:
            found.append(after.enter_context(way(served.url, served.all)))
        except (AssertionError, websockets.exceptions.InvalidStatus):
            return False
        return True

    awaited(tried)
    return found[0]


def test_one_who_does_not_read_harms_nobody(served):
    """It is told the rest when it reads, or loses its connection; the others are told everything at once."""
    query = f"{PATH}?after=0"
    head = f"GET {query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.all}\r\n\r\n"
    port = int(served.url.rpartition(":")[2])
    silent = socket.socket()
    silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with silent:
        silent.connect(("127.0.0.1", port))
        silent.sendall(head.encode())
        with over_http(served.url, served.all) as found:
            for _ in range(10):
                journey(served.running)
            found.until(50)
        text = b""
        silent.settimeout(20)
        last = b"id: %d\n" % found.ids[-1]
        while last not in text:
            text += silent.recv(65536)
    ids = [int(line[4:]) for line in text.decode().splitlines() if line.startswith("id: ")]
    assert ids == sorted(set(ids))
    assert [*range(ids[0], ids[-1] + 1)] == ids


def test_the_events_of_a_store_hold_no_secret(served):
    token = served.running.token()
    with over_http(served.url, served.all) as found:
        hook(served.running, "connect", sessionId="z1", custom={"token": token})
        hook(served.running, "connect", sessionId="z2", custom={"login": "ann", "password": "wrong-horse"})
        hook(served.running, "playRTSP", sessionId="z3", name="rtsp://ann:wrong-horse@h/cam?token=wrong-horse")
        told = json.dumps(found.until(3))
    for secret in (token, "wrong-horse"):
        assert secret not in told


def test_it_is_told_soon(served, follow):
    """What this process writes wakes those who listen: nobody waits for the next look."""
    with follow() as found:
        journey(served.running)
        found.until(5)
        began = time.monotonic()
        for _ in range(5):
            journey(served.running)
        found.until(30)
    assert time.monotonic() - began < 15


def test_a_store_that_is_away_at_the_start_is_no_fault_of_ours(served, monkeypatch):
    async def away(_self):
        raise StoreError("the store is away")

    monkeypatch.setattr(SqlRecords, "newest_seq", away)
    answer = served.http.get(PATH)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    with pytest.raises(websockets.exceptions.InvalidStatus) as caught, over_websocket(served.url, served.all):
        pass
    assert caught.value.response.status_code == 503
