"""A history by chance, of one seed."""

import random

from tests.histories.authgates import Authgates
from tests.histories.world import World
from tests.standin.faults import Fault, Seeded

SHARES = {Fault.LOST: 0.05, Fault.UNHEARD: 0.04, Fault.TWICE: 0.06, Fault.LATE: 0.08, Fault.AGAIN: 0.04}
_ACTIONS = {
    "connect": 30,
    "stampede": 4,
    "leave": 12,
    "publish": 12,
    "play": 10,
    "stop": 6,
    "keep_alive": 4,
    "restart": 2,
    "arrive": 10,
    "wait": 8,
    "compare": 4,
}


async def walk(name: str, seed: str, steps: int, authgates: Authgates) -> World:
    """The world at the end of a history of so many steps, before anything was put right."""
    chance = random.Random(seed)
    clean = chance.random() < 0.1  # in which nothing goes astray
    plan, reuse = Seeded(f"{seed} faults", {} if clean else SHARES), chance.random() < 0.5
    world = World(name, f"{name}-{seed}", authgates, plan, reuse=reuse)
    for _ in range(steps):
        await _step(world, chance)
    await world.no_more_astray(arriving=chance.random() < 0.5)
    await world.check_identities()
    return world


async def _step(world: World, chance: random.Random) -> None:
    def some() -> int:
        return chance.randrange(60)

    match chance.choices(list(_ACTIONS), list(_ACTIONS.values()))[0]:
        case "connect":
            await world.connect(some(), some(), some(), at_once=chance.random() < 0.5)
        case "stampede":
            await world.stampede(some(), chance.randrange(2, 7))
        case "leave":
            await world.leave(some())
        case "publish":
            await world.publish(some(), some())
        case "play":
            await world.play(some(), some())
        case "stop":
            await world.stop(some())
        case "keep_alive":
            await world.keep_alive(some())
        case "restart":
            await world.restart(some())
        case "arrive":
            await world.arrive(chance.randrange(1, 4))
        case "compare":
            await world.compare(some())
        case "wait":
            await world.wait(some())
