"""Several workers on one store: in whichever a message arrives, one delivers it, and none is lost with its process."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from tests import process
from tests.delivery.conftest import APPS, HMAC_KEY, PASSWORD, SETTINGS, Chat
from tests.standin.http import Say
from tests.standin.server import stand_in

LASTING = SETTINGS.replace("[signalling]", "[signalling]\nttl = 3600")  # however long a server takes to start here


async def soon(what):
    """Come back as soon as this is so: whoever goes on waits until the duty of the one that was killed is over."""
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def prepared(folder):
    on_two = stand_in("http://127.0.0.1:9/hooks", app_keys=APPS, hmac_key=HMAC_KEY, nodes=2)
    async with on_two as wcs, AsyncExitStack() as stack:
        sections = "".join(f'\n[[wcs]]\nnode = "{each.id}"\nurl = "{each.api.url}"\n' for each in wcs.nodes)
        users = dict.fromkeys(("ann", "bob"), PASSWORD)
        config = await asyncio.to_thread(process.prepare, folder, LASTING + sections, **users)
        yield wcs, config, stack


@asynccontextmanager
async def served(wcs, config, workers=2):
    """Two workers, to which the media server's hooks go from now on."""
    serving = process.serve(config, "--workers", str(workers))
    server = await asyncio.to_thread(serving.__enter__)
    try:
        for each in wcs.nodes:
            each.node.apps |= {name: replace(app, url=server.hooks) for name, app in each.node.apps.items()}
        yield server
    finally:
        await asyncio.to_thread(serving.__exit__, None, None, None)


async def test_kill_9_loses_no_message_that_was_accepted(tmp_path):
    async with prepared(tmp_path / "authgate") as (wcs, config, stack):
        async with served(wcs, config) as server:
            ann, bob = await Chat(wcs, server, stack).people("ann", "bob", room="lobby")
            for number in range(10):
                assert await ann.say(number, room="lobby") == "ACCEPTED"
            await soon(lambda: ann.bodies == bob.bodies == [*range(10)])
            for each in wcs.nodes:  # from now on it hears what it is sent and is never done with it
                each.api.says["/data/send"] = Say(after=60)
            for number in range(10, 20):
                assert await ann.say(number, room="lobby") == "ACCEPTED"
            os.killpg(server.process.pid, signal.SIGKILL)
            await asyncio.to_thread(server.process.wait)
        for each in wcs.nodes:
            each.api.says.clear()
            await each.api.settled()
        async with served(wcs, config, workers=1):
            await soon(lambda: bob.bodies[-1:] == [19] and ann.bodies[-1:] == [19])
            assert await ann.say("after all", room="lobby") == "ACCEPTED"
            await soon(lambda: bob.bodies[-1:] == ["after all"])
            for one in (ann, bob):
                once = [*dict.fromkeys(one.bodies)]
                assert once[:20] == [*range(20)]
                known = {each["from"]["message"] for each in one.got if "body" in each}
                assert len(known) == len(once)  # what arrived twice can be told by its id
