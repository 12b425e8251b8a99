"""Several servers of PostgreSQL, one of which takes writes: how an address names them, and which of them it is."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, make_url

from authgate.errors import StoreError

log = logging.getLogger(__name__)

PORT = 5432
SHARE = 0.4  # of a batch's time for the server that was used last, and again for all the others
_OTHERS = 0.2  # seconds that the others have once one is there

_SEVERAL = re.compile(r"(\w+(?:\+\w+)?://(?:[^/?@]*@)?)([^/?@]*,[^/?@]*)((?:[/?].*)?)", re.DOTALL)
_PLACE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:@]+))(?::(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens: a name, an address or the folder of its socket, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str) -> URL:
    """An address as SQLAlchemy has it; several hosts with commas between them come to stand as its option ``host``.

    Raises:
        ArgumentError, ValueError: it is none, or names hosts at both places.
    """
    several = _SEVERAL.fullmatch(text)
    if several is None:
        return make_url(text)
    before, hosts, after = several.groups()
    url = make_url(before + after)
    if "host" in url.query:
        raise ValueError("it names hosts twice")
    return url.update_query_dict({"host": hosts.split(",")})


def places(url: URL) -> Sequence[Place]:
    """The servers that an address of PostgreSQL names; nothing where it leaves that to the driver.

    Raises:
        ValueError: one of several is none; the message holds nothing of the address.
    """
    given = url.query.get("host", ())
    hosts = [host for each in ((given,) if isinstance(given, str) else given) for host in each.split(",")]
    if not hosts and url.host:
        return [Place(url.host, url.port or PORT)]
    return [_place(host, url.port or PORT) for host in hosts]


def _place(text: str, port: int) -> Place:
    found = _PLACE.fullmatch(text)
    port = int(found[3] or port) if found else 0
    if found is None or not 0 < port < 1 << 16:
        raise ValueError("names a host that is none; several are written HOST:PORT,HOST:PORT")
    return Place(found[1] or found[2], port)


@dataclass(frozen=True, slots=True)
class _Found:
    place: Place
    connection: Any
    timeline: int


class Hosts:
    """The way to the one server that takes writes, whichever that is now.

    One that was left behind, because another was promoted in its place, may come back and take writes as if nothing
    had happened. So of several that do, the one on the latest timeline counts, which each promotion begins anew; and
    none on an earlier timeline than was seen before.
    """

    def __init__(
        self,
        places: Sequence[Place],
        connect: Callable[..., Awaitable[Any]],
        patience: float,
        moved: Callable[[StoreError], None],
    ) -> None:
        """``connect`` is the driver's; ``patience`` is how many seconds each server has to answer.

        ``moved`` is told when it is another server than before: what was read from the one before may be out of date.
        """
        self._places = places
        self._connect = connect
        self._patience = patience
        self._moved = moved
        self._at: Place | None = None
        self._timeline = 0

    async def connect(self, **settings: Any) -> Any:
        """A connection to the server that takes writes.

        Raises:
            StoreError: there is none, or it is another than it was when this was asked.
        """
        before = self._at
        faults: dict[Place, str] = {}
        found = await self._best([before] if before else [], settings, faults)
        if found is None:
            found = await self._best([each for each in self._places if each not in faults], settings, faults)
        if found is None:
            raise StoreError(f"the store is away: none of its servers takes writes ({_told(faults, self._places)})")
        if before not in (None, found.place):
            found.connection.terminate()
            trouble = StoreError("the store has moved to another server")
            if self._at != found.place:
                log.warning("the store has moved from %s to %s", before, found.place)
                self._seen(found)
                self._moved(trouble)
            raise trouble
        self._seen(found)
        return found.connection

    def _seen(self, found: _Found) -> None:
        self._at = found.place
        self._timeline = max(self._timeline, found.timeline)

    async def _best(
        self, places: Sequence[Place], settings: Mapping[str, Any], faults: dict[Place, str]
    ) -> _Found | None:
        """The one of these that takes writes, on the latest timeline; what is wrong with others is added."""
        usable: list[_Found] = []
        asked = [asyncio.create_task(self._ask(place, settings, usable, faults)) for place in places]
        try:
            waiting = set(asked)
            while waiting:
                done, waiting = await asyncio.wait(
                    waiting, timeout=_OTHERS if usable else None, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    break
            best = max(usable, key=lambda each: (each.timeline, -places.index(each.place)), default=None)
            if best is not None:
                usable.remove(best)
            return best
        finally:
            for task in asked:
                task.cancel()
            for each in usable:
                each.connection.terminate()

    async def _ask(
        self, place: Place, settings: Mapping[str, Any], usable: list[_Found], faults: dict[Place, str]
    ) -> None:
        try:
            async with asyncio.timeout(self._patience):
                connection = await self._connect(host=place.host, port=place.port, **settings)
                try:
                    timeline = await _timeline(connection)
                except BaseException:
                    connection.terminate()
                    raise
        except TimeoutError:
            faults[place] = "does not answer"
        except OSError as error:
            faults[place] = error.strerror or "cannot be reached"
        except Exception as error:  # the driver's: what the server says
            faults[place] = str(error).splitlines()[0] if str(error) else type(error).__name__
        else:
            if timeline is None:
                faults[place] = "only reads"
            elif 0 < timeline < self._timeline:
                faults[place] = "was left behind when another was promoted"
            else:
                usable.append(_Found(place, connection, timeline))
                return
            connection.terminate()


async def _timeline(connection: Any) -> int | None:
    """The timeline that a server writes; None: it only reads. 0: it does not say, as some that others run do not."""
    if await connection.fetchval("SHOW transaction_read_only") == "on":  # a standby's is on, too
        return None
    with suppress(_driver().PostgresError):
        return int((await connection.fetchval("SELECT pg_walfile_name(pg_current_wal_lsn())"))[:8], 16)
    return 0


def _driver() -> Any:
    import asyncpg  # here: who has another database needs not wait for it

    return asyncpg


def _told(faults: Mapping[Place, str], places: Sequence[Place]) -> str:
    """What is wrong with each, in their order and without their names: strangers may see it."""
    return "; ".join(faults[place] for place in places if place in faults)
