"""A configuration and a store -> what hooks are answered by, so that trying one changes nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from authgate.cli.common import hasher

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.config import Config
    from authgate.gateway import InForce
    from authgate.store import Store


@asynccontextmanager
async def dry_in_force(config: "Config", store: "Store", *, send: bool = False) -> AsyncIterator["InForce"]:
    """In it, hooks can be judged, and nothing is written; ``send``: targets are asked where a rule says so."""
    import logging

    from authgate.explain import dry
    from authgate.judge import Outside
    from authgate.wiring import in_force, targets_of

    logging.getLogger("authgate").addHandler(logging.NullHandler())  # what is worth telling is in the explanation
    targets = targets_of(config)  # not started: what waits to be sent to those that observe is the server's
    hashing = hasher(config)
    outside = Outside(store.users, hashing, store.sessions, store.authorities, targets)
    try:
        yield in_force(config, dry(outside, send=send), store)
    finally:
        hashing.close()
        await targets.close()
