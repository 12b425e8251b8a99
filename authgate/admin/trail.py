"""What was: records."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from authgate.model import Record
from authgate.wanted import EVERYTHING, RecordFilter

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store


async def records(
    store: "Store", wanted: RecordFilter = EVERYTHING, *, limit: int, before: int | None = None
) -> Sequence[tuple[int, Record]]:
    """The newest records that are wanted, with their numbers, newest first: at most ``limit``, before a number.

    Raises:
        StoreError: the store is away or too slow.
    """
    return await store.records.newest(wanted, limit, before)


async def all_records(store: "Store", wanted: RecordFilter = EVERYTHING) -> AsyncIterator[Sequence[tuple[int, Record]]]:
    """All records of until now that are wanted, with their numbers, oldest first: a page at a time.

    Raises:
        StoreError: the store is away or too slow; while they are read.
    """
    async for page in store.records.each(wanted, until=await store.records.newest_seq()):
        yield page
