"""The revision of the store."""

from typing import TYPE_CHECKING

from authgate.errors import Refused, StoreError

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store
    from authgate.store.migrate import Revision


async def revision(store: "Store") -> "Revision":
    """The revision of the store, and the newest one.

    Raises:
        StoreError: the store is away or too slow.
    """
    return await store.revision()


async def upgrade(store: "Store") -> "Revision":
    """Bring the store to the newest revision; where it was before comes back.

    Raises:
        Refused: the database holds something else.
        StoreError: the store is away or too slow.
    """
    from authgate.store import migrate

    before = await store.revision()
    await migrate.upgrade(store.engine)
    return before


async def demand_newest(store: "Store") -> None:
    """Come back if the store is at the newest revision.

    Raises:
        Refused: it is not; says what to do.
        StoreError: the store is away or too slow.
    """
    found = await revision(store)
    try:
        found.demand_newest()
    except StoreError as fault:
        raise Refused(str(fault)) from None
