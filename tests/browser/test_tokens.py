"""The vendor's Web SDK in a browser, with tokens of every shape: who is let in, and until when."""

import asyncio
import time

import pytest
import pytest_asyncio

from authgate.issuance import Wanted
from tests import process
from tests.browser.conftest import HMAC_KEY, PASSWORD
from tests.server.live import ISSUED, SECOND, done, issuing, with_key
from tests.standin.client import client
from tests.standin.server import stand_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = f"""
[caller]
hmac_keys = ["{HMAC_KEY}"]
{ISSUED}
[[verifiers]]
type = "token"
issuer = "shop"
key = "{"h" * 32}"
"""
HERE = "203.0.113.7"  # where the media server says that its clients are
REFUSED = {"status": "FAILED", "info": "Access denied"}
PUBLISHING = {"status": "PUBLISHING", "info": None}


@pytest.fixture(scope="module")
def server(sdk, tmp_path_factory):
    """A server with keys of its own, and with a verifier for tokens that a shop signs."""
    with process.serve(with_key(tmp_path_factory.mktemp("tokens") / "authgate", SETTINGS, bob=PASSWORD)) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def wcs(server):
    async with stand_in(server.hooks, app_keys=("defaultApp", "another"), hmac_key=HMAC_KEY) as wcs:
        yield wcs
    assert wcs.node.faults == []


@pytest.fixture
def issue(server):
    def issue(user="ann", ago=0, **wanted):
        """A token of our own, some seconds old."""
        return done(server.config, issuing(Wanted(user, 3600, **wanted), now=time.time() - ago))[0]

    return issue


def text(token):
    return token.text.reveal()


def run(server, *arguments):
    return server.run(*arguments).strip()


def unseen(page, *tokens):
    """Nothing that a page was sent holds a token, nor a part of it that could be used."""
    parts = [part for token in tokens for part in (token, *token.split("."), *token.split("~"), *token.split("_"))]
    secrets = [part for part in parts if len(part) > 12]
    assert page.frames
    assert len(secrets) >= len(tokens)
    assert [secret for secret in secrets for frame in page.frames if secret in frame] == []


async def let_in(page, wcs, token, **options):
    told = await page.open(wcs.url, custom={"token": token}, **options)
    assert [each["status"] for each in told] == ["CONNECTED", "ESTABLISHED"]


async def turned_away(page, wcs, token, **options):
    """The sessionId of a client that was told no more than that it is not let in."""
    told = await page.open(wcs.url, custom={"token": token}, **options)
    assert [each["status"] for each in told] == ["CONNECTED", "WARN", "DISCONNECTED"]
    assert told[1] == {"status": "WARN", "info": "Access denied"}
    unseen(page, token)
    return wcs.hooks("connect")[-1].sent["sessionId"]


GOOD = {
    "token of our own": lambda server, issue, site: text(issue()),
    "token of the command": lambda server, issue, site: run(server, "token", "issue", "ann"),
    "token of a shop": lambda server, issue, site: server.token(iss="shop"),
    "one-time token": lambda server, issue, site: text(issue(once=True)),
    "bound token": lambda server, issue, site: text(
        issue(app_keys=("defaultApp",), addresses=(HERE,), origins=(site,), streams=("cam",))
    ),
    "stream key": lambda server, issue, site: run(server, "streamkey", "add", "ann", "cam"),
}


@pytest.mark.parametrize("offer", GOOD.values(), ids=GOOD)
async def test_let_in(server, issue, site, wcs, page, offer):
    token = offer(server, issue, site)
    await let_in(page, wcs, token)
    assert await page.start("publish", "cam") == PUBLISHING
    assert await page.start("publish", "cam", {"token": "good"}) == REFUSED
    unseen(page, token)


async def test_token_at_a_stream(issue, wcs, page):
    """A page may bring a token with a stream, which is then asked in place of its session's."""
    session, stream = text(issue(streams=("garden",))), text(issue(streams=("cam",)))
    await let_in(page, wcs, session)
    assert await page.start("publish", "cam") == REFUSED
    assert await page.start("publish", "cam", {"token": stream}) == PUBLISHING
    assert await page.start("publish", "garden", {"token": stream}) == REFUSED
    unseen(page, session, stream)


async def test_stream_key(server, wcs, page):
    key = run(server, "streamkey", "add", "ann", "lobby-*")
    await let_in(page, wcs, key)
    assert await page.start("publish", "garden") == REFUSED
    assert await page.start("publish", "lobby-cam") == PUBLISHING
    assert await page.start("play", "lobby-cam") == REFUSED
    unseen(page, key)


