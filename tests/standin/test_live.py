"""The stand-in and an authgate that knows its REST API: what authgate has as live is the truth, and can be ended."""

import asyncio
import time
from contextlib import AsyncExitStack

import httpx
import pytest

from authgate.live import live, means, reconciler
from tests import here, process
from tests.standin.api import ApiOptions
from tests.standin.client import client
from tests.standin.server import stand_in
from tests.standin.serving import until
from tests.trouble import kept

HMAC_KEY = "a-key-between-media-server-and-back-end"
LOGIN = ("authgate", "a-password-of-the-nodes")


class Place(AsyncExitStack):
    """Two nodes, authgate beside them, and clients."""

    def __init__(self, wcs, server):
        super().__init__()
        self.wcs = wcs
        self.server = server

    async def join(self, node, user, **claims):
        """A client that is on."""
        one = await self.enter_async_context(client(self.wcs.nodes[node].url))
        assert "authToken" in await one.establish(custom={"token": self.server.token(user, **claims)})
        return one

    async def come_back(self, node, user):
        """What becomes of another client with the same credentials."""
        one = await self.enter_async_context(client(self.wcs.nodes[node].url))
        return await one.establish(custom={"token": self.server.token(user)})

    async def live(self):
        """The sessions that authgate has, by node and id."""
        _, sessions = await asyncio.to_thread(kept, self.server.store_url)
        return {tuple(each.key) for each in sessions}

    def true(self):
        """Those that there are."""
        return {(node.id, each.id) for node in self.wcs.nodes for each in node.sessions}

    async def agreed(self):
        """Come back when authgate has all the sessions that there are, and no other."""
        async with asyncio.timeout(20):
            while await self.live() != self.true():  # noqa: ASYNC110 (nothing tells of it)
                await asyncio.sleep(0.05)

    async def run(self, *arguments):
        return await asyncio.to_thread(self.server.run, *arguments)

    async def counted(self, what):
        async with httpx.AsyncClient(trust_env=False) as http:
            found = await http.get(f"{self.server.url}/healthz")
        return found.json()["counted"].get(what, 0)


@pytest.fixture
async def place(tmp_path, monkeypatch):
    monkeypatch.setattr(means.Means, "margin", 1500)  # all of it is on one machine: nobody waits longer than need be
    monkeypatch.setattr(live, "_NODES", 0.1)
    monkeypatch.setattr(reconciler, "_SOON", 0.2)
    port = process.free_port()
    async with stand_in(
        f"http://127.0.0.1:{port}/hooks", hmac_key=HMAC_KEY, nodes=2, api=ApiOptions(basic=LOGIN)
    ) as wcs:
        more = f'[caller]\nhmac_keys = ["{HMAC_KEY}"]\n[sessions]\nreconcile = 0.2\ngrace = 1\n'
        for node in wcs.nodes:
            more += f'[[wcs]]\nnode = "{node.id}"\nurl = "{node.api.url}"\n'
            more += f'username = "{LOGIN[0]}"\npassword = "{LOGIN[1]}"\n'
        config = await asyncio.to_thread(process.prepare, tmp_path, more, ann="a horse", bob="a horse", cat="a horse")
        serving = here.serve(config, port)
        server = await asyncio.to_thread(serving.__enter__)
        try:
            async with Place(wcs, server) as place:
                yield place
        finally:
            await asyncio.to_thread(serving.__exit__, None, None, None)
        assert wcs.wiped == 0


async def test_a_node_that_was_restarted_leaves_no_ghost(place):
    for node, user in ((0, "ann"), (0, "bob"), (1, "cat")):
        await place.join(node, user)
    assert await place.live() == place.true()
    assert len(place.true()) == 3
    await place.wcs.nodes[0].restart()
    assert len(place.true()) == 1
    assert len(await place.live()) == 3  # no hook has told
    await place.agreed()
    assert await place.counted("live_sessions_lost") == 2


async def test_a_user_who_is_disabled_is_gone_and_cannot_return(place):
    ann, bob = [await place.join(node, user) for node, user in ((0, "ann"), (1, "bob"))]
    again = await place.join(1, "ann")
    await place.run("user", "disable", "ann")
    await until(lambda: ann.closed and again.closed)
    await place.agreed()
    told = await place.come_back(0, "ann")
    assert (told["status"], told["info"]) == ("FAILED", "Access denied")
    assert not bob.closed
    assert [node for node, _ in place.true()] == [place.wcs.nodes[1].id]


async def test_whoever_is_banned_or_has_a_token_that_expired_is_gone(place):
    ann, bob, cat = [
        await place.join(0, "ann"),
        await place.join(1, "bob"),
        await place.join(1, "cat", exp=int(time.time()) + 2),
    ]
    await place.run("ban", "add", "--user", "ann")
    await until(lambda: ann.closed)
    assert (await place.come_back(0, "ann"))["status"] == "FAILED"
    await until(lambda: cat.closed)
    assert "authToken" in await place.come_back(1, "cat")
    assert not bob.closed
    await place.agreed()


async def test_whoever_was_ended_by_hand_is_gone_and_may_return(place):
    ann, bob = [await place.join(0, user) for user in ("ann", "bob")]
    stream = await bob.publish("cam")
    await place.run("session", "end", "--user", "ann")
    await until(lambda: ann.closed)
    await place.run("stream", "end", stream["mediaSessionId"])
    await until(lambda: not place.wcs.nodes[0].node.is_live("cam"))
    assert not bob.closed
    assert "authToken" in await place.come_back(0, "ann")
    await place.agreed()


async def test_while_a_node_is_away_an_end_waits_and_its_client_is_refused(place):
    ann = await place.join(0, "ann")
    bob = await place.join(1, "bob")
    await place.wcs.nodes[0].api.http.stop()
    await place.run("token", "revoke", "--user", "ann")
    await place.run("user", "disable", "bob")
    await until(lambda: bob.closed)
    assert (await ann.publish("cam"))["status"] == "FAILED"
    assert not ann.closed
    assert len(await place.live()) == 1
    await place.wcs.nodes[0].api.http.start()
    await until(lambda: ann.closed)
    await place.agreed()
