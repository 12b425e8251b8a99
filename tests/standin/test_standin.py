"""The stand-in against the vendor's rules: what it does with each answer, whatever authgate may answer."""

import json

import pytest

from tests.standin.backend import Say, configured, refused
from tests.standin.client import client
from tests.standin.rest import Properties
from tests.standin.wire import HOOKS

NO = refused(status=403, phrase="Forbidden")
SECRET = {"custom": {"token": "opensesame"}, "sipLogin": "1001", "sipPassword": "sip-secret"}


async def connects(bench, one):
    return "goes on" if one.frames[0][0] == "getUserData" else "broken off"


async def publishes(bench, one):
    return "goes on" if (await one.publish("cam"))["status"] == "PUBLISHING" else "broken off"


async def publishes_then_warned(bench, one):
    if (await one.publish("cam"))["status"] != "PUBLISHING":
        return "broken off"
    await one.available("cam")  # by its answer, any warning before it has come
    return "goes on, warned" if "fail" in [message for message, _ in one.frames] else "goes on"


async def is_called(bench, one):
    if await bench.wcs.incoming_call(bench.wcs.sessions[0], "1009", "1005"):
        await one.hear({"notifyIncomingCall": {"caller": "1009"}})
        return "goes on"
    await one.hear({"fail": {"apiMethod": "OnCallEvent"}})
    return "broken off"


async def stays_alive(bench, one):
    stream = await one.publish("cam")
    assert stream["status"] == "PUBLISHING"
    await bench.wcs.keep_alive()
    await one.available("cam")  # by its answer, any end of the stream has come
    return "broken off" if one.frames[-2][1].get("info") == "Terminated by keep-alive" else "goes on"


# What comes of a 403 under each restOnError: the vendor's table, with its one refusable event.
MATRIX = {
    "direct, by default": ("publishStream", None, publishes, "goes on"),
    "direct under LOG": ("publishStream", "LOG", publishes, "goes on"),
    "direct under FAIL": ("publishStream", "FAIL", publishes, "broken off"),
    "event, by default": ("StreamStatusEvent", None, publishes_then_warned, "goes on"),
    "event under LOG": ("StreamStatusEvent", "LOG", publishes_then_warned, "goes on"),
    "event under FAIL": ("StreamStatusEvent", "FAIL", publishes_then_warned, "goes on, warned"),
    "incoming call, by default": ("OnCallEvent", None, is_called, "goes on"),
    "incoming call under LOG": ("OnCallEvent", "LOG", is_called, "goes on"),
    "incoming call under FAIL": ("OnCallEvent", "FAIL", is_called, "broken off"),
    "keep-alive, by default": ("StreamKeepAliveEvent", None, stays_alive, "goes on"),
    "keep-alive under LOG": ("StreamKeepAliveEvent", "LOG", stays_alive, "goes on"),
    "keep-alive under FAIL": ("StreamKeepAliveEvent", "FAIL", stays_alive, "broken off"),
}


@pytest.mark.parametrize(("method", "on_error", "does", "outcome"), MATRIX.values(), ids=MATRIX)
async def test_refused(bench, method, on_error, does, outcome):
    config = configured() if on_error is None else configured(**{method: {"restOnError": on_error}})
    await bench.start({"connect": config, method: NO})
    one = await bench.session()
    assert await does(bench, one) == outcome
    assert f"{method}: Forbidden" in bench.wcs.node.log


async def test_refused_connect_needs_no_setting(bench):
    await bench.start({"connect": NO})
    one = await bench.client()
    assert await one.establish() == {"status": "FAILED", "info": "Forbidden", "apiMethod": "ConnectionStatusEvent"}
    await one.hung_up()
    told = [hook.sent["status"] for hook in bench.wcs.hooks("ConnectionStatusEvent")]
    assert told == ["FAILED", "DISCONNECTED"]
    assert bench.wcs.sessions == []


async def test_unknown_application_is_refused_without_a_hook(bench):
    await bench.start({})
    one = await bench.client()
    assert (await one.establish("otherApp"))["status"] == "FAILED"
    await one.hung_up()
    assert bench.backend.requests == []


