"""What the vendor offers hooks for, by the very recipes of the manual: what a page sees, and what the others do."""

import pytest
import pytest_asyncio

from tests import process
from tests.browser.conftest import HMAC_KEY
from tests.recipes import prepare, recipes
from tests.standin.backend import Say, backend, configured
from tests.standin.outside import Account
from tests.standin.server import stand_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECIPES = recipes()
# Each recipe for an application of its own, so that one server can hold them all: appKey, title, what else to replace.
APPS = {
    "account": ("Inject the SIP account at connect", {}),  # its secret must be there first
    "prefix": ("Give every published stream a prefix", {}),
    "user": ("Put the user's name before the stream's", {}),
    "hidden": ("Hide a stream's real name", {}),
    "cameras": ("Play a camera by a public name", {}),
    "calls": ("Redirect a call", {}),
    "night": (
        "Send calls to a hotline out of office hours",
        {'"sat,sun"]': '"mon-sun"]'},  # it is always night
    ),
}
CALLER = f'[caller]\nhmac_keys = ["{HMAC_KEY}"]\n'
CAMERA = "rtsp://viewer:k4mera@198.51.100.7/main"
REFUSED = {"status": "FAILED", "info": "Access denied"}
NOT_FOUND = {"status": "FAILED", "info": "Stream not found"}


@pytest.fixture(scope="module")
def recipes_process(sdk, tmp_path_factory):
    """A server with all of these recipes, each for its own application."""
    folder = tmp_path_factory.mktemp("recipes") / "authgate"
    sections = [RECIPES[title].for_app(app, edit) for app, (title, edit) in APPS.items()]
    shell = "\n".join(RECIPES[title].shell for title, _ in APPS.values())
    config = prepare(folder, [CALLER, *sections], shell)
    with process.serve(config) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def wcs(recipes_process):
    async with stand_in(recipes_process.hooks, app_keys=tuple(APPS), hmac_key=HMAC_KEY) as wcs:
        yield wcs
    assert wcs.node.faults == []


@pytest.fixture
def visit(recipes_process, wcs):
    async def visit(page, app, user="ann"):
        """Open a session of a user in a page."""
        told = await page.open(wcs.url, appKey=app, custom={"token": recipes_process.token(user)})
        assert [each["status"] for each in told] == ["CONNECTED", "ESTABLISHED"]

    return visit


def seen(page, *texts):
    """Those of the texts that stand in anything that a page was sent."""
    assert page.frames
    return [text for text in texts if any(text in frame for frame in page.frames)]


PUBLISHED = {"prefix": "web-cam", "user": "ann-cam"}


@pytest.mark.parametrize(("app", "name"), PUBLISHED.items())
async def test_published_stream_is_renamed(wcs, visit, page, other, app, name):
    await visit(page, app)
    await visit(other, app, "bob")
    assert (await page.start("publish", "cam"))["status"] == "PUBLISHING"
    assert wcs.node.publisher("cam") is None
    assert await other.start("play", "cam") == NOT_FOUND
    assert (await other.start("play", name))["status"] == "PLAYING"
    assert seen(page, name) == []
    assert {hook.sent["name"] for hook in wcs.hooks("StreamStatusEvent") if hook.sent.get("published")} == {name}


async def test_real_name_is_hidden(recipes_process, wcs, visit, page, other):
    await visit(page, "hidden")
    await visit(other, "hidden", "bob")
    assert (await page.start("publish", "lobby"))["status"] == "PUBLISHING"
    assert (await other.start("play", "lobby"))["status"] == "PLAYING"
    assert await other.snapshot("lobby") == "taken"
    assert await other.available("lobby") is True
    (publisher,) = [stream for stream in wcs.node.streams() if stream.published]
    assert publisher.name == "k81x-lobby"
    assert len(wcs.node.players("k81x-lobby")) == 1
    await page.page.evaluate("session.disconnect()")
    await other.page.wait_for_function("session.getStreams().every((each) => each.status() !== 'PLAYING')")
    assert seen(page, "k81x") == seen(other, "k81x") == []


async def test_real_name_leads_nowhere(recipes_process, wcs, visit, page, other):
    await visit(page, "hidden")
    await visit(other, "hidden", "bob")
    await page.start("publish", "lobby")
    assert await other.start("play", "k81x-lobby") == NOT_FOUND
    assert await other.snapshot("k81x-lobby") == "Stream not found"
    assert await other.available("k81x-lobby") is False
    parameters = {"token": recipes_process.token("bob")}
    assert await wcs.play_hls("k81x-lobby", parameters, "hidden") == 401
    assert await wcs.play_hls("lobby", parameters, "hidden") == 404
    assert await wcs.play_rtsp("k81x-lobby", parameters, "hidden") is False


