"""Another configuration, taken over while hooks are answered: as a whole, or not at all."""

import asyncio
import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from authgate.config import Config, load
from authgate.errors import ConfigError
from authgate.model import Secret
from authgate.server.hangups import Hangups
from authgate.server.presence import Outcome, Presence

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds for each worker to get ready, and again to confirm
UNEXPECTED = "it cannot be taken over: something unexpected failed, see the log"

# Sections that are made use of once, at the start.
FIXED = ("server", "admin", "store", "hashing", "log")
FIXED_OPTIONS = (("guessing", "storage"), ("feed", "window"))


def now_iso() -> str:
    """The time: ISO 8601, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Generation:
    """A configuration that is or was in force; the first is the one that the server was started with."""

    config: Config
    number: int = 1
    loaded_at: str = field(default_factory=now_iso)  # ISO 8601, in UTC


class Workers(Protocol):
    """Those who answer hooks."""

    in_force: Generation
    count: int

    async def take_over(self, offered: Generation) -> Sequence[str]:
        """Have all of them answer by it from now on; or why not, and then none does."""
        ...


class Reload:
    """Takes the configuration over again when told to, one time after the other."""

    def __init__(self, workers: Workers, presence: Presence) -> None:
        self._workers = workers
        self._presence = presence

    async def run(self, hangups: Hangups) -> None:
        """Do so at each SIGHUP, until cancelled."""
        await self._tell(time.monotonic())
        while True:
            await hangups.next()
            await self.once()

    async def once(self) -> Sequence[str]:
        """Do so now; what is wrong with the configuration, and then everything goes on as before."""
        began = time.monotonic()
        before = self._workers.in_force
        try:
            faults = await self._faults(before)
        except Exception:
            log.exception("could not take a configuration over")
            faults = [UNEXPECTED]
        now = self._workers.in_force
        for fault in faults:
            log.error("configuration refused: %s", fault)
        if faults:
            log.error("goes on with configuration %s, generation %d", now.config.revision, now.number)
        else:
            log.info(
                "took over configuration %s (was %s), generation %d, in %d %s",
                now.config.revision,
                before.config.revision,
                now.number,
                self._workers.count,
                "workers" if self._workers.count > 1 else "worker",
            )
            for warning in now.config.warnings():
                log.warning("%s", warning)
        await self._tell(began, faults)
        return faults

    async def _faults(self, before: Generation) -> Sequence[str]:
        """Take it over; what is wrong with it, and then it was not."""
        try:
            config = await asyncio.to_thread(load, before.config.source, os.environ)
        except ConfigError as error:
            return error.faults
        return restart_needed(before.config, config) or await self._workers.take_over(
            Generation(config, before.number + 1)
        )

    async def _tell(self, began: float, faults: Sequence[str] = ()) -> None:
        now = self._workers.in_force
        outcome = Outcome(began, now_iso(), now.number, now.config.revision, self._workers.count, tuple(faults))
        await asyncio.to_thread(self._presence.tell, outcome)


def restart_needed(before: Config, after: Config) -> list[str]:
    """Each option that differs and that a running server cannot take over, as ``key: what to do``."""
    faults = []
    fixed = [(section, option.name) for section in FIXED for option in fields(getattr(before, section))]
    for section, option in (*fixed, *FIXED_OPTIONS):
        was = getattr(getattr(before, section), option)
        if was != getattr(getattr(after, section), option):
            faults.append(
                f"{section}.{option}: cannot be changed while running; "
                f"restart the server, or put it back{_as_it_was(was)}"
            )
    return faults


def _as_it_was(value: Any) -> str:
    if isinstance(value, Secret):
        return ""
    if value is None:
        return ": it was left out"
    return f" to {json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)}"
