"""Hooks that go astray on their way to several back ends: lost, unheard, doubled, late and out of order, by a plan."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from tests.standin.rest import Answer, App

BackEnd = Callable[[str, bytes], Awaitable[Answer]]  # method of the hook, body
GIVEN_UP = Answer(error="Read timed out")


class Fault(StrEnum):
    """What befalls one hook."""

    NONE = "none"
    LOST = "lost"  # it never arrives
    UNHEARD = "unheard"  # it arrives, but the answer does not
    TWICE = "twice"  # sent again while it is still on its way: both arrive at once, the later answer counts
    LATE = "late"  # it arrives when the media server has given it up
    AGAIN = "again"  # it is answered, and what was sent before it arrives later


class Plan(Protocol):
    """Who decides what goes wrong, and all else that is left to chance."""

    def fault(self, method: str) -> Fault:
        """What befalls the next hook."""
        ...

    def pick(self, count: int) -> int:
        """One of so many, from 0."""
        ...


class Seeded:
    """A plan by chance: of hooks, that share goes astray which is given for each fault."""

    def __init__(self, seed: str, shares: Mapping[Fault, float]) -> None:
        self._random = random.Random(seed)
        self._faults = list(Fault)
        self._weights = [shares.get(fault, 0) for fault in self._faults]
        self._weights[self._faults.index(Fault.NONE)] = 1 - sum(shares.values())

    def fault(self, method: str) -> Fault:
        """See ``Plan``."""
        return self._random.choices(self._faults, self._weights)[0]

    def pick(self, count: int) -> int:
        """See ``Plan``."""
        return self._random.randrange(count)


@dataclass(frozen=True, slots=True)
class Astray:
    """A hook that is still on its way."""

    method: str
    session_id: str
    body: bytes
    backend: int


class FaultyHooks:
    """Hooks without HTTP to one of several back ends each, told in a line each: obeys ``rest.Hooks``."""

    def __init__(self, backends: Sequence[BackEnd], plan: Plan) -> None:
        self._backends = backends
        self._plan = plan
        self._posts = plan.pick(len(backends))
        self.calm = False  # True: nothing goes astray any more
        self.astray: list[Astray] = []
        self.sent: list[Fault] = []  # what befell each hook
        self.told: list[str] = []

    async def send(self, app: App, method: str, fields: dict[str, Any]) -> Answer:
        """What the media server takes for the back end's answer."""
        if method not in app.methods:
            return Answer(fields)
        body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        fault = Fault.NONE if self.calm else self._plan.fault(method)
        hook = self._to_one(method, str(fields.get("sessionId")), body)
        answer = await self._sent(hook, fault)
        what = fields.get("status", "") or fields.get("custom", {}).get("who", "")
        self.sent.append(fault)
        self.told.append(f"{fields.get('nodeId')} {hook.session_id} {method} {what} {fault}: {answer.error or 'ok'}")
        return answer

    async def arrive(self) -> None:
        """One of the hooks that are astray arrives, if there is any."""
        if self.astray:
            hook = self.astray.pop(self._plan.pick(len(self.astray)))
            self.told.append(f"{hook.session_id} {hook.method} arrives late")
            await self._deliver(hook)

    def lose(self, session_id: str, method: str) -> None:
        """Hooks of this method and session that are astray arrive no more."""
        self.astray = [hook for hook in self.astray if (hook.session_id, hook.method) != (session_id, method)]

    async def _sent(self, hook: Astray, fault: Fault) -> Answer:
        match fault:
            case Fault.LOST:
                return GIVEN_UP
            case Fault.LATE:
                self.astray.append(hook)
                return GIVEN_UP
            case Fault.UNHEARD:
                await self._deliver(hook)
                return GIVEN_UP
            case Fault.TWICE:
                again = self._to_one(hook.method, hook.session_id, hook.body)
                return (await asyncio.gather(self._deliver(hook), self._deliver(again)))[1]
            case Fault.AGAIN:
                self.astray.append(hook)
                hook = self._to_one(hook.method, hook.session_id, hook.body)
        return await self._deliver(hook)

    def _to_one(self, method: str, session_id: str, body: bytes) -> Astray:
        """A hook to the next back end in turn, as a balancer before them would."""
        self._posts += 1
        return Astray(method, session_id, body, self._posts % len(self._backends))

    async def _deliver(self, hook: Astray) -> Answer:
        return await self._backends[hook.backend](hook.method, hook.body)
