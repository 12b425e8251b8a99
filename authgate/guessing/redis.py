"""Counts in Redis, for as many servers as use the same: scripts that Redis carries out as one step each."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from limits.aio.storage.redis import RedisStorage as LimitsStorage
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from authgate import redis_urls
from authgate.guessing.storage import LEASE, Counted, Leased, LeasingStorage

TIMEOUT = 1.0  # seconds for one question; then this process counts by itself for a while
_CONNECTIONS = 8  # in each process
_TOGETHER = 500  # questions that are sent together
_PORT = 6379
_PREFIX = "authgate"

# Lists of times in seconds, the newest first, as those of limits are.
_LEASE = """
local function oldest_live(key, after)
    local low, high, found = 0, redis.call('llen', key) - 1, -1
    while low <= high do
        local middle = math.floor((low + high) / 2)
        if tonumber(redis.call('lindex', key, middle)) > after then
            found = middle
            low = middle + 1
        else
            high = middle - 1
        end
    end
    return found
end

local pending = oldest_live(KEYS[1], tonumber(ARGV[2])) + 1
if pending == 0 then
    redis.call('del', KEYS[1])
else
    redis.call('ltrim', KEYS[1], 0, pending - 1)
end
local answer = {1, pending}
for at = 2, #KEYS do
    local failed = oldest_live(KEYS[at], tonumber(ARGV[2 * at])) + 1
    table.insert(answer, failed)
    if failed + pending >= tonumber(ARGV[2 * at + 1]) then
        answer[1] = 0
    end
end
if answer[1] == 1 then
    redis.call('lpush', KEYS[1], ARGV[1])
    redis.call('expire', KEYS[1], ARGV[3])
end
return answer
"""

_GIVE_BACK = """
local over = tonumber(ARGV[1])
local oldest = redis.call('rpop', KEYS[1])
while oldest and tonumber(oldest) <= over do
    oldest = redis.call('rpop', KEYS[1])
end
"""


class RedisStorage(LimitsStorage, LeasingStorage):
    """The Redis storage of ``limits``, with places.

    Places that are asked for together go together, in one round trip, and connections are few: a crowd that comes at
    once must not look like a Redis that is away.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        pool = BlockingConnectionPool.from_url(
            redis_urls.for_client(url),
            max_connections=_CONNECTIONS,
            timeout=TIMEOUT,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
        )
        super().__init__(
            with_port(url),
            implementation="redispy",
            key_prefix=_PREFIX,
            connection_pool=pool,  # type: ignore[arg-type]  # of options that limits hands on as they are
        )
        self._clock = clock
        self._pool = pool
        self._connection: Any = self.bridge.get_connection()  # type: ignore[attr-defined]  # of the bridge to redis-py
        self._lease = self._connection.register_script(_LEASE)
        self._give_back = self._connection.register_script(_GIVE_BACK)
        self._waiting: deque[tuple[Any, list[str], list[float], asyncio.Future[Any]]] = deque()
        self._runner: asyncio.Task[None] | None = None

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """See ``limits``."""
        return (RedisError,)

    async def lease(self, pending: str, failed: Sequence[Counted]) -> Leased:
        """See ``LeasingStorage``."""
        now = self._clock()
        arguments = [now, now - LEASE, LEASE]
        for each in failed:
            arguments += [now - each.expiry, each.limit]
        taken, held, *wrong = await self._ask(self._lease, [pending, *(each.key for each in failed)], arguments)
        return Leased(tuple(int(count) for count in wrong), int(held), bool(taken))

    async def give_back(self, pending: str) -> None:
        """See ``LeasingStorage``."""
        await self._ask(self._give_back, [pending], [self._clock() - LEASE])

    async def close(self) -> None:
        """See ``LeasingStorage``."""
        if self._runner is not None:
            await self._runner
        await self._connection.aclose()
        await self._pool.disconnect()

    async def _ask(self, script: Any, keys: list[str], arguments: list[float]) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((script, [self.bridge.prefixed_key(key) for key in keys], arguments, answer))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        """Send what waits; while that is under way, the next gathers."""
        try:
            while self._waiting:
                sent = [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))]
                try:
                    async with self._connection.pipeline(transaction=False) as pipeline:
                        for script, keys, arguments, _ in sent:
                            await script(keys, arguments, client=pipeline)
                        answers = await pipeline.execute(raise_on_error=False)
                except Exception as fault:  # whatever it is, it is theirs who ask
                    answers = [fault] * len(sent)
                for (*_, waiting), answer in zip(sent, answers, strict=True):
                    _settle(waiting, answer)
        finally:
            self._runner = None


def _settle(waiting: "asyncio.Future[Any]", answer: Any) -> None:
    if waiting.done():  # whoever asked has left
        return
    if isinstance(answer, Exception):
        waiting.set_exception(answer if isinstance(answer, RedisError | OSError | TimeoutError) else RedisError())
    else:
        waiting.set_result(answer)


def with_port(url: str) -> str:
    """The address with a port, which limits wants."""
    parts = urlsplit(url)
    if parts.scheme == "redis+unix" or parts.port is not None:
        return url
    return parts._replace(netloc=f"{parts.netloc.rstrip(':')}:{_PORT}").geturl()
