"""A stream of Redis: entries go in behind the one that they follow, and nowhere else."""

import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import unquote

from redis import asyncio as client
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from authgate import redis_urls
from authgate.feed.event import Event
from authgate.feed.stream import StreamOptions

TIMEOUT = 5.0  # seconds for one round trip
_LONGEST = 300  # characters of what Redis says that are passed on

# One step for Redis: nothing is added where the newest entry is not the one that is expected, so there is neither a
# gap nor a repetition, whoever else sends and whatever was lost. Nothing follows an entry that was refused.
_APPEND = """
local top, newest = '0-0', false
if redis.call('exists', KEYS[1]) == 1 then
    local told = redis.pcall('xinfo', 'stream', KEYS[1])
    if told.err then
        return told
    end
    for at = 1, #told, 2 do
        if told[at] == 'last-generated-id' then
            top = told[at + 1]
        elseif told[at] == 'last-entry' then
            newest = told[at + 1]
        end
    end
end
if top ~= ARGV[1] then
    local record = false
    if newest and newest[1] == top then
        record = ''
        for at = 1, #newest[2], 2 do
            if newest[2][at] == 'record' and #newest[2][at + 1] < 65536 then
                record = newest[2][at + 1]
            end
        end
    end
    return {0, top, record}
end
for at = 3, #ARGV, 2 do
    local added
    if ARGV[2] == '0' then
        added = redis.pcall('xadd', KEYS[1], ARGV[at] .. '-0', 'seq', ARGV[at], 'record', ARGV[at + 1])
    else
        added = redis.pcall('xadd', KEYS[1], 'MAXLEN', '~', ARGV[2],
            ARGV[at] .. '-0', 'seq', ARGV[at], 'record', ARGV[at + 1])
    end
    if type(added) == 'table' and added.err then
        return added
    end
end
return {1, top, false}
"""

# What Redis says begins with a code, which some versions of the client make a class of.
_CODES: Sequence[tuple[type[Exception], str]] = (
    (exceptions.AuthenticationError, "AUTH"),
    (exceptions.OutOfMemoryError, "OOM"),
    (exceptions.ReadOnlyError, "READONLY"),
    (exceptions.NoPermissionError, "NOPERM"),
    (exceptions.BusyLoadingError, "LOADING"),
    (exceptions.MasterDownError, "MASTERDOWN"),
    (exceptions.ClusterDownError, "CLUSTERDOWN"),
    (exceptions.AskError, "MOVED"),
    (exceptions.InvalidResponse, "NOREDIS"),
)
_PERMITS = "allow it eval, exists, xinfo and xadd, and the key (ACL SETUSER)"
# Code and text -> what is wrong and what to do. The first that fits is told.
_TOLD: Sequence[tuple[str, str]] = (
    ("AUTH .*without any password", "has no password, and one is sent: take it out of records.stream.url"),
    ("AUTH .*[Nn]o password is set", "has no password, and one is sent: take it out of records.stream.url"),
    ("AUTH .*required", "wants a password: write redis://:PASSWORD@HOST in records.stream.url"),
    ("AUTH", "takes neither the user nor the password: correct records.stream.url"),
    (
        "OOM",
        "is full (OOM): raise its maxmemory, or make room by XTRIM KEY MAXLEN ~ NUMBER and set "
        "records.stream.max_entries, so that it stays so",
    ),
    (
        "READONLY",
        "is a replica, which takes nothing (READONLY): name the one that takes writes in records.stream.url",
    ),
    ("NOPERM", f"does not let this user do it (NOPERM): {_PERMITS}"),
    (".*user executing the script", f"does not let this user do it: {_PERMITS}"),
    (
        "WRONGTYPE",
        "has something else than a stream at this key (WRONGTYPE): choose another records.stream.key, or remove that",
    ),
    ("LOADING", "still reads its data (LOADING), which ends by itself"),
    (
        "MASTERDOWN",
        "is a replica that has lost its master (MASTERDOWN): name the one that takes writes in records.stream.url",
    ),
    ("CLUSTERDOWN", "is a cluster that is down (CLUSTERDOWN): see its log"),
    ("MOVED", "is a cluster, and another node has this key (MOVED): name that node in records.stream.url"),
    ("MISCONF", "takes nothing, since it cannot write to its disk (MISCONF): see its log"),
    ("NOREPLICAS", "takes nothing, since it has too few replicas (NOREPLICAS): see its min-replicas-to-write"),
    ("BUSY", "carries out somebody else's script (BUSY): SCRIPT KILL ends that"),
    (
        ".*[Uu]nknown command",
        "does not know a command that is needed: it must be Redis 5 or newer, with eval, exists, xinfo and xadd",
    ),
    (".*DB index", "has no database of this number: correct the last part of records.stream.url"),
    ("NOREDIS", "answers something that is not Redis: correct records.stream.url"),
)


