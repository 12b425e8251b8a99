"""The REST API of the stand-in against the vendor's documents, and where those are silent the worst that can be."""

import json

import httpx
import pytest

from tests.standin.api import ApiOptions
from tests.standin.backend import Say, configured, refused
from tests.standin.client import client
from tests.standin.rest import Properties
from tests.standin.serving import until

NO = refused(status=403, phrase="Forbidden")


class Asking:
    """Asks one node."""

    def __init__(self, node, http):
        self.node, self.http = node, http

    async def __call__(self, path, fields=None, **options):
        content = b"" if fields is None else json.dumps(fields).encode()
        return await self.http.post(f"{self.node.api.url}{path}", content=content, **options)


@pytest.fixture
async def http():
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        yield http


@pytest.fixture
async def asking(bench, http):
    """Two nodes: ann publishes "cam" at the first and bob plays it; eve publishes "cam" at the second."""
    await bench.start({}, nodes=2)
    first, second = bench.wcs.nodes
    bench.ann, bench.bob = await bench.session(custom={"seat": 7}), await bench.session(clientVersion="0.5.28")
    bench.eve = await bench.enter_async_context(client(second.url))
    await bench.eve.establish()
    await bench.ann.publish("cam")
    await bench.bob.play("cam")
    await bench.eve.publish("cam")
    return Asking(first, http)


def of(told, key):
    return sorted(each[key] for each in told.json())


async def test_each_node_tells_of_its_own_clients(asking, bench):
    told = await asking("/connection/find_all")
    assert of(told, "sessionId") == sorted(session.id for session in bench.wcs.nodes[0].sessions)
    one = next(each for each in told.json() if each["custom"])
    assert (one["appKey"], one["custom"], one["nodeId"], one["sipLogin"]) == ("defaultApp", {"seat": 7}, None, None)


async def test_each_node_tells_of_its_own_streams(asking, bench):
    told = await asking("/stream/find_all")
    assert of(told, "status") == ["PLAYING", "PUBLISHING"]
    assert of(told, "sessionId") == sorted(session.id for session in bench.wcs.nodes[0].sessions)
    assert len({each["mediaSessionId"] for each in told.json()}) == 2


async def test_nodes_have_ids_and_addresses_of_their_own(asking, bench):
    first, second = bench.wcs.nodes
    assert first.id != second.id
    assert "192.0.2.11:8443" in second.sessions[0].id
    assert {hook.sent["nodeId"] for hook in bench.wcs.hooks("connect")} == {first.id, second.id}


FOUND = {
    "connection by version": ("/connection/find", {"clientVersion": "0.5.28"}, 1),
    "connection by app": ("/connection/find", {"appKey": "defaultApp"}, 2),
    "connection of another app": ("/connection/find", {"appKey": "another"}, 0),
    "connection by what is no filter": ("/connection/find", {"login": "nobody"}, 2),
    "unknown connection": ("/connection/find", {"sessionId": "/203.0.113.7:1/192.0.2.10:8443"}, 0),
    "connection that is another node's": ("/connection/find", "eve", 0),
    "stream by name": ("/stream/find", {"name": "cam"}, 2),
    "publishers": ("/stream/find", {"name": "cam", "published": True}, 1),
    "publishers, in words": ("/stream/find", {"name": "cam", "published": "true"}, 1),
    "stream by status": ("/stream/find", {"status": "PLAYING", "display": ["metrics"]}, 1),
    "unknown stream": ("/stream/find", {"name": "cam", "status": "PAUSED"}, 0),
    "no calls": ("/call/find_all", None, 0),
}


@pytest.mark.parametrize(("path", "asked", "count"), FOUND.values(), ids=FOUND)
async def test_find(asking, bench, path, asked, count):
    if asked == "eve":
        asked = {"sessionId": bench.wcs.nodes[1].sessions[0].id}
    told = await asking(path, asked)
    assert told.status_code == (200 if count else 404)
    assert count == 0 or len(told.json()) == count


EMPTY = {"streams": "/stream/find_all", "connections": "/connection/find_all", "calls": "/call/find_all"}


@pytest.mark.parametrize("path", EMPTY.values(), ids=EMPTY)
async def test_none_found_is_not_found(bench, http, path):
    await bench.start({})
    assert (await Asking(bench.wcs.nodes[0], http)(path)).status_code == 404


async def test_none_found_may_be_an_empty_list(bench, http):
    await bench.start({}, api=ApiOptions(none_found=200))
    told = await Asking(bench.wcs.nodes[0], http)("/connection/find_all")
    assert (told.status_code, told.json()) == (200, [])


