"""What was: records."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from authgate.model import Reason, Record
from authgate.names import canonical

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.store import Store


async def records(
    store: "Store",
    *,
    limit: int,
    user: str | None = None,
    session: str | None = None,
    method: str | None = None,
    app_key: str | None = None,
    allowed: bool | None = None,
    reason: Reason | None = None,
    since: int | None = None,
) -> Sequence[Record]:
    """The newest records that match all that is given, newest first; ``since`` in milliseconds since the epoch.

    Raises:
        BadName: it cannot be a user's name.
        StoreError: the store is away or too slow.
    """
    return await store.records.list(
        limit=limit,
        user=None if user is None else canonical(user),
        session=session,
        method=method,
        app_key=app_key,
        allowed=allowed,
        reason=reason,
        since=since,
    )
