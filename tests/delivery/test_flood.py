"""A client that sends more than it may, and rooms without an end: what it is told, and what others get."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
import pytest_asyncio

from tests import here, process
from tests.delivery.conftest import HMAC_KEY, PASSWORD, Chat
from tests.standin.http import Say
from tests.standin.server import stand_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = f"""
[caller]
hmac_keys = ["{HMAC_KEY}"]

[signalling]
per_session = 0.01
per_session_burst = 15
per_user = 0.01
per_user_burst = 25
max_rooms = 2
max_addressees = 2
queue = 5

[[signals]]
name = "everybody talks"
apps = ["chat"]
join = ["*"]
to = {{ rooms = ["*"], users = ["*"] }}

[policies]
call = "allow"
"""


@pytest_asyncio.fixture(loop_scope="module")
async def chat(tmp_path):
    on_one = stand_in("http://127.0.0.1:9/hooks", app_keys=("chat",), hmac_key=HMAC_KEY)
    async with on_one as wcs, AsyncExitStack() as stack:
        more = f'{SETTINGS}\n[[wcs]]\nnode = "*"\nurl = "{wcs.nodes[0].api.url}"\n'
        with here.serve(process.prepare(tmp_path / "authgate", more, ann=PASSWORD, bob=PASSWORD)) as server:
            node = wcs.node
            node.apps |= {name: replace(app, url=server.hooks) for name, app in node.apps.items()}
            yield Chat(wcs, server, stack)
            await stack.aclose()


async def test_flood(chat):
    """The first fifteen of a session get through and no more, also all at once, and with a policy that allows all."""
    eve = await chat.person("ann")
    answers = await asyncio.gather(*(eve.send({"noise": number}) for number in range(60)))
    assert sorted(answers) == ["ACCEPTED"] * 15 + ["Too many messages"] * 45
    again = await chat.person("ann")  # another session of the same user has what is left to the user
    answers = await asyncio.gather(*(again.send({"noise": number}) for number in range(15)))
    assert sorted(answers) == ["ACCEPTED"] * 10 + ["Too many messages"] * 5
    bob = await chat.person("bob")
    assert await bob.send({"to": {"user": "bob"}, "body": "calm"}) == "ACCEPTED"
    await bob.hears("calm")


async def test_more_rooms_and_more_addressees_than_may_be(chat):
    ann = await chat.person("ann")
    assert [await ann.send({"join": room}) for room in "abc"] == ["ACCEPTED", "ACCEPTED", "Too many rooms"]
    others = [await chat.person("bob") for _ in range(2)]
    for each in others:
        assert await each.send({"join": "a"}) == "ACCEPTED"
    assert await ann.say("all three", room="a") == "Too many addressees"
    assert await ann.say("both", user="bob") == "ACCEPTED"
    await asyncio.gather(*(each.hears("both") for each in others))


async def test_a_queue_that_nobody_empties_sheds_where_everybody_sees_it(chat):
    ann, bob = await chat.person("ann"), await chat.person("bob")
    chat.wcs.nodes[0].api.says["/data/send"] = Say(after=60)
    answers = [await ann.say(number, user="bob") for number in range(8)]
    assert answers == ["ACCEPTED"] * 5 + ["Too many messages wait, try again later"] * 3
    await bob.hears(0)  # which its node has, and does not say so
    assert len(chat.sent) == 1
