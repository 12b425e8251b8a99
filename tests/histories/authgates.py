"""Several authgates on one database, within this process, by a clock of their own."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt

from authgate import admin
from authgate.config import load
from authgate.model import Delivery, UserChanges
from authgate.server.logs import NoVerdicts
from authgate.store import Store
from authgate.store.tables import metadata
from authgate.verifiers.token import TokenVerifier
from authgate.wiring import Service, build
from tests.histories.clock import Clock
from tests.histories.upkeep import Upkeep
from tests.process import CHEAPEST
from tests.standin.faults import BackEnd
from tests.standin.rest import Answer, read_answer

# What clients publish and play as "door" the media server has as "hall".
SETTINGS = """
[[rules]]
name = "behind the door"
methods = ["publishStream", "playStream"]
names = ["door"]
policy = { type = "session" }
rewrites = [{ type = "put", field = "name", value = "hall" }]

[limits]
sessions_per_token = 3
sessions_per_app = 4
publishers_per_name = 1
"""
# The same, where one too many is let in and the oldest are ended for it.
ENDING = SETTINGS + "".join(
    f'{what}_exceeded = "end-oldest"\n'
    for what in ("sessions_per_user", "sessions_per_token", "sessions_per_app", "publishers_per_name")
)
SESSIONS_PER_TOKEN, SESSIONS_PER_APP, PUBLISHERS_PER_NAME = 3, 4, 1
PATIENCE = 60  # seconds that a hook may take: a slow machine is no fault of the code
_PATIENT = CHEAPEST | {"AUTHGATE_STORE__TIMEOUT": "14", "AUTHGATE_SERVER__DEADLINE": "15"}
A_YEAR = 365 * 24 * 3600  # seconds


@dataclass(frozen=True, slots=True)
class Authgates:
    """What runs on the same database; the first one's store speaks for all."""

    services: Sequence[Service]
    clock: Clock
    key: str  # that tokens are signed with
    upkeep: Upkeep  # of the first one
    ends_oldest: bool  # whether one too many is let in, and the oldest are ended for it

    @property
    def store(self) -> Store:
        return self.services[0].store

    @property
    def backends(self) -> Sequence[BackEnd]:
        """Each, as the media server sees it."""
        return [_backend(service) for service in self.services]

    def token(self, user: str) -> str:
        """A token that is good for as long as any history takes."""
        claims = {"sub": user, "exp": int(time.time()) + A_YEAR, "jti": f"of {user}"}
        return jwt.encode(claims, self.key, "HS256")

    async def add_users(self, limits: Mapping[str, int | None]) -> None:
        """Add users, each with the most sessions that it may have open."""
        for name, most in limits.items():
            hasher = self.services[0].hasher  # of users without a password it hashes nothing
            await admin.add_user(self.store, hasher, name, None, None, UserChanges(max_sessions=most))

    async def forget(self) -> None:
        """Leave nothing in the store but its users, and know no node any more."""
        self.upkeep.forget()
        async with self.store.engine.begin() as connection:
            for table in _OF_HISTORIES & set(metadata.tables):
                await connection.execute(metadata.tables[table].delete())


_OF_HISTORIES = {"sessions", "streams", "calls", "records", "one_time_tokens"}


@asynccontextmanager
async def authgates(config: Path, count: int = 2) -> AsyncIterator[Authgates]:
    """So many, running, of one configuration; nothing in them goes by a timer."""
    settings, clock = load(config, _PATIENT), Clock()
    verifier = next(each for each in settings.verifiers if isinstance(each, TokenVerifier))
    signing = verifier.signing_secret(clock())
    assert signing is not None
    services = [build(settings, NoVerdicts()) for _ in range(count)]
    async with AsyncExitStack() as stack:
        for service in services:
            stack.push_async_callback(service.store.close)
            service.gateway.clock = clock
            service.store.ledger.start()
        ends_oldest = settings.limits.sessions_per_user_exceeded == "end-oldest"
        yield Authgates(services, clock, signing[0].reveal(), Upkeep(services[0], clock), ends_oldest)


def _backend(service: Service) -> BackEnd:
    async def answer(method: str, body: bytes) -> Answer:
        until = asyncio.get_running_loop().time() + PATIENCE
        reply = await service.gateway.answer(Delivery(method, body), until)
        return read_answer(reply.status, "Forbidden", "application/json", reply.body)

    return answer