async def test_a_terminated_client_is_cut_off_and_the_back_end_told(asking, bench):
    first = bench.wcs.nodes[0]
    ann = next(session for session in first.sessions if session.streams)
    told = await asking("/connection/terminate", {"sessionId": ann.id})
    assert (told.status_code, told.content) == (200, b"")
    await bench.ann.hung_up()
    await until(lambda: bench.wcs.hooks()[-1].sent["status"] == "DISCONNECTED")
    assert len(first.sessions) == 1
    assert bench.wcs.hooks()[-1].sent["info"] == "Terminated by rest /terminate"
    assert {hook.sent["sessionId"] for hook in bench.wcs.hooks("ConnectionStatusEvent")[3:]} == {ann.id}
    assert (await asking("/connection/terminate", {"sessionId": ann.id})).status_code == 404
    assert len(bench.wcs.nodes[1].sessions) == 1
    assert bench.wcs.wiped == 0


async def test_a_terminated_stream_ends_and_its_client_stays(asking, bench):
    stream = next(each for each in bench.wcs.node.streams() if not each.published)
    told = await asking("/stream/terminate", {"mediaSessionIds": [stream.id]})
    assert (told.status_code, told.content) == (200, b"")
    ended = await bench.bob.hear({"notifyStreamStatusEvent": {"status": "STOPPED"}})
    assert ended["info"] == "Stopped by rest /terminate"
    assert [each.name for each in bench.wcs.node.streams()] == ["cam"]
    assert len(bench.wcs.nodes[0].sessions) == 2
    assert (await asking("/stream/terminate", {"mediaSessionId": stream.id})).status_code == 404
    assert bench.wcs.wiped == 0


UNFILTERED = {
    "no body": None,
    "nothing": {},
    "null": {"sessionId": None, "mediaSessionId": None},
    "empty": {"sessionId": "", "mediaSessionId": "", "mediaSessionIds": []},
    "misspelt": {"session": "x", "mediaSession": "x"},
}


@pytest.mark.parametrize("asked", UNFILTERED.values(), ids=UNFILTERED)
async def test_an_empty_filter_ends_everything_there(asking, bench, asked):
    assert (await asking("/stream/terminate", asked)).status_code == 200
    assert bench.wcs.wiped == 1
    assert (await asking("/connection/terminate", asked)).status_code == 200
    assert bench.wcs.wiped == 2
    for one in (bench.ann, bench.bob):
        await one.hung_up()
    await bench.wcs.nodes[0].everyone_left()
    assert bench.wcs.nodes[0].sessions == []
    assert [stream.name for stream in bench.wcs.nodes[1].node.streams()] == ["cam"]


def ids(node):
    return [session.id for session in node.sessions]


SENT = {
    "one": (lambda first, second: {"sessionId": ids(first)[0]}, [1, 0, 0]),
    "several": (lambda first, second: {"sessionIds": ids(first)}, [1, 1, 0]),
    "one twice": (lambda first, second: {"sessionIds": ids(first)[:1] * 2}, [1, 0, 0]),
    "one who is there": (lambda first, second: {"sessionIds": [*ids(first)[1:], "gone"]}, [0, 1, 0]),
    "only who is gone": (lambda first, second: {"sessionId": "gone"}, 404),
    "nobody": (lambda first, second: {}, 404),
    "another node's": (lambda first, second: {"sessionIds": ids(second)}, 404),
    "for another node": (lambda first, second: {"sessionIds": ids(first), "nodeId": second.id}, 404),
    "without an id": (lambda first, second: {"sessionIds": ids(first), "operationId": ""}, 400),
}


@pytest.mark.parametrize(("asked", "heard"), SENT.values(), ids=SENT)
async def test_data_reaches_clients(asking, bench, asked, heard):
    common = {"nodeId": bench.wcs.nodes[0].id, "operationId": "o-1", "payload": {"text": "hallö"}}
    told = await asking("/data/send", common | asked(*bench.wcs.nodes))
    status = heard if isinstance(heard, int) else 200
    counts = [0, 0, 0] if isinstance(heard, int) else heard
    assert told.status_code == status
    await bench.wcs.nodes[0].api.settled()
    clients = (bench.ann, bench.bob, bench.eve)
    for one, count in zip(clients, counts, strict=True):
        if count:
            await one.hear({"OnDataEvent": {"operationId": "o-1", "payload": {"text": "hallö"}}})
    assert [sum(message == "OnDataEvent" for message, _ in one.frames) for one in clients] == counts
    assert [hook.sent["status"] for hook in bench.wcs.hooks("DataStatusEvent")] == ["ACCEPTED"] * sum(counts)
    assert [hook.sent["operationId"] for hook in bench.wcs.hooks("OnDataEvent")] == ["o-1"] * sum(counts)


async def test_data_comes_in_the_order_in_which_it_was_sent(asking, bench):
    bench.backend.answers["OnDataEvent"] = [Say(after=0.05), Say()]
    id = ids(bench.wcs.nodes[0])[0]
    for number in range(5):
        await asking("/data/send", {"operationId": f"o-{number}", "sessionId": id, "payload": number})
    await bench.ann.hear({"OnDataEvent": {"operationId": "o-4"}})
    assert [fields["payload"] for message, fields in bench.ann.frames if message == "OnDataEvent"] == [0, 1, 2, 3, 4]


