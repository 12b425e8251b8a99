"""What was and what is: records and live sessions."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from authgate.admin.pages import all_of
from authgate.errors import Refused
from authgate.model import Over, Reason, Record, Session
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


async def sessions(store: "Store", user: str | None = None) -> list[Session]:
    """All live sessions, or those of a user, by node and session.

    Raises:
        BadName: it cannot be a user's name.
        StoreError: the store is away or too slow.
    """
    name = None if user is None else canonical(user)
    return await all_of(partial(store.sessions.list, user=name), lambda session: session.key)


async def end_sessions(
    store: "Store",
    *,
    user: str | None = None,
    node: str | None = None,
    session: str | None = None,
    app_key: str | None = None,
    only: Callable[[Session], bool] | None = None,
) -> int:
    """Forget the live sessions that match all that is given; how many there were.

    Their clients are refused from their next hook on, as far as the media server was told to obey for it.

    Raises:
        BadName: it cannot be a user's name.
        Refused: nothing was given, which would mean everybody.
        StoreError: the store is away or too slow.
    """
    if user is None and node is None and session is None and app_key is None and only is None:
        raise Refused("say which sessions: by their id, --node, --user, --app or --older")
    meant = [
        each
        for each in await sessions(store, user)
        if node in (None, each.key.node)
        and session in (None, each.key.session)
        and app_key in (None, each.app_key)
        and (only is None or only(each))
    ]
    return await store.sessions.over(meant, Over.ENDED, time.time_ns() // 1_000_000)


async def older_sessions(store: "Store", is_current: Callable[[str, str], bool]) -> int:
    """How many live sessions were opened with another ``restClientConfig`` than they would get now.

    Raises:
        StoreError: the store is away or too slow.
    """
    counts = await store.sessions.count_by_config()
    return sum(count for (app_key, digest), count in counts.items() if not is_current(app_key, digest))