# Whatever is not a 200 with a JSON object, in time, is an error.
TROUBLE = {
    "403": NO,
    "500": Say(500, "Oops"),
    "201": Say(201, "Created"),
    "204": Say(204, "No Content", b""),
    "302": Say(302, "Found"),
    "late": Say(after=5),
    "no answer": Say(hang_up=True),
    "empty 200": Say(body=b""),
    "list": Say(body=b"[]"),
    "broken JSON": Say(body=b'{"a":'),
    "no content type": Say(content_type=None),
    "text": Say(content_type="text/plain"),
}
HASTY = Properties(rest_request_timeout=0.3)


@pytest.mark.parametrize("answer", TROUBLE.values(), ids=TROUBLE)
@pytest.mark.parametrize(("on_error", "status"), [("FAIL", "FAILED"), ("LOG", "PUBLISHING")])
async def test_trouble(bench, answer, on_error, status):
    await bench.start({"connect": configured(publishStream={"restOnError": on_error}), "publishStream": answer}, HASTY)
    one = await bench.session()
    assert (await one.publish("cam"))["status"] == status


@pytest.mark.parametrize("answer", TROUBLE.values(), ids=TROUBLE)
async def test_trouble_at_connect(bench, answer):
    await bench.start({"connect": answer}, HASTY)
    assert (await (await bench.client()).establish())["status"] == "FAILED"


async def test_unreachable_back_end_refuses_connect(bench):
    await bench.start({})
    bench.wcs.node.apps["defaultApp"] = type(bench.wcs.node.apps["defaultApp"])("http://127.0.0.1:1/x", HOOKS)
    assert (await (await bench.client()).establish())["status"] == "FAILED"


REASONS = {
    "phrase of an empty page": (refused(phrase="Go away"), "Go away"),
    "exactly two keys": (refused(reason="Wrong credentials", code=403), "Forbidden"),
    "a third key": (Say(403, "Forbidden", b'{"status":403,"reason":"No","details":1}'), "Forbidden"),
    "the wrong status": (Say(403, "Forbidden", b'{"status":401,"reason":"No"}'), "Forbidden"),
    "not called JSON": (Say(403, "Forbidden", b'{"status":403,"reason":"No"}', "text/html"), "Forbidden"),
    "own reason": (Say(403, "Forbidden", b'{"status":403,"reason":"No"}'), "No"),
}


@pytest.mark.parametrize(("answer", "info"), REASONS.values(), ids=REASONS)
async def test_reason(bench, answer, info):
    await bench.start({"connect": answer})
    assert (await (await bench.client()).establish())["info"] == info


async def test_client_exclude_hides_from_the_client_only(bench):
    hidden = configured(ConnectionStatusEvent={"clientExclude": "custom,sipPassword"})
    await bench.start({"connect": hidden})
    one = await bench.client()
    told = await one.establish(**SECRET)
    assert "custom" not in told
    assert "sipPassword" not in told
    assert told["sipLogin"] == "1001"
    (event,) = bench.wcs.hooks("ConnectionStatusEvent")
    assert event.sent["sipPassword"] == "sip-secret"


async def test_without_client_exclude_the_client_is_sent_its_secrets(bench):
    await bench.start({})
    await bench.session(**SECRET)
    assert any("opensesame" in sent.text and "sip-secret" in sent.text for sent in bench.wcs.sent)


async def test_rest_exclude_hides_from_the_back_end(bench):
    await bench.start({"connect": configured(publishStream={"restExclude": "sdp,custom"})})
    one = await bench.session()
    stream = await one.publish("cam", custom={"seat": 7})
    (hook,) = bench.wcs.hooks("publishStream")
    assert not {"sdp", "custom"} & set(hook.sent)
    assert stream["custom"] == {"seat": 7}


