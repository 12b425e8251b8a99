"""The vendor's Web SDK in a browser, a media server's stand-in, and a real authgate: who is let in?"""

import json
import time

import jwt
import pytest
import pytest_asyncio

from tests.browser.conftest import HMAC_KEY, PASSWORD
from tests.standin.backend import backend, configured, refused
from tests.standin.client import client
from tests.standin.server import stand_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

REFUSED = {"status": "WARN", "info": "Access denied"}


@pytest_asyncio.fixture(loop_scope="module")
async def wcs(authgate_process):
    """A media server whose applications send their hooks to authgate."""
    async with stand_in(authgate_process.hooks, app_keys=("defaultApp", "guarded"), hmac_key=HMAC_KEY) as wcs:
        yield wcs
    assert wcs.node.faults == []  # a configuration that the media server can use, every time


GOOD = {
    "issued token": lambda a: {"custom": {"token": a.run("token", "issue", "ann", "--ttl", "1h").strip()}},
    "token signed elsewhere": lambda a: {"custom": {"token": a.token()}},
    "bearer token": lambda a: {"custom": {"token": f"bearer {a.token()}"}},
    "login and password": lambda a: {"custom": {"login": "ann", "password": PASSWORD}},
    "user name and password": lambda a: {"custom": {"username": "Ann", "password": PASSWORD}},
    "SIP login and password": lambda a: {"sipOptions": {"login": "ann", "password": PASSWORD, "domain": "example.com"}},
}


@pytest.mark.parametrize("offer", GOOD.values(), ids=GOOD)
async def test_let_in(authgate_process, wcs, page, offer):
    offered = offer(authgate_process)
    told = await page.open(wcs.url, **offered)
    assert [each["status"] for each in told] == ["CONNECTED", "ESTABLISHED"]
    # Whatever was offered, nothing that the page is sent holds it.
    secrets = [PASSWORD, *(word for word in offered.get("custom", {}).get("token", "").split() if len(word) > 9)]
    assert page.frames
    assert not [frame for frame in page.frames for secret in secrets if secret in frame]
    assert not [field for field in ("sipLogin", "sipDomain", "custom") if any(field in frame for frame in page.frames)]


BAD = {
    "nothing": (lambda a: {}, "credentials_missing"),
    "empty custom": (lambda a: {"custom": {}}, "credentials_missing"),
    "custom that is text": (lambda a: {"custom": a.token()}, "credentials_malformed"),
    "empty token": (lambda a: {"custom": {"token": ""}}, "credentials_malformed"),
    "token that is none": (lambda a: {"custom": {"token": "good"}}, "token_invalid"),
    "token of another key": (lambda a: {"custom": {"token": a.token(key="k" * 64)}}, "token_invalid"),
    "unsigned token": (
        lambda a: {"custom": {"token": jwt.encode({"sub": "ann", "exp": 9999999999}, None, "none")}},
        "token_invalid",
    ),
    "token without an end": (lambda a: {"custom": {"token": a.token(exp=None)}}, "token_invalid"),
    "expired token": (lambda a: {"custom": {"token": a.token(exp=int(time.time()) - 3600)}}, "token_expired"),
    "token of nobody": (lambda a: {"custom": {"token": a.token("eve")}}, "user_unknown"),
    "token of a disabled user": (lambda a: {"custom": {"token": a.token("bob")}}, "user_disabled"),
    "bad token, good password": (
        lambda a: {"custom": {"token": "good", "login": "ann", "password": PASSWORD}},
        "token_invalid",
    ),
    "good token as authToken": (lambda a: {"authToken": a.token(), "keepAlive": True}, "credentials_missing"),
    "wrong password": (lambda a: {"custom": {"login": "ann", "password": "guess"}}, "password_wrong"),
    "no password": (lambda a: {"custom": {"login": "ann"}}, "credentials_malformed"),
    "empty password": (lambda a: {"custom": {"login": "ann", "password": ""}}, "password_wrong"),
    "unknown user": (lambda a: {"custom": {"login": "eve", "password": PASSWORD}}, "user_unknown"),
    "disabled user": (lambda a: {"custom": {"login": "bob", "password": PASSWORD}}, "user_disabled"),
}


