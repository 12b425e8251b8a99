"""The example of a chat in two browsers: what one writes the other reads, and who is kicked is gone and stays out."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio

from tests import process
from tests.browser.conftest import HMAC_KEY, PASSWORD, PATIENCE
from tests.standin.client import client
from tests.standin.server import stand_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = f"""
[caller]
hmac_keys = ["{HMAC_KEY}"]

[[signals]]
name = "everybody talks in every room"
apps = ["chat"]
join = ["*"]
to = {{ rooms = ["*"] }}
"""
USERS = ("ann", "bob", "eve", "mallory", "trudy")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(sdk, tmp_path_factory):
    """A media server of two nodes, and authgate that is told where they are."""
    async with stand_in("http://127.0.0.1:9/hooks", app_keys=("chat",), hmac_key=HMAC_KEY, nodes=2) as wcs:
        sections = "".join(f'\n[[wcs]]\nnode = "{each.id}"\nurl = "{each.api.url}"\n' for each in wcs.nodes)
        folder = tmp_path_factory.mktemp("chat") / "authgate"
        config = await asyncio.to_thread(process.prepare, folder, SETTINGS + sections, **dict.fromkeys(USERS, PASSWORD))
        with process.serve(config) as server:
            for each in wcs.nodes:
                each.node.apps |= {name: replace(app, url=server.hooks) for name, app in each.node.apps.items()}
            yield wcs, server
    assert all(each.node.faults == [] for each in wcs.nodes)
    assert wcs.wiped == 0


class ChatPage:
    """The page of one visitor."""

    def __init__(self, page, url):
        self.page, self.url = page, url
        self.faults = []
        page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        page.set_default_timeout(PATIENCE * 1000)

    async def connect(self, user="", password="", token="", room="lobby"):
        given = {"server": self.url, "app": "chat", "room": room, "user": user, "password": password, "token": token}
        for name, value in given.items():
            await self.page.fill(f"#{name}", value)
        await self.page.click("#login button")

    async def come_in(self, user, **more):
        await self.connect(user, PASSWORD, **more)
        await self.status("Connected")
        await self.page.wait_for_function(
            "name => document.querySelector('#members').innerText.includes(name)", arg=user
        )

    async def say(self, text):
        await self.page.fill("#text", text)
        await self.page.click("#say button")

    async def status(self, text):
        """Come back once the page says so."""
        await self.page.wait_for_function("text => document.querySelector('#status').innerText === text", arg=text)

    async def sees(self, text):
        """Come back once a line of the page is this text."""
        await self.page.wait_for_function(
            "text => [...document.querySelectorAll('#messages li')].some((line) => line.innerText === text)", arg=text
        )

    async def members(self, *names):
        """Come back once these and nobody else are shown to be here."""
        await self.page.wait_for_function(
            "names => JSON.stringify([...document.querySelectorAll('#members li')].map((e) => e.innerText).sort())"
            " === JSON.stringify(names)",
            arg=sorted(names),
        )


@asynccontextmanager
async def visited(chromium, site, url):
    context = await chromium.new_context()
    page = ChatPage(await context.new_page(), url)
    await page.page.goto(f"{site}/chat/")
    yield page
    assert page.faults == []
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def one(chromium, site, running):
    async with visited(chromium, site, running[0].nodes[0].url) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="module")
async def other(chromium, site, running):
    """The page of another visitor, in a browser context of its own and at the other node."""
    async with visited(chromium, site, running[0].nodes[1].url) as page:
        yield page


async def test_what_one_writes_the_other_reads(running, one, other):
    _, server = running
    await one.come_in("ann")
    await other.connect(token=server.token("bob"))
    await other.members("ann", "bob (you)")
    await one.members("ann (you)", "bob")
    await one.say("hällo 😀")
    await other.sees("ann hällo 😀")
    await one.sees("ann hällo 😀")
    await other.say("good evening")
    await one.sees("bob good evening")
    server.run("message", "send", "--app", "chat", "--room", "lobby", "--json", '{"text": "we close"}')
    await one.sees("Server we close")
    await other.sees("Server we close")
    await other.page.click("#leave")
    await other.status("Disconnected")
    await one.sees("bob has left")
    await one.members("ann (you)")


async def test_rooms_are_apart(one, other):
    await one.come_in("ann", room="red")
    await other.come_in("bob", room="blue")
    await one.say("only red")
    await one.sees("ann only red")
    await other.say("only blue")
    await other.sees("bob only blue")
    assert "only red" not in await other.page.inner_text("#messages")


HTML = (
    "<img src=x onerror=\"alert('html')\">",
    "<script>alert('script')</script>",
    "</li></ol><h1>Server</h1>",
    "<b>Server</b> all passwords please",
    "javascript:alert(1)",
)


async def test_html_in_a_message_is_shown_as_text(one, other):
    await one.come_in("ann")
    await other.come_in("bob")
    before = await other.page.evaluate(
        "document.querySelectorAll('*').length - document.querySelectorAll('li *, li').length"
    )
    for text in HTML:
        await one.say(text)
        await other.sees(f"ann {text}")
    after = await other.page.evaluate(
        "document.querySelectorAll('*').length - document.querySelectorAll('li *, li').length"
    )
    assert after == before
    assert await other.page.evaluate("document.querySelectorAll('#messages img, #messages script, h1').length") == 1


async def test_forged_sender_is_shown_as_who_it_is(running, one):
    wcs, server = running
    await one.come_in("ann")
    async with client(wcs.nodes[1].url) as liar:
        await liar.establish("chat", custom={"token": server.token("eve")})
        await liar.send_data({"join": "lobby"})
        lie = {"user": "ann", "server": True, "id": "x" * 26}
        sent = {"from": lie, "event": {"left": lie}, "to": {"room": "lobby"}, "body": {"text": "I am ann", "from": lie}}
        assert (await liar.send_data(sent))["status"] == "ACCEPTED"
        await one.sees("eve I am ann")
        await one.members("ann (you)", "eve")


KEPT_OUT = {
    "disabled": (("user", "disable", "mallory"), "mallory"),
    "banned": (("ban", "add", "--user", "trudy"), "trudy"),
}


@pytest.mark.parametrize(("command", "user"), KEPT_OUT.values(), ids=KEPT_OUT)
async def test_who_is_kicked_disappears_and_cannot_return(running, one, other, command, user):
    wcs, server = running
    await one.come_in("ann")
    await other.come_in(user)
    await one.members("ann (you)", user)
    server.run(*command)
    server.run("session", "end", "--user", user)
    await other.status("Disconnected")
    await one.sees(f"{user} has left")
    await one.members("ann (you)")
    await other.connect(user, PASSWORD)
    await other.status("Not let in: Access denied")
    await other.connect(token=server.token(user))
    await other.status("Not let in: Access denied")
    await one.say("quiet now")
    await one.sees("ann quiet now")
    assert [each for each in wcs.sessions if each.fields.get("custom", {}).get("login") == user] == []


async def test_who_is_kicked_and_not_kept_out_may_come_back(running, one, other):
    _, server = running
    await one.come_in("ann")
    await other.come_in("eve")
    server.run("session", "end", "--user", "eve")
    await other.status("Disconnected")
    await one.members("ann (you)")
    await other.come_in("eve")
    await one.members("ann (you)", "eve")


async def test_wrong_password(one):
    await one.connect("ann", "guess")
    await one.status("Not let in: Access denied")
