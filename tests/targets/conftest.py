"""Another back end, and hooks to send to it."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from authgate.hooks.parse import parse
from authgate.model import Delivery, Hook, Reason, Record
from authgate.ports import Answered
from authgate.store.ids import record_id
from authgate.targets import HttpTargets, TargetOptions, observer

from .backend import BackEnd, running


@pytest.fixture(scope="session")
def _backend() -> Iterator[BackEnd]:
    with running() as one:
        yield one


class Named:
    """The back end under a name that no other test has."""

    def __init__(self, backend: BackEnd) -> None:
        self.backend = backend
        self.name = f"n{secrets.token_hex(8)}"
        self.url = backend.url(self.name)

    def say(self, *answers: list[Any]) -> None:
        self.backend.say(self.name, *answers)

    def heard(self) -> list[dict[str, Any]]:
        return self.backend.heard(self.name)

    def methods(self) -> list[str]:
        return self.backend.methods(self.name)


@pytest.fixture
def other(_backend: BackEnd) -> Named:
    return Named(_backend)


YES, REFUSED = Answered(True), Answered(False)
ALL = {"observe": ("*",)}


def a_hook(method: str = "publishStream", session: str = "s", **fields: Any) -> Hook:
    body = {"nodeId": "n", "appKey": "defaultApp", "sessionId": session, "name": "cam"} | fields
    return parse(Delivery(method, json.dumps(body).encode()))


def record_of(hook: Hook, *, allowed: bool = True) -> Record:
    reason = Reason.OK if allowed else Reason.POLICY_DENIED
    return Record(record_id(), 1_700_000_000_000, hook.key, hook.app_key, hook.method.name, None, allowed, reason, "r")


def raw(hook: Hook) -> bytes:
    """A mask that masks nothing."""
    return hook.body


async def until(true: Callable[[], object], patience: float = 10) -> None:
    """Wait until this is so."""
    async with asyncio.timeout(patience):
        while not true():  # noqa: ASYNC110 - asked of another process
            await asyncio.sleep(0.01)


class Making:
    """Makes targets and closes them at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[HttpTargets] = []

    def __call__(self, url: str = "", mask: Any = raw, pause: float = 0.02, **options: Any) -> HttpTargets:
        """One target, ``legacy``."""
        some = {"timeout": 5.0} | options
        targets = HttpTargets({"legacy": TargetOptions(url, **some)}, self.folder, mask, patience=1.0, pause=pause)
        self.made.append(targets)
        return targets


@pytest.fixture
async def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Making]:
    monkeypatch.setattr(observer, "_PARTING", 0.2)
    making = Making(tmp_path / "spool")
    yield making
    for each in making.made:
        await each.close()
        assert each.states()["legacy"]["connections"] == 0
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def numbers(requests) -> list[int]:
    return [json.loads(request["body"])["n"] for request in requests]


def see(targets: HttpTargets, *ns: int, session: str = "s") -> None:
    for n in ns:
        hook = a_hook(session=session, n=n)
        targets.observe(hook, record_of(hook))


def queue(make: Making) -> Path:
    return make.folder / "observers" / "legacy"


def files(make: Making) -> list[Path]:
    return sorted(queue(make).iterdir())
