"""Other issuers' keys in SQL, as they were last fetched: read at a start, written after each fetch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from authgate.ports import KeySource
from authgate.store.database import Database
from authgate.store.tables import SUBJECT_LENGTH, URL_LENGTH, clipped, key_sets
from authgate.store.watch import Watch
from authgate.verifiers.jwks import shown

NAME = "key_sets"  # among the versions


@dataclass(frozen=True, slots=True)
class KeptKeySet:
    """What is kept of one source."""

    id: str
    issuer: str
    url: str  # without user and query; "" where it is discovered
    document: bytes | None  # the last good one
    fetched_at: int | None  # milliseconds since the epoch
    tried_at: int  # milliseconds since the epoch
    fault: str  # of the last try, "" where it succeeded


def key_set_id(source: KeySource) -> str:
    """What a source is kept under: also its issuer, as one address may be said to hold the keys of two."""
    return hashlib.sha256(f"{source.issuer}\n{source.url}".encode("utf-8", "surrogatepass")).hexdigest()


class SqlKeySets:
    """The kept key sets: obeys ``key_sets.Shelf``, and what administration asks of it."""

    def __init__(self, database: Database, watch: Watch) -> None:
        self._database = database
        self._watch = watch

    async def load(self, source: KeySource) -> tuple[bytes, int] | None:
        """See ``key_sets.Shelf``."""
        query = select(key_sets.c.document, key_sets.c.fetched_at).where(key_sets.c.id == key_set_id(source))
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None or row[0] is None or row[1] is None else (row[0].encode(), int(row[1]))

    async def keep(self, source: KeySource, document: bytes | None, tried_at: int, fault: str) -> None:
        """See ``key_sets.Shelf``."""
        tried: dict[str, Any] = {"tried_at": tried_at, "fault": clipped(fault, SUBJECT_LENGTH)}
        row: dict[str, Any] = {
            "id": key_set_id(source),
            "issuer": clipped(source.issuer, URL_LENGTH),
            "url": clipped(shown(source.url), URL_LENGTH) if source.url else "",
            "document": None if document is None else document.decode(),
            "fetched_at": None if document is None else tried_at,
            **tried,
        }

        def work(connection: Connection) -> None:
            if document is not None:
                connection.execute(self._database.insert_or_replace(key_sets), row)
            elif not connection.execute(update(key_sets).where(key_sets.c.id == row["id"]).values(**tried)).rowcount:
                connection.execute(self._database.insert_unless_there(key_sets), row)

        await self._database.write(work)

    async def list(self) -> Sequence[KeptKeySet]:
        """All that are kept, by issuer and address.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(key_sets).order_by(key_sets.c.issuer, key_sets.c.url, key_sets.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [
            KeptKeySet(**{**row, "document": None if row["document"] is None else row["document"].encode()})
            for row in rows
        ]

    async def changed(self) -> None:
        """Have every running worker fetch its key sets again.

        Raises:
            StoreError: the store is away or too slow.
        """
        await self._watch.raise_number(NAME)
