"""Two nodes of the media server and a real authgate, which knows how to reach both."""

from dataclasses import dataclass, replace

import pytest_asyncio

from tests import here, process
from tests.standin.client import client
from tests.standin.server import stand_in
from tests.standin.serving import until

HMAC_KEY = "a-key-between-media-server-and-back-end"
SETTINGS = f"""
[caller]
hmac_keys = ["{HMAC_KEY}"]

[signalling]
max_bytes = 2000
per_session = 1000.0
per_session_burst = 1000
per_user = 1000.0
per_user_burst = 1000

[[signals]]
name = "everybody talks in rooms"
apps = ["chat"]
join = ["lobby", "team-*"]
to = {{ rooms = ["*"], users = ["*"], streams = ["cam"], sessions = true }}

[[signals]]
name = "ann tells everybody"
apps = ["chat"]
users = ["ann"]
to = {{ app = true }}
"""
PASSWORD = "correct horse of the test"
APPS = ("chat", "other")


@dataclass
class Person:
    """A client of the chat, and what it has received."""

    client: object

    async def send(self, payload):
        """ACCEPTED, or why not."""
        answer = await self.client.send_data(payload)
        return "ACCEPTED" if answer["status"] == "ACCEPTED" else answer["info"]

    async def say(self, text, **to):
        return await self.send({"to": to, "body": text})

    @property
    def got(self):
        """All payloads that arrived, oldest first."""
        return [fields["payload"] for message, fields in self.client.frames if message == "OnDataEvent"]

    @property
    def bodies(self):
        return [each["body"] for each in self.got if "body" in each]

    @property
    def events(self):
        return [each["event"] for each in self.got if "event" in each]

    async def hears(self, *bodies):
        """Come back once these have arrived, in this order and nothing else."""
        await until(lambda: len(self.bodies) >= len(bodies))
        assert self.bodies == list(bodies)

    async def sees(self, what):
        """Come back with an event of this kind, once there is one."""
        await until(lambda: any(what in each for each in self.events))
        return next(each for each in self.events if what in each)


class Chat:
    """The media server, authgate, and people."""

    def __init__(self, wcs, server, stack):
        self.wcs, self.server, self._stack = wcs, server, stack

    async def person(self, user, node=0, app="chat"):
        one = await self._stack.enter_async_context(client(self.wcs.nodes[node].url))
        assert "authToken" in await one.establish(app, custom={"token": self.server.token(user)})
        return Person(one)

    async def people(self, *users, room=None):
        """Each at another node than the one before."""
        found = [await self.person(user, number % 2) for number, user in enumerate(users)]
        for each in found if room else []:
            assert await each.send({"join": room}) == "ACCEPTED"
        return found

    def run(self, *arguments):
        return self.server.run(*arguments).strip()

    @property
    def sent(self):
        """What authgate sent to the nodes."""
        return [request.fields for each in self.wcs.nodes for request in each.api.of("/data/send")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    async with stand_in("http://127.0.0.1:9/hooks", app_keys=APPS, hmac_key=HMAC_KEY, nodes=2) as wcs:
        sections = "".join(f'\n[[wcs]]\nnode = "{each.id}"\nurl = "{each.api.url}"\n' for each in wcs.nodes)
        users = dict.fromkeys(("ann", "bob", "eve", "mallory"), PASSWORD)
        config = process.prepare(tmp_path_factory.mktemp("authgate"), SETTINGS + sections, **users)
        with here.serve(config) as server:
            for each in wcs.nodes:
                each.node.apps |= {name: replace(app, url=server.hooks) for name, app in each.node.apps.items()}
            yield wcs, server
    assert wcs.wiped == 0