async def test_signed_address(server, issue, wcs, page):
    async with client(wcs.url) as publisher:  # so that there is something to play
        await publisher.establish(custom={"token": text(issue())})
        for name in ("lobby", "garden"):
            assert (await publisher.publish(name))["status"] == "PUBLISHING"
        token = run(server, "token", "sign", "ann", "lobby")
        await let_in(page, wcs, token)
        assert (await page.start("play", "lobby"))["status"] == "PLAYING"
        assert await page.start("play", "garden") == REFUSED
        assert await page.start("publish", "lobby") == REFUSED
        unseen(page, token)
        # The players for which it is meant, which open no session.
        assert await wcs.play_hls("lobby", {"token": token}) == 200
        assert await wcs.play_hls("garden", {"token": token}) == 401
        assert await wcs.play_rtsp("lobby", {"token": token}) is True
        assert await wcs.play_rtsp("garden", {"token": token}) is False
        assert await wcs.play_hls("lobby", {"token": f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}"}) == 401


BAD = {
    "expired": (lambda server, issue: text(issue(ago=7200)), "token_expired"),
    "of the future": (lambda server, issue: text(issue(ago=-600)), "token_not_yet_valid"),
    "wrong app": (lambda server, issue: text(issue(app_keys=("another",))), "token_app"),
    "wrong origin": (lambda server, issue: text(issue(origins=("https://app.example.com",))), "token_origin"),
    "wrong address": (lambda server, issue: text(issue(addresses=("198.51.100.0/24",))), "token_address"),
    "stream key of another app": (
        lambda server, issue: run(server, "streamkey", "add", "ann", "cam", "--app", "another"),
        "token_app",
    ),
    "stream key with a wrong end": (
        lambda server, issue: run(server, "streamkey", "add", "ann", "cam")[:-4] + "aaaa",
        "token_invalid",
    ),
    "of a shop, in our name": (lambda server, issue: server.token(iss="authgate"), "token_invalid"),
    "of a shop, without its name": (lambda server, issue: server.token(), "token_issuer"),
    "of a shop, expired": (lambda server, issue: server.token(iss="shop", exp=1_700_000_000), "token_expired"),
}


@pytest.mark.parametrize(("offer", "reason"), BAD.values(), ids=BAD)
async def test_turned_away(server, issue, wcs, page, offer, reason):
    session = await turned_away(page, wcs, offer(server, issue))
    assert server.reason("connect", session) == reason
    assert wcs.sessions == []


async def test_bound_to_an_app(issue, wcs, page, other):
    token = text(issue(app_keys=("another",)))
    await turned_away(page, wcs, token)
    await let_in(other, wcs, token, appKey="another")


async def test_one_time_token_is_used_up(server, issue, wcs, page, other):
    token = text(issue(once=True))
    await let_in(page, wcs, token)
    session = await turned_away(other, wcs, token)
    assert server.reason("connect", session) == "token_used"
    assert await page.start("publish", "cam") == PUBLISHING
    await page.page.reload()  # which ends its session
    await wcs.everyone_left()
    await turned_away(page, wcs, token)


async def refused_within_a_second(page):
    """Come back once the media server has refused the page a stream."""
    async with asyncio.timeout(SECOND):
        count = 0
        while await page.start("publish", f"after-{count}") != REFUSED:
            count += 1


ENDS = {
    "token": lambda token: ("token", "revoke", token.token_id),
    "user": lambda token: ("token", "revoke", "--user", token.user),
    "disabled user": lambda token: ("user", "disable", token.user),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_live_session_ends(server, issue, wcs, page, other, end):
    token, another = issue("bob"), text(issue())
    await let_in(page, wcs, text(token))
    await let_in(other, wcs, another)
    assert await page.start("publish", "cam") == PUBLISHING
    run(server, *end(token))
    await refused_within_a_second(page)
    assert (await page.told())[2:] != []  # of its session it is told that something was refused, and no more
    assert {each["info"] for each in (await page.told())[2:]} == {"Access denied"}
    assert await page.start("play", "cam") == REFUSED
    assert await other.start("publish", "mine") == PUBLISHING
    unseen(page, text(token))
    run(server, "user", "enable", "bob")
    assert await page.start("publish", "again") == REFUSED
    await page.page.reload()
    session = await turned_away(page, wcs, text(token))
    assert server.reason("connect", session) == "token_revoked"
