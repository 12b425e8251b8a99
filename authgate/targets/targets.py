"""The other back ends of a configuration; obeys ``ports.Targets``."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from authgate.errors import ConfigError, TargetError
from authgate.model import Hook, Record
from authgate.ports import Answered
from authgate.spool import private_folder
from authgate.targets.options import TargetOptions

if TYPE_CHECKING:
    from authgate.targets.target import Target

log = logging.getLogger(__name__)


class HttpTargets:
    """Other back ends, each asked and sent to over HTTP on its own. They belong to the event loop they are used on."""

    def __init__(
        self,
        options: Mapping[str, TargetOptions],
        folder: Path,
        mask: Callable[[Hook], bytes],
        tally: Counter[str] | None = None,
        *,
        patience: float = 10.0,
        pause: float = 0.5,
    ) -> None:
        """Queues stand below ``folder``; ``mask`` gives a hook's body without the client's credentials.

        Of what a target observes, ``patience`` in seconds is its time for each hook, and ``pause`` follows the first
        that it does not take. What becomes of hooks is counted in ``tally``.
        """
        self._mask = mask
        tally = Counter() if tally is None else tally
        self._folder = folder / "observers"
        self._targets: dict[str, Target] = {}
        if options:
            from authgate.targets import target  # here, for most have none, and httpx takes its time to load

            for name, each in options.items():
                self._targets[name] = target.Target(name, each, self._folder / name, tally, patience, pause)
        self._observed = any(each.observe for each in options.values())

    async def ask(self, target: str, hook: Hook) -> Answered:
        """What the target says to a hook.

        Raises:
            TargetError: it said nothing that can be understood, and may not be passed over.
        """
        known = self._targets.get(target)
        if known is None:
            raise TargetError(f"there is no target {target}")
        return await known.ask(hook)

    def observe(self, hook: Hook, record: Record) -> None:
        """Keep a hook for each target that observes its method, to be sent after the answer; never waits."""
        if not self._observed:
            return
        try:
            masked = b""
            for target in self._targets.values():
                if target.options.observes(hook.method.name, hook.app_key):
                    if not target.options.send_credentials:
                        masked = masked or self._mask(hook)
                    target.keep(hook, record, hook.body if target.options.send_credentials else masked)
        except Exception:  # the hook is answered, whatever becomes of those who only look on
            log.exception("could not keep a hook %s for those who observe it", hook.method.name)

    def check(self) -> None:
        """Come back if the queues' folders can be used.

        Raises:
            ConfigError: one cannot.
        """
        try:
            for name, target in self._targets.items():
                if target.options.observe:
                    private_folder(self._folder / name)
        except OSError as error:
            raise ConfigError([f"store.spool: the folder cannot be used: {error.strerror or error}"]) from None

    def start(self) -> None:
        """Begin to send what waits, also what processes that are gone have left.

        Raises:
            ConfigError: a queue's folder cannot be used.
        """
        for target in self._targets.values():
            target.start()
        if self._folder.is_dir():
            for path in sorted(self._folder.iterdir()):
                if path.name not in self._targets:
                    log.warning("%s keeps hooks for a target that is not configured any more; remove it", path)

    async def close(self) -> None:
        """Finish what is being asked, and let go. What is not sent waits for the next process."""
        await asyncio.gather(*(target.close() for target in self._targets.values()))

    def states(self) -> dict[str, dict[str, str | int]]:
        """How each target is, and what this process has counted."""
        return {name: target.state() for name, target in self._targets.items()}