RENAMED = Say(body=b'{"name":"inner","custom":{"seat":8}}')
OVERWRITES = {
    "notify": ({"restPolicy": "NOTIFY", "restOverwrite": "name"}, "cam"),
    "listed": ({"restPolicy": "OVERWRITE", "restOverwrite": "name"}, "inner"),
    "not listed": ({"restPolicy": "OVERWRITE", "restOverwrite": "sdp"}, "cam"),
    "nothing listed": ({"restPolicy": "OVERWRITE"}, "cam"),
    "listed, absent from the answer": ({"restPolicy": "OVERWRITE", "restOverwrite": "record"}, "cam"),
}


@pytest.mark.parametrize(("entry", "name"), OVERWRITES.values(), ids=OVERWRITES)
async def test_overwrite(bench, entry, name):
    await bench.start({"connect": configured(publishStream=entry), "publishStream": RENAMED})
    one = await bench.session()
    stream = await one.publish("cam", custom={"seat": 7})
    assert stream["name"] == name
    assert stream["custom"] == {"seat": 7}


async def test_connect_may_be_overwritten_without_a_setting(bench):
    await bench.start({"connect": Say(body=b'{"sipLogin":"1009","sessionId":"another"}')})
    one = await bench.client()
    told = await one.establish()
    assert told["sipLogin"] == "1009"
    assert told["sessionId"] != "another"


async def test_disabled_method_is_not_sent(bench):
    await bench.start({"connect": configured(publishStream={"restPolicy": "DISABLE", "restOnError": "FAIL"})})
    one = await bench.session()
    assert (await one.publish("cam"))["status"] == "PUBLISHING"
    assert bench.wcs.hooks("publishStream") == []


async def test_method_that_the_app_lacks_is_not_sent(bench):
    await bench.start({"connect": NO}, methods=HOOKS - {"connect"})
    assert (await (await bench.client()).establish())["authToken"]
    assert bench.backend.of("connect") == []


FULL = {"clientExclude": "", "restExclude": "", "restOnError": "FAIL", "restPolicy": "NOTIFY", "restOverwrite": ""}
FAULTS = {
    "a field short": {key: value for key, value in FULL.items() if key != "restOverwrite"},
    "a field too many": FULL | {"restTimeout": "1"},
    "unknown restOnError": FULL | {"restOnError": "fail"},
    "unknown restPolicy": FULL | {"restPolicy": "DISABLED"},
    "a list, not text": FULL | {"restExclude": ["sdp"]},
    "spaces in a list": FULL | {"restExclude": "sdp, custom"},
    "not an object": "FAIL",
}


@pytest.mark.parametrize("entry", FAULTS.values(), ids=FAULTS)
async def test_faulty_settings_are_no_settings(bench, entry):
    config = Say(body=json.dumps({"restClientConfig": {"publishStream": entry}}).encode())
    await bench.start({"connect": config, "publishStream": NO})
    one = await bench.session()
    assert (await one.publish("cam"))["status"] == "PUBLISHING"
    assert len(bench.wcs.node.faults) == 1


async def test_request_is_what_the_manual_shows(bench):
    await bench.start({}, hmac_key="example-secret")
    one = await bench.session()
    await one.publish("café")
    request = bench.backend.of("publishStream")[0]
    assert (request.verb, request.path) == ("POST", "/hooks/publishStream")
    assert request.headers["content-type"] == "application/json;charset=UTF-8"
    assert request.headers["user-agent"].startswith("Java/")
    assert request.headers["authorization"].startswith("WCS ")
    assert "accept-encoding" not in request.headers
    assert "café".encode() in request.body
    assert list(request.fields)[:3] == ["nodeId", "appKey", "sessionId"]


VECTORS = {
    "ascii": (b'{"appKey":"defaultApp"}', "809deb46072c23e12bb71b6d373d3f6e"),
    "not ascii": ('{"name":"café"}'.encode(), "5bd44da94b5b1c5c8f77bec845887814"),
}


@pytest.mark.parametrize(("body", "hash"), VECTORS.values(), ids=VECTORS)
async def test_signature(bench, body, hash):
    await bench.start({}, hmac_key="example-secret")
    node = bench.wcs.node
    await node.rest.send(node.apps["defaultApp"], "connect", json.loads(body))
    (request,) = bench.backend.requests
    assert request.body == body
    assert request.headers["authorization"] == f"WCS {hash}"


