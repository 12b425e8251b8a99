"""What a node of the media server answers, and what it is told: over HTTP."""

import asyncio
import json
import socket

import pytest

from authgate.errors import WcsError
from authgate.model import Secret
from authgate.wcs import WcsCall, WcsConnection, WcsStream

from .fake import connection, reply, running, stream

PASSWORD = "s3cret-of-the-node"


async def test_what_is_there_is_listed(fake, node_of):
    fake.connections = {"/203.0.113.7:52791/192.0.2.10:8443": connection("/203.0.113.7:52791/192.0.2.10:8443")}
    fake.streams = {"m": stream("m", "s", "cam")}
    node = node_of(fake.url)
    assert await node.connections() == [WcsConnection("/203.0.113.7:52791/192.0.2.10:8443", "app")]
    assert await node.streams() == [
        WcsStream("m", "s", "app", "", "cam", published=True, status="PUBLISHING", created_at=1_700_000_000_000)
    ]
    assert fake.heard == [("/connection/find_all", None), ("/stream/find_all", None)]


@pytest.mark.parametrize("proves", [True, False])
async def test_not_found_means_that_nothing_is_there(fake, node_of, proves):
    fake.answers = {"/connection/find_all": reply("", 404)}
    fake.proves = proves
    node = node_of(fake.url)
    assert (await node.connections(), await node.streams()) == ([], [])
    assert node.proven == proves  # else the address may be wrong as well


async def test_a_wrong_address_is_not_taken_for_an_end(fake, node_of):
    fake.add("s")
    node = node_of(fake.url.removesuffix("/rest-api") + "/elsewhere")
    assert await node.connections() == []
    assert not node.proven
    for end in (node.terminate_session, node.terminate_stream):
        with pytest.raises(WcsError, match="answers 404 to everything; is url right"):
            await end("s")


async def test_a_list_proves_that_what_is_not_found_is_not_there(fake, node_of):
    fake.proves = False
    assert not await node_of(fake.url).terminate_session("s")


async def test_a_node_that_gave_a_list_once_is_proven(fake, node_of):
    node = node_of(fake.url)
    assert await node.connections() == []
    assert node.proven


READ = {
    "all that is null": ('[{"sessionId":"s","appKey":null,"nodeId":null,"status":null}]', [WcsConnection("s")]),
    "a number for text": ('[{"sessionId":7,"appKey":8}]', [WcsConnection("7", "8")]),
    "what nobody knows of": ('[{"sessionId":"s","x":{"y":[1,{}]},"z":1e400}]', [WcsConnection("s")]),
    "white space": (
        '\r\n [ \t{"sessionId" : "s"} \n , {"sessionId":"t"} ]\n',
        [WcsConnection("s"), WcsConnection("t")],
    ),
    "a byte order mark": ('\ufeff[{"sessionId":"s"}]', [WcsConnection("s")]),
    "a node": ('[{"sessionId":"s","nodeId":"n"}]', [WcsConnection("s", node="n")]),
    "one that has no id": (
        '[{"sessionId":null},{"sessionId":""},{"sessionId":true},{"sessionId":"s"}]',
        [WcsConnection("s")],
    ),
    "one that is no object": ('[null,1,"x",[],{"sessionId":"s"}]', [WcsConnection("s")]),
    "none": ("[]", []),
}


@pytest.mark.parametrize(("body", "found"), READ.values(), ids=READ)
async def test_connections_are_read_leniently(fake, node_of, body, found):
    fake.answers = {"/connection/find_all": reply(body)}
    assert await node_of(fake.url).connections() == found


STREAMS = {
    "text for all": (
        {"published": "true", "createDate": "1700000000000", "name": 5},
        WcsStream("m", name="5", published=True, created_at=1_700_000_000_000),
    ),
    "false in text": ({"published": "false"}, WcsStream("m")),
    "null for all": (
        {"published": None, "createDate": None, "name": None, "sessionId": None, "appKey": None},
        WcsStream("m"),
    ),
    "no word of publishing": ({"mediaType": "publish"}, WcsStream("m", published=True)),
    "no word of publishing, and played": ({"mediaType": "play"}, WcsStream("m")),
    "a time that is none": ({"createDate": "yesterday"}, WcsStream("m")),
    "a time below zero": ({"createDate": -1}, WcsStream("m")),
    "a time beyond all": ({"createDate": 10**30}, WcsStream("m")),
    "a time of endless digits": ({"createDate": "9" * 5000}, WcsStream("m")),
    "a time in floating point": ({"createDate": 1.7e12}, WcsStream("m", created_at=1_700_000_000_000)),
    "truth for a time": ({"createDate": True}, WcsStream("m")),
}


