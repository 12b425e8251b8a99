"""The processes that take part: started with what they need on standard input, ended with the command or before it."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from authgate.bench.hooks import Sender
from authgate.bench.keeper import DONE, NOT_MADE, Leavings
from authgate.bench.load import PATIENCE, Order
from authgate.errors import Refused

_ENDS = 3 * PATIENCE  # seconds until one that was told to stop is killed

Process = subprocess.Popen[bytes]


@dataclass(slots=True)
class Keeper:
    """Puts away what is left, at the end of the block or when all processes are gone."""

    pipe: int  # that every process holds for as long as it lives

    def not_made(self) -> None:
        """There is no database that is to be dropped."""
        os.write(self.pipe, NOT_MADE)

    @contextmanager
    def started(self, module: str, told: Mapping[str, Any], log: Path | None = None) -> Iterator[Process]:
        """A module as a process of its own, told in its first line what to do, until the end of the block."""
        with (log or Path(os.devnull)).open("ab") as errors:
            process = subprocess.Popen(  # noqa: S603 - modules of our own
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # what a terminal sends is for the command, which ends them in order
                pass_fds=(self.pipe,),
            )
        try:
            tell(process, told)
            yield process
        finally:
            _end(process)


@contextmanager
def kept(leavings: Leavings) -> Iterator[Keeper]:
    """In it, processes may leave this behind, which is put away afterwards.

    Raises:
        Refused: it could not be; standard error says why.
    """
    ours, theirs = os.pipe()
    keeper = subprocess.Popen(
        [sys.executable, "-m", "authgate.bench.keeper"], stdin=ours, stdout=subprocess.DEVNULL, start_new_session=True
    )
    os.close(ours)
    try:
        with os.fdopen(theirs, "wb", buffering=0) as pipe:
            pipe.write(json.dumps(asdict(leavings)).encode() + b"\n")
            yield Keeper(pipe.fileno())
            pipe.write(DONE)
    finally:
        status = keeper.wait()
    if status:
        raise Refused("not everything could be put away; see above")


@contextmanager
def load(keeper: Keeper, sender: Sender, clients: list[tuple[str, str]], password: str = "") -> Iterator["Generator"]:
    """What sends hooks for these clients, until the end of the block; it closes what it left open at a ``rate``."""
    told = {"sender": asdict(sender), "clients": clients, "password": password}
    with keeper.started("authgate.bench.load", told) as process:
        yield Generator(process)


@dataclass(frozen=True, slots=True)
class Generator:
    """A process that sends hooks."""

    process: Process

    def run(self, order: Order) -> Mapping[str, Any]:
        """What came of a round.

        Raises:
            Refused: the process that sends has ended.
        """
        tell(self.process, asdict(order))
        return heard(self.process, order.seconds + 3 * PATIENCE, "what sends the hooks")


def tell(process: Process, told: Mapping[str, Any]) -> None:
    """Write one line to a process, if it is still there."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # whoever waits for its answer finds that it is gone
            process.stdin.write(json.dumps(told).encode() + b"\n")
            process.stdin.flush()


def heard(process: Process, seconds: float, what: str) -> Mapping[str, Any]:
    """The next line of a process.

    Raises:
        Refused: it says nothing for so long, or has ended.
    """
    if process.stdout is None or not select.select([process.stdout], [], [], seconds)[0]:
        raise Refused(f"{what} does not answer")
    line = process.stdout.readline()
    if not line:
        raise Refused(f"{what} has ended")
    found: Mapping[str, Any] = json.loads(line)
    if "error" in found:
        raise Refused(f"{what} cannot begin: {found['error']}")
    return found


def _end(process: Process) -> None:
    """Its standard input ends, upon which it does: what sends hooks closes what it left open first."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
    try:
        process.wait(_ENDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
