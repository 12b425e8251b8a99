"""A configuration and a store -> what hooks are answered by, so that trying one changes nothing."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from authgate.cli.common import hasher

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.config import Config
    from authgate.gateway import InForce
    from authgate.ports import Means
    from authgate.sources import Directory
    from authgate.store import Store


@asynccontextmanager
async def directory(config: "Config", store: "Store") -> "AsyncIterator[Directory]":
    """In it, users can be looked for wherever there are some."""
    from authgate.wiring import directory_of

    found = directory_of(config, store)
    try:
        yield found
    finally:
        await found.close()


@asynccontextmanager
async def dry_in_force(config: "Config", store: "Store", *, send: bool = False) -> AsyncIterator["InForce"]:
    """In it, hooks can be judged, and nothing is written; ``send``: targets are asked where a rule says so."""
    import logging

    from authgate.explain import dry
    from authgate.wiring import guard_of, in_force, keys_of, outside_of, targets_of

    logging.getLogger("authgate").addHandler(logging.NullHandler())  # what is worth telling is in the explanation
    targets = targets_of(config)  # not started: what waits to be sent to those that observe is the server's
    hashing = hasher(config)
    keys = keys_of(config, store)
    keys.take_over()
    guard = guard_of(config, store, Counter())
    try:
        async with directory(config, store) as known:
            outside = outside_of(store, known, hashing, targets, keys, guard)
            yield in_force(config, dry(outside, send=send), store)
    finally:
        hashing.close()
        await guard.close()
        await keys.close()
        await targets.close()


@asynccontextmanager
async def means(config: "Config", store: "Store") -> "AsyncIterator[Means]":
    """In it, verifiers can be asked about credentials that nobody shows, now; nothing is written."""
    import time

    from authgate.wiring import guard_of, keys_of, outside_of, targets_of

    targets, hashing, keys = targets_of(config), hasher(config), keys_of(config, store)
    guard = guard_of(config, store, Counter())
    keys.take_over()
    try:
        async with directory(config, store) as known:
            yield replace(outside_of(store, known, hashing, targets, keys, guard), dry=True).means(time.time())
    finally:
        hashing.close()
        await guard.close()
        await targets.close()
        await keys.close()
