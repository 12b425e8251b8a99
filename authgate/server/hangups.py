"""SIGHUP: "take the configuration over again", from the very start on."""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import cache


class Hangups:
    """Notes each SIGHUP from when it is made; until then, one ends the process.

    Where the server was started from a terminal and that is gone, it is told to stop, as it always was.
    """

    def __init__(self) -> None:
        self._noted = False
        self._wake: Callable[[], object] = lambda: None
        self._has_terminal = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN and _terminal()
        signal.signal(signal.SIGHUP, self._note)

    async def next(self) -> None:
        """Come back when there was one since the last time; however many there were, they count as one."""
        loop, came = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.is_closed() or loop.call_soon_threadsafe(came.set)
        if not self._noted:
            await came.wait()
        self._noted = False

    def _note(self, *_: object) -> None:
        if self._has_terminal and not _terminal():
            signal.raise_signal(signal.SIGTERM)
            return
        self._noted = True
        self._wake()


@cache
def hangups() -> Hangups:
    """Those of this process: made when this is first called."""
    return Hangups()


def _terminal() -> bool:
    """Whether this process has a terminal that can be used."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