@pytest.mark.parametrize(("offer", "reason"), BAD.values(), ids=BAD)
async def test_turned_away(authgate_process, wcs, page, offer, reason):
    told = await page.open(wcs.url, **offer(authgate_process))
    assert [each["status"] for each in told] == ["CONNECTED", "WARN", "DISCONNECTED"]
    assert told[1] == REFUSED
    assert wcs.sessions == []
    (hook,) = wcs.hooks("connect")
    assert authgate_process.reason("connect", hook.sent["sessionId"]) == reason


async def test_audit_trail_has_the_reason(authgate_process, wcs, page):
    await page.open(wcs.url, custom={"token": authgate_process.token("bob")})
    records = json.loads(authgate_process.run("record", "list", "--limit", "5", "--json"))
    (hook,) = wcs.hooks("connect")
    of_session = [record for record in records if record["session"] == hook.sent["sessionId"]]
    assert {("connect", False, "user_disabled"), ("ConnectionStatusEvent", True, "ok")} == {
        (record["method"], record["allowed"], record["reason"]) for record in of_session
    }


async def test_streams_of_a_guarded_application_are_refused(authgate_process, wcs, page):
    async with client(wcs.url) as publisher:  # so that there is something to play
        await publisher.establish(custom={"token": authgate_process.token()})
        assert (await publisher.publish("cam"))["status"] == "PUBLISHING"
        told = await page.open(wcs.url, appKey="guarded", custom={"token": authgate_process.token()})
        assert told[-1]["status"] == "ESTABLISHED"
        assert await page.start("publish", "mine") == {"status": "FAILED", "info": "Access denied"}
        assert await page.start("play", "cam") == {"status": "FAILED", "info": "Access denied"}
        assert (await page.send({"text": "hi"}))["status"] == "FAILED"
        assert (await page.told())[2:] == [REFUSED, REFUSED]  # the session itself goes on


async def test_streams_of_an_open_application_pass(authgate_process, wcs, page):
    secret = authgate_process.token()
    await page.open(wcs.url, custom={"token": secret})
    assert await page.start("publish", "cam ö", {"token": secret}) == {"status": "PUBLISHING", "info": None}
    assert await page.start("play", "cam ö") == {"status": "PLAYING", "info": None}
    assert (await page.send({"text": "hallö"}))["status"] == "ACCEPTED"
    assert len(await page.told()) == 2
    assert not [frame for frame in page.frames if secret in frame]
    assert {hook.status for hook in wcs.hooks()} == {200}


async def test_stream_with_a_bad_token_of_its_own_is_refused(authgate_process, wcs, page):
    await page.open(wcs.url, custom={"token": authgate_process.token()})
    expired = authgate_process.token(exp=int(time.time()) - 3600)
    assert await page.start("publish", "cam", {"token": expired}) == {"status": "FAILED", "info": "Access denied"}


async def test_leaving_ends_the_session(authgate_process, wcs, page):
    await page.open(wcs.url, custom={"token": authgate_process.token()})
    (session,) = wcs.sessions
    await page.page.evaluate("session.disconnect()")
    await wcs.everyone_left()
    answer = await wcs.node.rest.send(wcs.node.apps["defaultApp"], "publishStream", session.common | {"name": "late"})
    assert answer.status == 403


async def test_unsigned_hooks_let_nobody_in(authgate_process, page):
    async with stand_in(authgate_process.hooks) as stranger:
        told = await page.open(stranger.url, custom={"token": authgate_process.token()})
    assert [each["status"] for each in told] == ["CONNECTED", "WARN", "DISCONNECTED"]


# The stand-in must not flatter: a back end that forgets FAIL refuses nothing, and one that hides nothing leaks.


async def test_under_log_a_refused_publish_goes_on(page):
    async with backend(connect=configured(), publishStream=refused()) as lax, stand_in(lax.url) as wcs:
        await page.open(wcs.url, custom={"token": "opensesame"})
        assert (await page.start("publish", "cam"))["status"] == "PUBLISHING"
        assert [hook.status for hook in wcs.hooks("publishStream")] == [403]


async def test_without_exclusions_the_page_is_sent_its_secrets(page):
    async with backend() as lax, stand_in(lax.url) as wcs:
        await page.open(wcs.url, custom={"token": "opensesame"}, sipOptions={"login": "ann", "password": "sip-secret"})
        assert any("opensesame" in frame and "sip-secret" in frame for frame in page.frames)