class RedisError(Exception):
    """Nothing could be added, as far as is known; the message is one sentence, without anything that is secret."""


class Standing(NamedTuple):
    """Where a stream stands that is elsewhere than was thought."""

    id: str  # of the newest entry that it ever had; "0-0": none
    record: str | None  # the id of the record in that entry, "" where it holds none; None: it is not there any more

    @property
    def seq(self) -> int | None:
        """The number of the record in the newest entry; None where it is no entry of ours."""
        seq, _, more = self.id.partition("-")
        return int(seq) if more == "0" else None


class RedisStream:
    """One stream, over one connection that is kept."""

    def __init__(self, options: StreamOptions) -> None:
        self._key = options.key
        self._most = options.max_entries
        written = redis_urls.password_of(options.address)
        self._secrets = {each for each in (written, unquote(written)) if each}
        # A round trip that fails is not tried again before the caller has looked where the stream stands now.
        self._client: Any = client.Redis.from_url(
            redis_urls.for_client(options.address),
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )

    async def stands(self) -> Standing:
        """Where it stands.

        Raises:
            RedisError: it cannot be asked.
        """
        found = await self._ask("", ())
        assert found is not None  # noqa: S101 - nothing is ever expected to have no id
        return found

    async def append(self, after: int, events: Sequence[Event]) -> Standing | None:
        """Add an entry for each event behind the one of the number ``after``; 0: to an empty stream.

        None: they are there. Where it stands elsewhere, that comes back and nothing was added.

        Raises:
            RedisError: nothing was added, or some of them; or all, and the answer was lost.
        """
        return await self._ask(f"{after}-0", events)

    async def close(self) -> None:
        """Hang up."""
        with suppress(exceptions.RedisError, OSError, TimeoutError):
            async with asyncio.timeout(TIMEOUT):
                await self._client.aclose()

    async def _ask(self, expected: str, events: Sequence[Event]) -> Standing | None:
        arguments: list[str | bytes | int] = [expected, self._most]
        for event in events:
            arguments += (event.id, event.json)
        try:
            async with asyncio.timeout(TIMEOUT):
                added, top, record = await self._client.eval(_APPEND, 1, self._key, *arguments)
        except Exception as error:
            with suppress(exceptions.RedisError, OSError, TimeoutError):
                async with asyncio.timeout(TIMEOUT):
                    await self._client.connection_pool.disconnect()
            raise RedisError(self._sentence(error)) from None
        return None if added else Standing(top.decode(), None if record is None else _id_in(record))

    def _sentence(self, error: Exception) -> str:
        """What is wrong, for people."""
        if isinstance(error, TimeoutError | exceptions.TimeoutError):
            return f"did not answer within {TIMEOUT:g} seconds"
        text = str(error)
        code = next((code for kind, code in _CODES if isinstance(error, kind)), "")
        for pattern, told in _TOLD:
            if isinstance(error, exceptions.RedisError) and re.match(pattern, f"{code} {text}".lstrip(), re.DOTALL):
                return told
        for secret in self._secrets:  # some servers say what they were sent
            text = text.replace(secret, "***")
        text = "".join(each if each.isprintable() else " " for each in text)[:_LONGEST]
        if isinstance(error, exceptions.ConnectionError | OSError):
            return f"cannot be reached: {text or 'no more is known'}"
        return f"says: {text or type(error).__name__}"


def _id_in(text: bytes) -> str:
    """The id of the record that an entry holds."""
    try:
        found = json.loads(text)["record"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""
