"""A process that puts away what the others leave, when the last of them is gone, however they ended.

Its standard input is a pipe whose other end all of them hold. Nothing that ends them all at once reaches it: it has a
session of its own, and ignores what a terminal or a service manager sends.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from authgate.errors import AuthgateError, Refused
from authgate.model import Secret

DONE = b"done\n"  # the last line of who ends in order
NOT_MADE = b"not made\n"  # there is no database
_AGAIN = 1.0  # seconds after which a server has also made what it was asked to just before


@dataclass(frozen=True, slots=True)
class Leavings:
    """What is to be put away; "" is nothing of the kind."""

    url: str = ""  # of the store beside which there is
    database: str = ""  # this database
    folder: str = ""  # with everything in it
    config: str = ""  # the configuration of a store in which there is
    user: str = ""  # this user


async def put_away(leavings: Leavings) -> None:
    """Do so; it may not be there at all.

    Raises:
        AuthgateError: it cannot be done.
    """
    if leavings.folder:
        shutil.rmtree(leavings.folder, ignore_errors=True)
    if leavings.database:
        from authgate.store import StoreOptions, scratch

        await scratch.drop(StoreOptions(url=Secret(leavings.url)), leavings.database)
    if leavings.user:
        await _forget(Path(leavings.config), leavings.user)


async def _forget(path: Path, user: str) -> None:
    from authgate import admin
    from authgate.config import load
    from authgate.store import Store

    store = Store(load(path, os.environ).store, 10.0)
    try:
        await admin.delete_user(store, user)
    except Refused:  # it is gone, or was never added
        pass
    finally:
        await store.close()


def main() -> None:
    """The first line says what there is; it is put away once nobody holds the pipe any more."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    line = sys.stdin.buffer.readline()
    if not line:
        return
    leavings = Leavings(**json.loads(line))
    lines = sys.stdin.buffer.readlines()
    if NOT_MADE in lines:
        leavings = replace(leavings, database="")
    for again in range(1 if DONE in lines else 2):
        time.sleep(_AGAIN * again)
        try:
            asyncio.run(put_away(leavings))
        except AuthgateError as error:
            what = f"the user {leavings.user}" if leavings.user else f"the database {leavings.database}"
            sys.stderr.write(f"error: {what} may still be there: {error}\n")
            sys.exit(1)


if __name__ == "__main__":
    main()