async def test_connection_is_kept_alive(bench):
    await bench.start({})
    one = await bench.session()
    for number in range(5):
        await one.send_data({"number": number})
    assert len(bench.backend.requests) == 12
    assert bench.backend.connections == 1


RETRIES = {
    "broken three times": ([Say(hang_up=True)] * 3 + [Say()], Properties(), "getUserData", 4),
    "broken for good": ([Say(hang_up=True)], Properties(), "fail", 4),
    "retries off": (
        [Say(hang_up=True), Say()],
        Properties(rest_client_request_sent_retry_enabled=False),
        "fail",
        1,
    ),
    "late answers are not tried again": ([Say(after=5), Say()], HASTY, "fail", 1),
    "refusals are not tried again": ([NO, Say()], Properties(), "fail", 1),
}


@pytest.mark.parametrize(("answers", "properties", "message", "count"), RETRIES.values(), ids=RETRIES)
async def test_retries(bench, answers, properties, message, count):
    await bench.start({"connect": list(answers)}, properties)
    one = await bench.session()
    assert one.frames[0][0] == message
    assert len(bench.backend.of("connect")) == count


async def test_streams_and_their_players(bench):
    await bench.start({})
    one, two = await bench.session(), await bench.session()
    assert (await two.play("cam"))["info"] == "Stream not found"
    stream = await one.publish("cam")
    assert (await two.publish("cam"))["info"] == "Stream name is already in use"
    assert (await two.play("cam"))["status"] == "PLAYING"
    assert (await two.available("cam"))["status"] == "true"
    assert (await two.snapshot("cam"))["type"] == "snapshotCompleted"
    assert (await one.stop(stream))["status"] == "UNPUBLISHED"
    assert (await two.hear({"notifyStreamStatusEvent": {"status": "STOPPED"}}))["info"] == "Stopped by publisher stop"


async def test_end_of_a_session_ends_its_streams(bench):
    await bench.start({})
    async with client(bench.wcs.url) as one:
        await one.establish()
        await one.publish("cam")
    await bench.wcs.everyone_left()
    ends = [(hook.method, hook.sent["status"]) for hook in bench.wcs.hooks()[-2:]]
    assert ends == [("StreamStatusEvent", "UNPUBLISHED"), ("ConnectionStatusEvent", "DISCONNECTED")]


DATA = {"by default": (configured(), "ACCEPTED"), "under FAIL": (configured(OnDataEvent=FULL), "FAILED")}


@pytest.mark.parametrize(("config", "status"), DATA.values(), ids=DATA)
async def test_refused_data(bench, config, status):
    await bench.start({"connect": config, "OnDataEvent": NO})
    assert (await (await bench.session()).send_data({"text": "hallö"}))["status"] == status


CALLS = {"by default": (configured(), "ESTABLISHED"), "under FAIL": (configured(call=FULL), "FAILED")}


@pytest.mark.parametrize(("config", "status"), CALLS.values(), ids=CALLS)
async def test_refused_call(bench, config, status):
    await bench.start({"connect": config, "call": NO})
    assert (await (await bench.session()).call("1002"))["status"] == status


SESSIONLESS = {"allowed": (Say(), 200), "refused": (NO, 401), "another error": (Say(503, "Busy"), 200)}


@pytest.mark.parametrize(("answer", "status"), SESSIONLESS.values(), ids=SESSIONLESS)
async def test_viewers_without_a_session(bench, answer, status):
    await bench.start({"playHLS": answer, "playRTSP": answer})
    await (await bench.session()).publish("cam")
    assert await bench.wcs.play_hls("cam", {"token": "abc"}) == status
    assert await bench.wcs.play_rtsp("cam", {"aclAuth": "abc"}) is (status == 200)


async def test_clients_are_pinged(bench):
    await bench.start({}, ping_interval=0.01)
    await (await bench.session()).hear({"ping": {}})
