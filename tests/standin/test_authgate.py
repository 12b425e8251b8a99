"""The media server's stand-in and a real authgate, for clients that are no browser."""

import pytest

from tests import here, process
from tests.standin.client import client
from tests.standin.server import stand_in

HMAC_KEY = "a-key-between-media-server-and-back-end"
REFUSED = {"status": "FAILED", "info": "Access denied"}
APPS = ("defaultApp", "flashStreamingApp", "roomApp", "quiet", "cut", "free", "cdnApp")
SETTINGS = f"""
[caller]
hmac_keys = ["{HMAC_KEY}"]

[apps.quiet.policies]
call = "deny"
incoming = "deny"

[apps.cut.policies.methods]
StreamKeepAliveEvent = "deny"

[apps.free.policies]
connect = "allow_anonymous"

[apps.cdnApp.policies]
connect = "allow_anonymous"
call = "allow"
"""


@pytest.fixture(scope="module")
def authgate_process(tmp_path_factory):
    config = process.prepare(tmp_path_factory.mktemp("authgate"), SETTINGS, ann="correct horse of the test")
    with here.serve(config) as server:
        yield server


@pytest.fixture
async def wcs(authgate_process):
    async with stand_in(authgate_process.hooks, app_keys=APPS, hmac_key=HMAC_KEY) as wcs:
        yield wcs
    assert wcs.node.faults == []


@pytest.fixture
async def ann(authgate_process, wcs):
    """A client whose session is established."""
    async with client(wcs.url) as one:
        assert "authToken" in await one.establish(custom={"token": authgate_process.token()})
        yield one


async def does_everything(one):
    """Each operation that a client has, with the status that each came to."""
    stream = await one.publish("cam", custom={"seat": 7})
    return {
        "publishStream": stream["status"],
        "playStream": (await one.play("cam"))["status"],
        "snapshot": (await one.snapshot("cam")).get("type", "FAILED"),
        "availableStream": (await one.available("cam"))["status"],
        "OnDataEvent": (await one.send_data({"text": "hallö"}))["status"],
        "call": (await one.call("1002"))["status"],
    }


async def test_session_may_do_everything(ann, wcs):
    assert await does_everything(ann) == {
        "publishStream": "PUBLISHING",
        "playStream": "PLAYING",
        "snapshot": "snapshotCompleted",
        "availableStream": "true",
        "OnDataEvent": "ACCEPTED",
        "call": "ESTABLISHED",
    }
    assert await wcs.incoming_call(wcs.sessions[0], "1009", "1005") is True
    assert {hook.status for hook in wcs.hooks()} == {200}


async def is_refused_everything(one):
    assert await does_everything(one) == {
        "publishStream": "FAILED",
        "playStream": "FAILED",
        "snapshot": "FAILED",
        "availableStream": "false",
        "OnDataEvent": "FAILED",
        "call": "FAILED",
    }


@pytest.mark.parametrize("app_key", ["quiet", "free"])
async def test_refusals_are_obeyed_everywhere(authgate_process, wcs, app_key):
    """Denied by policy, or anonymous where a session must be authenticated: nothing gets past for want of FAIL."""
    offered = {} if app_key == "free" else {"custom": {"token": authgate_process.token()}}
    async with client(wcs.url) as one:
        assert "authToken" in await one.establish(app_key, **offered)
        await is_refused_everything(one)
        assert await wcs.incoming_call(wcs.sessions[0], "1009", "1005") is False
        assert REFUSED.items() <= one.frames[-1][1].items()


async def test_bad_credentials_are_not_anonymous(authgate_process, wcs):
    async with client(wcs.url) as one:
        assert REFUSED.items() <= (await one.establish("free", custom={"token": "guess"})).items()


async def test_pull_between_nodes_brings_no_credentials(wcs):
    async with client(wcs.url) as node:
        assert "authToken" in await node.establish("cdnApp", status="NEW", custom={"aclAuth": "k1"})
        assert (await node.publish("relayed"))["status"] == "PUBLISHING"


async def test_keep_alive_ends_a_stream_where_it_is_denied(authgate_process, wcs, ann):
    await ann.publish("kept")
    async with client(wcs.url) as one:
        await one.establish("cut", custom={"token": authgate_process.token()})
        await one.publish("cut")
        await wcs.keep_alive()
        await one.hear({"notifyStreamStatusEvent": {"status": "FAILED", "info": "Terminated by keep-alive"}})
    assert [stream.name for stream in wcs.node.streams()] == ["kept"]


VIEWERS = {
    "good token": (lambda a: {"token": a.token()}, True),
    "nothing": (lambda a: {}, False),
    "bad token": (lambda a: {"token": "guess"}, False),
    "expired token": (lambda a: {"token": a.token(exp=1)}, False),
}


@pytest.mark.parametrize(("parameters", "let_in"), VIEWERS.values(), ids=VIEWERS)
async def test_viewers_without_a_session(authgate_process, wcs, ann, parameters, let_in):
    await ann.publish("cam")
    offered = parameters(authgate_process)
    assert await wcs.play_hls("cam", offered) == (200 if let_in else 401)
    assert await wcs.play_rtsp("cam", offered) is let_in


RTMP = {"good token": (lambda a: {"token": a.token()}, "authToken"), "bad token": (lambda a: {"token": "x"}, "info")}


@pytest.mark.parametrize(("parameters", "field"), RTMP.values(), ids=RTMP)
async def test_rtmp_encoder(authgate_process, wcs, parameters, field):
    offered = parameters(authgate_process)
    async with client(wcs.url) as encoder:
        told = await encoder.establish("flashStreamingApp", mediaProviders=None, login="rQq8yJCx", custom=offered)
        assert field in told


async def test_sip_secrets_stay_on_the_server(authgate_process, wcs):
    secrets = {"sipLogin": "2001", "sipPassword": "pbx-secret-of-the-test", "sipDomain": "pbx.example.net"}
    custom = {"token": authgate_process.token()}
    async with client(wcs.url) as one:
        assert "authToken" in await one.establish(custom=custom, **secrets)
        await does_everything(one)
    hidden = [*secrets.values(), *custom.values()]
    assert not [sent for sent in wcs.sent for secret in hidden if secret in sent.text]


async def test_session_is_over_when_its_client_has_left(authgate_process, wcs):
    async with client(wcs.url) as one:
        await one.establish(custom={"token": authgate_process.token()})
        (session,) = wcs.sessions
    await wcs.everyone_left()
    app = wcs.node.apps["defaultApp"]
    answer = await wcs.node.rest.send(app, "publishStream", session.common | {"name": "late"})
    assert (answer.status, answer.error) == (403, "Access denied")


async def test_a_user_who_is_disabled_can_do_no_more(authgate_process, wcs):
    authgate_process.run("user", "add", "eve", "--password-stdin", given="another horse of the test\n")
    async with client(wcs.url) as one:
        await one.establish(custom={"login": "eve", "password": "another horse of the test"})
        assert (await one.publish("before"))["status"] == "PUBLISHING"
        authgate_process.run("user", "disable", "eve")
        assert REFUSED.items() <= (await one.publish("after")).items()
