"""Long lists, read a page at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")

PAGE = 500  # rows that are read at once


async def all_of(page: Callable[..., Awaitable[Sequence[Item]]], after: Callable[[Item], Any]) -> list[Item]:
    """All that ``page(after=..., limit=...)`` gives; ``after`` says of its last one where the next page begins."""
    found: list[Item] = []
    rest: dict[str, Any] = {}
    while rows := await page(**rest, limit=PAGE):
        found += rows
        rest = {"after": after(rows[-1])}
    return found


async def each_of(page: Callable[..., Awaitable[Sequence[Item]]], after: Callable[[Item], Any]) -> AsyncIterator[Item]:
    """As ``all_of``, one by one: no more than a page is held at a time."""
    rest: dict[str, Any] = {}
    while rows := await page(**rest, limit=PAGE):
        for row in rows:
            yield row
        rest = {"after": after(rows[-1])}


async def some_of(
    page: Callable[..., Awaitable[Sequence[Item]]],
    key: Callable[[Item], Any],
    fits: Callable[[Item], bool],
    after: Any = None,
    limit: int | None = None,
) -> list[Item]:
    """Those of all that fit: at most ``limit``, from the one that follows ``after``; None: from the first, and all."""
    found: list[Item] = []
    while limit is None or len(found) < limit:
        rows = await page(after=after, limit=PAGE)
        if not rows:
            break
        found += filter(fits, rows)
        after = key(rows[-1])
    return found[:limit]
