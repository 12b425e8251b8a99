"""Recipes of the manual with a media server: who gets to see what, by ways that are no browser's."""

import pytest

from tests import here
from tests.recipes import prepare, recipes
from tests.standin.backend import Say, backend, refused
from tests.standin.client import client
from tests.standin.server import stand_in

HMAC_KEY = "a-key-between-media-server-and-back-end"
CALLER = f'[caller]\nhmac_keys = ["{HMAC_KEY}"]\n'
RECIPES = recipes()
APPS = {
    "board": "Guard stills, playlists and RTSP with the playing",
    "cameras": "No addresses as names of streams",
    "hidden": "Hide a stream's real name",
    "kept": "End streams whose user may no longer stream",
}
CAMERA = "rtsp://cameras.example.com/lobby"
REFUSED = {"status": "FAILED", "info": "Access denied"}


@pytest.fixture(scope="module")
def authgate_process(tmp_path_factory):
    """A server with these recipes, each for its own application."""
    folder = tmp_path_factory.mktemp("recipes") / "authgate"
    sections = [RECIPES[title].for_app(app) for app, title in APPS.items()]
    shell = "\n".join(RECIPES[title].shell for title in APPS.values())
    with here.serve(prepare(folder, [CALLER, *sections], shell)) as server:
        yield server


@pytest.fixture
async def wcs(authgate_process):
    async with stand_in(authgate_process.hooks, app_keys=tuple(APPS), hmac_key=HMAC_KEY) as wcs:
        yield wcs
    assert wcs.node.faults == []


@pytest.fixture
def session(authgate_process, wcs):
    """How a user opens a session of an application."""

    async def establish(one, app, user):
        assert "authToken" in await one.establish(app, custom={"token": authgate_process.token(user)})

    return establish


@pytest.mark.parametrize(("user", "sees"), [("ann", True), ("bob", False)])
async def test_guarded_stream_is_seen_by_its_viewers_alone(authgate_process, wcs, session, user, sees):
    parameters = {"token": authgate_process.token(user)}
    async with client(wcs.url) as publisher, client(wcs.url) as viewer:
        await session(publisher, "board", "ann")
        await session(viewer, "board", user)
        assert (await publisher.publish("board-1"))["status"] == "PUBLISHING"
        assert (await viewer.play("board-1"))["status"] == ("PLAYING" if sees else "FAILED")
        assert ("type" in await viewer.snapshot("board-1")) is sees
        assert (await viewer.available("board-1"))["status"] == ("true" if sees else "false")
        assert await wcs.play_hls("board-1", parameters, "board") == (200 if sees else 401)
        assert await wcs.play_rtsp("board-1", parameters, "board") is sees


async def test_hidden_stream_is_nowhere_for_players_without_a_session(authgate_process, wcs, session):
    parameters = {"token": authgate_process.token("ann")}
    async with client(wcs.url) as one:
        await session(one, "hidden", "ann")
        await one.publish("lobby")
        assert wcs.node.publisher("k81x-lobby")
        assert await wcs.play_hls("lobby", parameters, "hidden") == 404
        assert await wcs.play_hls("k81x-lobby", parameters, "hidden") == 401
        assert await wcs.play_rtsp("lobby", parameters, "hidden") is False
        assert await wcs.play_rtsp("k81x-lobby", parameters, "hidden") is False


async def test_camera_that_may_be_named_is_pulled_from(wcs, session):
    wcs.outside.cameras.add(CAMERA)
    async with client(wcs.url) as one:
        await session(one, "cameras", "ann")
        assert (await one.play(CAMERA))["status"] == "PLAYING"
    assert wcs.outside.pulled == [CAMERA]


ADDRESSES = (
    "rtsp://192.168.0.1/admin", "http://169.254.169.254/latest/meta-data", "rtsp:/192.168.0.1/admin", "RTSP://[::1]/",
    "rtsp:\\\\192.168.0.1\\admin", "rtsp://cameras.example.com@192.168.0.1/", "rtsp://cameras.example.com.evil.example/",
    "rtsp://192.168.0.1/?rtsp://cameras.example.com/", " rtsp://192.168.0.1/", "rtsp%3a//192.168.0.1/", "file:///etc/passwd",
    "rtmp://cameras.example.com/lobby", "ｒtsp://192.168.0.1/", "rtsp://cameras.example.com:554@192.168.0.1/",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
async def test_nothing_is_fetched_from_within_the_network(wcs, session, address):
    wcs.outside.cameras.add(address)
    async with client(wcs.url) as one:
        await session(one, "cameras", "ann")
        assert REFUSED.items() <= (await one.play(address)).items()
        assert REFUSED.items() <= (await one.snapshot(address)).items()
        assert (await one.available(address))["status"] == "false"
        assert REFUSED.items() <= (await one.publish(address)).items()
    assert wcs.outside.pulled == []


async def test_publisher_has_its_stream_sent_nowhere(wcs, session):
    async with client(wcs.url) as one:
        await session(one, "cameras", "ann")
        stream = await one.publish("cam", rtmpUrl="rtmp://192.168.0.1/live")
        assert stream["status"] == "PUBLISHING"
        (publishing,) = wcs.node.streams()
        assert publishing.fields["rtmpUrl"] == ""


async def test_streams_of_a_disabled_user_end(authgate_process, wcs, session):
    async with client(wcs.url) as one, client(wcs.url) as two:
        await session(one, "kept", "ann")
        await session(two, "kept", "bob")
        await one.publish("kept")
        await two.publish("ended")
        authgate_process.run("user", "disable", "bob")
        try:
            await wcs.keep_alive()
            await two.hear({"notifyStreamStatusEvent": {"status": "FAILED", "info": "Terminated by keep-alive"}})
        finally:
            authgate_process.run("user", "enable", "bob")
        assert [stream.name for stream in wcs.node.streams()] == ["kept"]


async def test_back_end_that_was_there_before_still_says_where_streams_live(tmp_path):
    recipe = RECIPES["Let the back end you have be the judge"]
    renamed = Say(body=b'{"name":"old-cam","record":true}')
    async with backend(publishStream=[renamed, refused(), Say(500)]) as old:
        config = prepare(tmp_path / "authgate", [recipe.edited({"http://127.0.0.1:9000/hooks": old.url})], recipe.shell)
        with here.serve(config) as server:
            async with stand_in(server.hooks) as wcs, client(wcs.url) as one, client(wcs.url) as two:
                for each, user in ((one, "ann"), (two, "bob")):
                    await each.establish(custom={"token": server.token(user)})
                stream = await one.publish("cam")
                assert (stream["status"], stream["record"]) == ("PUBLISHING", False)
                assert (await two.play("old-cam"))["status"] == "PLAYING"
                assert (await two.play("cam"))["info"] == "Stream not found"
                assert REFUSED.items() <= (await one.publish("cam2")).items()
                assert (await one.publish("cam3"))["status"] == "FAILED"
                assert not any("old-cam" in sent.text for sent in wcs.sent)