@pytest.mark.parametrize(("fields", "found"), STREAMS.values(), ids=STREAMS)
async def test_streams_are_read_leniently(fake, node_of, fields, found):
    fake.answers = {"/stream/find_all": reply(json.dumps([{"mediaSessionId": "m", **fields}]))}
    assert await node_of(fake.url).streams() == [found]


async def test_calls_are_listed_where_the_build_knows_them(fake, node_of):
    node = node_of(fake.url)
    assert await node.calls() is None
    fake.calls = {}
    assert await node.calls() == []
    fake.calls = {"c": {"callId": "c", "sessionId": "s", "status": "ESTABLISHED"}, "x": {"callId": None}}
    assert await node.calls() == [WcsCall("c", "s", "ESTABLISHED")]


NO_LISTS = {
    "nothing": b"",
    "null": b"null",
    "an object": b"{}",
    "text": b'"[]"',
    "a page": b"<html>login</html>",
    "no UTF-8": b'[{"sessionId":"\xff"}]',
    "a list that breaks off": b'[{"sessionId":"s"}',
    "a list that breaks off after a comma": b'[{"sessionId":"s"},',
    "a comma too many": b'[{"sessionId":"s"},]',
    "more behind it": b'[{"sessionId":"s"}] []',
    "an object that breaks off": b'[{"sessionId":"s"',
    "numbers": b"[1,2]",
    "objects without an id": b"[{},{}]",
    "lists in lists without end": b"[" * 200_000,
    "a number of endless digits": b'[{"sessionId":' + b"9" * 5000 + b"}]",
}


@pytest.mark.parametrize("body", NO_LISTS.values(), ids=NO_LISTS)
async def test_what_is_no_list_is_no_answer(fake, node_of, body):
    fake.answers = {"/connection/find_all": reply(body)}
    node = node_of(fake.url)
    with pytest.raises(WcsError, match="gives an answer that is"):
        await node.connections()
    assert not node.proven


REFUSALS = {
    "no login where one is wanted": (reply("", 401), "asks for a username and password .status 401.; see"),
    "forbidden": (reply("", 403), "asks for a username and password .status 403."),
    "an error of its own": (reply("boom", 500), "answers with status 500$"),
    "away elsewhere": (reply("", 302, "Location: http://192.0.2.66/"), "leads elsewhere .status 302."),
    "no content": (reply("", 204), "answers with status 204"),
    "an encoding": (reply(b"\x1f\x8b", 200, "Content-Encoding: gzip"), "in an encoding that it was not asked for"),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", "does not speak HTTP"),
    "no answer": (b"", "hung up without an answer"),
    "too much": (reply(b"[" + b" " * 5000 + b"]"), "of too many bytes"),
}