async def test_camera_is_played_by_its_public_name(wcs, visit, page):
    wcs.outside.cameras.add(CAMERA)
    await visit(page, "cameras")
    assert (await page.start("play", "lobby"))["status"] == "PLAYING"
    assert await page.snapshot("lobby") == "taken"
    assert wcs.outside.pulled == [CAMERA]
    await page.page.evaluate("session.getStreams().forEach((each) => each.stop())")
    await page.page.wait_for_function("session.getStreams().length === 0")
    assert seen(page, "k4mera", "viewer", "198.51.100", "rtsp") == []


@pytest.mark.parametrize("name", ["garage", CAMERA, "rtsp://198.51.100.7/main", "lobby?x", "LOBBY"])
async def test_no_other_camera_is_played(wcs, visit, page, name):
    wcs.outside.cameras |= {CAMERA, name}
    await visit(page, "cameras")
    assert await page.start("play", name) == REFUSED
    assert wcs.outside.pulled == []


CALLS = {"department": ("calls", "sales", "+493055550101"), "hotline": ("night", "101", "+493055550199")}


@pytest.mark.parametrize(("app", "called", "reached"), CALLS.values(), ids=CALLS)
async def test_call_is_redirected(wcs, visit, page, app, called, reached):
    await visit(page, app)
    assert (await page.call(called))["status"] == "ESTABLISHED"
    assert [dialed.callee for dialed in wcs.outside.dialed] == [reached]
    assert seen(page, reached) == []


@pytest.mark.parametrize("called", ["+493055550101", "+493055559999", "Sales", ""])
async def test_no_other_telephone_is_called(wcs, visit, page, called):
    await visit(page, "calls")
    assert await page.call(called) == {"status": "WARN", "info": "Access denied"}
    assert wcs.outside.dialed == []


async def test_account_is_used_and_never_seen(wcs, visit, page):
    wcs.outside.accounts = {"web": "pbx-s3cret"}
    await visit(page, "account")
    assert (await page.call("101"))["status"] == "ESTABLISHED"
    (dialed,) = wcs.outside.dialed
    assert (dialed.callee, dialed.account) == ("101", Account("web", "pbx-s3cret", "pbx.example.com"))
    assert seen(page, "pbx-s3cret", "pbx.example.com", '"web"', "sipLogin", "sipPassword", "sipRegister") == []


async def test_account_of_a_page_is_not_the_one_in_use(recipes_process, wcs, page):
    own = {"login": "boss", "password": "boss-secret", "domain": "elsewhere.example.com"}
    await page.open(
        wcs.url,
        appKey="account",
        custom={"token": recipes_process.token()},
        sipOptions=own | {"registerRequired": True},
    )
    await page.call("101")
    (dialed,) = wcs.outside.dialed
    assert dialed.account == Account("web", "pbx-s3cret", "pbx.example.com")
    assert wcs.outside.registered == []


async def test_nobody_else_is_given_the_account(wcs, page):
    told = await page.open(wcs.url, appKey="account", custom={"token": "guess"})
    assert told[-1]["status"] == "DISCONNECTED"
    assert seen(page, "pbx-s3cret", "pbx.example.com") == []
    (connect,) = wcs.hooks("connect")
    assert b"pbx" not in connect.received


# What these pages do not see, one does see where the media server is told less.


async def test_without_exclusion_a_page_is_sent_the_address(page):
    renamed = configured(playStream={"restPolicy": "OVERWRITE", "restOverwrite": "name"})
    camera = Say(body=f'{{"name":"{CAMERA}"}}'.encode())
    async with backend(connect=renamed, playStream=camera) as lax, stand_in(lax.url) as wcs:
        wcs.outside.cameras.add(CAMERA)
        await page.open(wcs.url)
        assert (await page.start("play", "lobby"))["status"] == "PLAYING"
        assert seen(page, CAMERA) == [CAMERA]


async def test_under_notify_a_call_goes_where_the_page_says(page):
    elsewhere = Say(body=b'{"callee":"+493055550101"}')
    async with backend(connect=configured(), call=elsewhere) as lax, stand_in(lax.url) as wcs:
        await page.open(wcs.url)
        assert (await page.call("sales"))["status"] == "ESTABLISHED"
        assert [dialed.callee for dialed in wcs.outside.dialed] == ["sales"]


async def test_without_exclusion_a_page_is_sent_the_account(page):
    injected = Say(body=b'{"sipLogin":"web","sipPassword":"pbx-s3cret"}')
    async with backend(connect=injected) as lax, stand_in(lax.url) as wcs:
        await page.open(wcs.url)
        assert seen(page, "pbx-s3cret") == ["pbx-s3cret"]
