"""Histories of clients by chance, against what authgate says of them: ``python bench/histories.py [--count 10000]``.

Each is of two nodes of the media server and two authgates on one database; hooks are lost, answered in vain, doubled,
late and out of order, nodes start anew, and session ids are used again in half of them. At the end authgate compares
with the media server, and then must tell the truth: no ghost, nobody missing, nobody on another's session, no limit
exceeded. Exit 1 where something was wrong; each history that was is told by its number, and is gone through again by
``--seed SEED --only NUMBER``.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests import process
from tests.histories.authgates import ENDING, SETTINGS, Authgates, authgates
from tests.histories.walk import walk
from tests.histories.world import World, put_right, users_of

SHOWN = 5  # histories that are shown whole


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--count", type=int, default=10_000, help="histories")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--steps", type=int, default=20, help="of each history")
    parser.add_argument("--at-once", type=int, default=25, help="histories that go on at the same time")
    parser.add_argument("--end-oldest", action="store_true", help="one too many is let in, and the oldest end for it")
    parser.add_argument("--only", type=int, help="this one, alone and told whole")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    numbers = range(wanted.first, wanted.first + wanted.count) if wanted.only is None else [wanted.only]
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 (the name of a file there is made up)
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        config = process.prepare(Path(folder), ENDING if wanted.end_oldest else SETTINGS)
        return asyncio.run(_run(config, [*numbers], wanted))


async def _run(config: Path, numbers: list[int], wanted: argparse.Namespace) -> int:
    print(f"seed {wanted.seed}, histories {numbers[0]} to {numbers[-1]}, {wanted.steps} steps each")
    began, seen, wrong = time.monotonic(), Counter[str](), 0
    async with authgates(config) as found:
        for slot in range(wanted.at_once):
            await found.add_users(users_of(f"h{slot}"))
        for at in range(0, len(numbers), wanted.at_once):
            for number, world in await _some(found, numbers[at : at + wanted.at_once], wanted):
                seen.update(_counts(world))
                if world.wrong:
                    wrong += 1
                    print(f"history {number}:", *world.wrong, sep="\n  ")
                if (world.wrong and wrong <= SHOWN) or wanted.only is not None:
                    print(*world.hooks.told, sep="\n  ")
            await found.forget()
            if (at // wanted.at_once) % 20 == 19:
                print(f"... {at + wanted.at_once} in {time.monotonic() - began:.0f} s, {wrong} wrong", flush=True)
    print(*(f"{count:9,} {what}" for what, count in sorted(seen.items())), sep="\n")
    print(*(f"{count:9,} {what}" for what, count in sorted(found.upkeep.tally.items())), sep="\n")
    print(f"{len(numbers):,} histories in {time.monotonic() - began:.0f} s: {wrong or 'nothing'} wrong")
    return 1 if wrong else 0


async def _some(found: Authgates, numbers: list[int], wanted: argparse.Namespace) -> list[tuple[int, World]]:
    walks = (walk(f"h{slot}", f"{wanted.seed}-{number}", wanted.steps, found) for slot, number in enumerate(numbers))
    worlds = await asyncio.gather(*walks)
    await put_right(found, worlds)
    for world in worlds:
        await world.check()
    return [*zip(numbers, worlds, strict=True)]


def _counts(world: World) -> Counter[str]:
    faults = Counter(f"hooks: {fault}" for fault in world.hooks.sent)
    refused = sum(line.endswith("Access denied") for line in world.hooks.told)
    more = {"hooks": len(world.hooks.sent), "hooks refused": refused, "moments with too many": world.moments}
    return faults + Counter(more)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
