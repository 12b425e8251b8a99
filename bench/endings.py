"""How soon a user is gone who is disabled while it has many sessions: ``python bench/endings.py [--sessions 1000]``.

A server of one worker on SQLite as an operator runs it, and a stand-in of the media server with a WebSocket for each
client. Told are the seconds from the beginning of the command until the media server has ended each session, and until
none is live in the store.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests import process
from tests.standin.client import client
from tests.standin.server import stand_in
from tests.trouble import kept

HMAC_KEY = "a-key-between-media-server-and-back-end"
AT_ONCE = 20  # clients that connect at a time
PATIENCE = 120  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--sessions", type=int, default=1000)
    asyncio.run(measured(parser.parse_args().sessions))


async def measured(count: int) -> None:
    """Disable a user with so many sessions, beside another user who stays."""
    async with stand_in("http://127.0.0.1:9/hooks", hmac_key=HMAC_KEY, nodes=1) as wcs, AsyncExitStack() as stack:
        [node] = wcs.nodes
        more = f'[caller]\nhmac_keys = ["{HMAC_KEY}"]\n[[wcs]]\nnode = "{node.id}"\nurl = "{node.api.url}"\n'
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = await asyncio.to_thread(process.prepare, folder, more, ann="a horse", bob="a horse")
        server = await asyncio.to_thread(stack.enter_context, process.serve(config))
        node.node.apps |= {name: replace(app, url=server.hooks) for name, app in node.node.apps.items()}
        for first in range(0, count + 1, AT_ONCE):
            users = ["bob" if at == count else "ann" for at in range(first, min(first + AT_ONCE, count + 1))]
            ones = [await stack.enter_async_context(client(node.url)) for _ in users]
            told = [one.establish(custom={"token": server.token(user)}) for one, user in zip(ones, users, strict=True)]
            if not all("authToken" in each for each in await asyncio.gather(*told)):
                sys.exit("a client was not let in")
        print(f"{len(node.sessions)} sessions are live")
        began = time.monotonic()
        command = asyncio.create_task(asyncio.to_thread(server.run, "user", "disable", "ann"))
        gone: list[float] = []
        async with asyncio.timeout(PATIENCE):
            while len(gone) < count:
                left = len(node.sessions) - 1
                gone += [time.monotonic() - began] * (count - left - len(gone))
                await asyncio.sleep(0.01)
            await command
            while len((await asyncio.to_thread(kept, server.store_url))[1]) > 1:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.05)
        p50, last = statistics.median(gone), gone[-1]
        print(f"ended at the media server: p50 {p50:.1f} s, the last after {last:.1f} s")
        print(f"none left in the store after {time.monotonic() - began:.1f} s; the other user is still there")


if __name__ == "__main__":
    main()