@pytest.mark.parametrize(("answer", "told"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_says_why(fake, node_of, answer, told):
    fake.answers = dict.fromkeys(("/connection/find_all", "/stream/find_all", "/connection/terminate"), answer)
    node = node_of(fake.url, max_answer=1024)
    for question in (node.connections, node.streams):
        with pytest.raises(WcsError, match=told):
            await question()
    if "bytes" not in told:
        with pytest.raises(WcsError, match=told):
            await node.terminate_session("s")


async def test_it_logs_in_without_being_asked(fake, node_of):
    fake.login = ("Ann", PASSWORD)
    fake.add("s")
    node = node_of(fake.url, username="Ann", password=Secret(PASSWORD))
    assert [each.session for each in await node.connections()] == ["s"]
    assert len(fake.heard) == 1


async def test_a_wrong_password_is_told_and_not_shown(fake, node_of):
    fake.login = ("ann", "another")
    node = node_of(fake.url, username="ann", password=Secret(PASSWORD))
    with pytest.raises(WcsError, match="does not take this username and password") as caught:
        await node.connections()
    assert caught.value.status == 401
    assert not caught.value.away
    assert PASSWORD not in repr(caught.value) + repr(node.options) + repr(vars(node))


async def test_who_is_away_is_told_in_time(node_of):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(WcsError, match="cannot be reached") as caught:
        await node_of(f"http://127.0.0.1:{port}/rest-api").connections()
    assert caught.value.away


async def test_who_is_slow_is_not_waited_for(fake, node_of):
    fake.pause = 30
    with pytest.raises(WcsError, match=r"does not answer within 0\.05 seconds") as caught:
        await node_of(fake.url, timeout=0.05).connections()
    assert caught.value.away


async def test_no_more_is_asked_at_once_than_may_be(fake, node_of):
    fake.pause = 0.01
    sessions = [f"s{each}" for each in range(40)]
    fake.add(*sessions)
    node = node_of(fake.url, connections=4)
    assert all(await asyncio.gather(*map(node.terminate_session, sessions)))
    assert fake.most == 4
    assert not fake.connections


async def test_one_is_ended_and_no_other(fake, node_of):
    fake.add("a", "b")
    fake.streams = {"m": stream("m", "b"), "o": stream("o", "b")}
    node = node_of(fake.url)
    assert await node.terminate_session("a")
    assert not await node.terminate_session("a")
    assert await node.terminate_stream("m")
    assert not await node.terminate_stream("m")
    assert [*fake.connections] == ["b"]
    assert [*fake.streams] == ["o"]


HOSTILE = [
    "",
    " ",
    "\t\r\n",
    "\u2003\u00a0",
    None,
    0,
    1,
    True,
    False,
    b"s",
    [],
    ["s"],
    {},
    {"sessionId": "s"},
    range(2),
]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
async def test_an_empty_filter_that_would_end_everything_is_never_sent(fake, node_of, value):
    fake.add("s")
    fake.streams = {"m": stream("m")}
    node = node_of(fake.url)
    for end in (node.terminate_session, node.terminate_stream):
        with pytest.raises(WcsError, match="nothing is ended without its"):
            await end(value)
    assert fake.heard == []


ODD = ["*", "null", "{}", '","appKey":"', "\ud800", "\0", "/203.0.113.7:1/192.0.2.10:8443", "𝄞", "s" * 10_000]


@pytest.mark.parametrize("value", ODD, ids=ascii)
async def test_an_odd_id_is_sent_as_it_is(fake, node_of, value):
    assert not await node_of(fake.url).terminate_session(value)
    assert fake.heard == [("/connection/terminate", {"sessionId": value})]


async def test_a_message_to_one_and_to_several(fake, node_of):
    fake.add("a", "b")
    node = node_of(fake.url)
    assert await node.send("n", "op-1", ["a"], {"x": 1})
    assert await node.send("n", "op-2", ["a", "b"], {})
    assert not await node.send("n", "op-3", ["gone"], {})
    assert [body for _, body in fake.heard] == [
        {"nodeId": "n", "operationId": "op-1", "sessionId": "a", "payload": {"x": 1}},
        {"nodeId": "n", "operationId": "op-2", "sessionIds": ["a", "b"], "payload": {}},
        {"nodeId": "n", "operationId": "op-3", "sessionId": "gone", "payload": {}},
    ]


@pytest.mark.parametrize("sessions", [[], [""], ["a", ""], ["a", None], [" "], ""], ids=repr)
async def test_a_message_to_nobody_is_not_sent_to_everybody(fake, node_of, sessions):
    with pytest.raises(WcsError, match="nothing is sent without a sessionId"):
        await node_of(fake.url).send("n", "op", sessions, {})
    assert fake.heard == []


async def test_a_message_that_may_have_arrived_is_not_sent_again(fake, node_of):
    fake.answers = {"/data/send": b""}
    with pytest.raises(WcsError, match="hung up"):
        await node_of(fake.url).send("n", "op", ["a"], {})
    assert fake.paths() == ["/data/send"]


async def test_a_node_that_comes_back_is_asked_again(fake, node_of):
    async with running() as other:
        node = node_of(other.url)
        other.add("s")
        assert await node.connections()
        port = int(other.url.split(":")[2].split("/")[0])
    async with running(port, fake):
        assert await node.connections() == []