async def test_data_that_the_back_end_refuses_on_its_way_does_not_arrive(bench, http):
    await bench.start({"connect": configured(OnDataEvent={"restOnError": "FAIL"}), "OnDataEvent": NO})
    await bench.session()
    (node,) = bench.wcs.nodes
    told = await Asking(node, http)("/data/send", {"operationId": "o-1", "sessionId": ids(node)[0], "payload": 1})
    assert told.status_code == 200
    await node.api.settled()
    assert [hook.sent["status"] for hook in bench.wcs.hooks("DataStatusEvent")] == ["FAILED"]
    assert not [sent for sent in bench.wcs.sent if '"message": "OnDataEvent"' in sent.text]


async def test_older_builds_know_one_recipient_only(bench, http):
    await bench.start({}, api=ApiOptions(session_ids=False, raises=False))
    await bench.session()
    (node,) = bench.wcs.nodes
    asking, data = Asking(node, http), {"operationId": "o-1", "payload": 1}
    assert (await asking("/data/send", data | {"sessionIds": ids(node)})).status_code == 404
    assert (await asking("/data/send", data | {"sessionId": ids(node)[0]})).status_code == 200
    await node.api.settled()
    assert bench.wcs.hooks("OnDataEvent") == []


BASIC = {"none": (None, 401), "wrong": (("ops", "guess"), 401), "right": (("ops", "sésame"), 404)}


@pytest.mark.parametrize(("auth", "status"), BASIC.values(), ids=BASIC)
async def test_basic_authentication(bench, http, auth, status):
    await bench.start({}, api=ApiOptions(basic=("ops", "sésame")))
    told = await Asking(bench.wcs.nodes[0], http)("/stream/find_all", auth=auth and httpx.BasicAuth(*auth))
    assert told.status_code == status
    assert ("www-authenticate" in told.headers) is (status == 401)


FAULTY = {
    "unknown path": ("POST", "/connection/kill", b"{}", 404),
    "not posted": ("GET", "/connection/find_all", b"", 405),
    "no JSON": ("POST", "/connection/terminate", b"{", 400),
    "no object": ("POST", "/connection/terminate", b"[]", 400),
}


@pytest.mark.parametrize(("verb", "path", "body", "status"), FAULTY.values(), ids=FAULTY)
async def test_what_it_does_not_understand_ends_nobody(asking, bench, http, verb, path, body, status):
    told = await http.request(verb, f"{asking.node.api.url}{path}", content=body)
    assert told.status_code == status
    assert len(bench.wcs.sessions) == 3
    assert bench.wcs.wiped == 0


async def test_what_it_says_can_be_put_in_its_mouth(asking, bench):
    says = bench.wcs.nodes[0].api.says
    says[""] = Say(503, "Busy", b"<html>")
    says["/stream/find_all"] = Say(body=b"{garbage")
    says["/connection/find"] = Say(hang_up=True)
    says["/connection/find_all"] = Say(after=0.01)  # the truth, slowly
    assert (await asking("/connection/terminate", {"sessionId": "x"})).status_code == 503
    assert (await asking("/stream/find_all")).content == b"{garbage"
    assert len((await asking("/connection/find_all")).json()) == 2
    with pytest.raises(httpx.RemoteProtocolError):
        await asking("/connection/find", {"appKey": "defaultApp"})
    assert [request.method for request in bench.wcs.nodes[0].api.of("/connection/find_all")] == ["find_all"]


async def test_it_can_be_away_and_come_back(asking, bench):
    (node, _) = bench.wcs.nodes
    await node.api.http.stop()
    with pytest.raises(httpx.TransportError):
        await asking("/connection/find_all")
    await node.api.http.start()
    assert (await asking("/connection/find_all")).status_code == 200


async def test_a_node_that_starts_anew_tells_nobody_who_is_gone(asking, bench):
    before = len(bench.wcs.hooks())
    await bench.wcs.nodes[0].restart()
    for one in (bench.ann, bench.bob):
        await one.hung_up()
    assert len(bench.wcs.hooks()) == before
    assert (await asking("/connection/find_all")).status_code == 404
    assert len(bench.wcs.sessions) == 1
    assert (await (await bench.client()).establish())["authToken"]


async def test_streams_are_kept_alive_by_a_timer(bench):
    often = Properties(keep_alive_streaming_sessions_enabled=True, streaming_sessions_keep_alive_interval=10)
    guarded = configured(StreamKeepAliveEvent={"restOnError": "FAIL"})
    answers = {"connect": guarded, "StreamKeepAliveEvent": [Say(), Say(), NO]}
    await bench.start(answers, often, app_keys=("defaultApp", "another"))
    other = await bench.session(app_key="another")
    await other.publish("spared")
    one = await bench.session()
    await one.publish("cam")
    await one.hear({"notifyStreamStatusEvent": {"status": "FAILED", "info": "Terminated by keep-alive"}})
    assert {hook.sent["name"] for hook in bench.wcs.hooks("StreamKeepAliveEvent")} == {"cam"}
    assert [stream.name for stream in bench.wcs.node.streams()] == ["spared"]
