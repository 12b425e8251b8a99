"""Several workers: kept running, and another configuration taken over by all of them or by none."""

import asyncio
import logging
import multiprocessing
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress

from uvicorn.config import STARTUP_FAILURE

from authgate.metrics import Memory
from authgate.server import orders
from authgate.server.listeners import Listeners
from authgate.server.orders import Order, Verb
from authgate.server.reload import PATIENCE, UNEXPECTED, Generation
from authgate.server.worker import work

log = logging.getLogger(__name__)

_STARTS = 30.0  # seconds that a worker may take to start
_PING = 5.0  # seconds between two
_SILENT = 10.0  # seconds after which a worker that answers none is killed
_PAUSE = 1.0  # seconds before another is started in place of one that did not even begin
_SPAWN = multiprocessing.get_context("spawn")
multiprocessing.allow_connection_pickling()  # sockets are handed on


class Supervisor:
    """Starts workers, and others in place of those that end. It is the ``Workers`` that they are together."""

    def __init__(self, first: Generation, listeners: Listeners) -> None:
        self.in_force = first
        self.count = first.config.server.workers
        self._listeners = listeners
        # One for each place: who takes the place of a worker that is gone goes on counting where that was.
        self._memories = [Memory() for _ in range(self.count)]
        self._workers: dict[int, _Process] = {}
        self._all_begun = asyncio.Event()
        self._stopping = asyncio.Event()
        self._one_has_begun = False
        self._failed = False

    async def run(self) -> bool:
        """Have hooks answered until told to stop; False where no worker could begin."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: loop.is_closed() or loop.call_soon_threadsafe(self._stop))
        async with asyncio.TaskGroup() as group:
            for place in range(self.count):
                group.create_task(self._keep(place))
        return not self._failed

    async def take_over(self, offered: Generation) -> Sequence[str]:
        """Have every worker answer by it from now on; or why not, and then none does."""
        try:
            async with asyncio.timeout(_STARTS):
                await self._all_begun.wait()
        except TimeoutError:
            return ["not all workers have started; try again when they have"]
        asked = list(self._workers.values())
        answers = await asyncio.gather(*(each.ask(Verb.PREPARE, offered) for each in asked), return_exceptions=True)
        faults = list(dict.fromkeys(fault for each in answers for fault in _faults(each)))
        if not faults and asked != list(self._workers.values()):
            faults = [_ENDED]
        if faults:
            for each in asked:
                each.tell(Verb.DROP)
            return faults
        # From this line on it is in force: a worker that is started from now on starts with it.
        self.in_force = offered
        answers = await asyncio.gather(*(each.ask(Verb.ADOPT) for each in asked), return_exceptions=True)
        for each, answer in zip(asked, answers, strict=True):
            if isinstance(answer, TimeoutError):
                log.error("worker %s does not take the configuration over: it is killed", each.pid)
                each.kill()
        return ()

    def _stop(self) -> None:
        self._stopping.set()
        for each in self._workers.values():
            each.terminate()

    async def _keep(self, place: int) -> None:
        """Have a worker in this place until told to stop."""
        while not self._stopping.is_set():
            self._all_begun.clear()
            try:
                worker = self._workers[place] = _Process(self._listeners, self._memories, place)
            except OSError as error:
                log.error("no worker can be started: %s", error.strerror)
                await self._pause()
                continue
            watching = asyncio.create_task(self._watch(worker))
            await worker.wait()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            if self._stopping.is_set():
                break
            log.error("worker %s has ended, status %s", worker.pid, worker.status)
            if worker.status == STARTUP_FAILURE and not self._one_has_begun:
                self._failed = True  # so would all others
                self._stop()
            elif not worker.begun:
                await self._pause()

    async def _watch(self, worker: "_Process") -> None:
        """Give a worker the generation in force, and see that it lives."""
        try:
            await worker.open()
            await worker.ask(Verb.BEGIN, self.in_force, _STARTS)
            worker.begun = self._one_has_begun = True
            if all(each.begun for each in self._workers.values()):
                self._all_begun.set()
            while True:
                await asyncio.sleep(_PING)
                await worker.ask(Verb.PING, seconds=_SILENT)
        except ConnectionError:
            await asyncio.sleep(_STARTS)  # it is ending
        except TimeoutError:
            pass
        except Exception:
            log.exception("worker %s cannot be told what to do", worker.pid)
        if not self._stopping.is_set():
            log.error("worker %s does not answer: it is killed", worker.pid)
            worker.kill()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE):
                await self._stopping.wait()


class _Process:
    """One worker, seen from its supervisor."""

    def __init__(self, listeners: Listeners, memories: Sequence[Memory], place: int) -> None:
        """Raises OSError where no process can be started."""
        self.begun = False
        self._ended = asyncio.Event()
        self._number = 0
        self._asked: dict[int, asyncio.Future[list[str]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._line, theirs = socket.socketpair()
        self._process = _SPAWN.Process(target=work, args=(theirs, listeners, memories, place), daemon=True)
        # What is blocked is blocked for the child too: SIGHUP must not end one that does not ignore it yet.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            self._process.start()
        except OSError:
            self._line.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._ended.set)

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def status(self) -> int | None:
        return self._process.exitcode

    async def open(self) -> None:
        """Begin to hear what it answers."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._line, limit=orders.MOST_ANSWER)
        self._listening = asyncio.create_task(self._listen(reader))

    async def ask(self, verb: Verb, generation: Generation | None = None, seconds: float = PATIENCE) -> list[str]:
        """What is wrong, after it has done as told.

        Raises:
            ConnectionError: it has ended, or is about to.
            TimeoutError: it does not answer in time.
        """
        asked = self.tell(verb, generation)
        try:
            async with asyncio.timeout(seconds):
                return await asked
        finally:
            asked.cancel()

    def tell(self, verb: Verb, generation: Generation | None = None) -> "asyncio.Future[list[str]]":
        """Order something; the answer may come or not."""
        self._number += 1
        asked = self._asked[self._number] = asyncio.get_running_loop().create_future()
        if self._writer is None or self._listening is None or self._listening.done():
            self._give_up()
        else:
            self._writer.write(orders.packed(Order(self._number, verb, generation)))
        return asked

    async def wait(self) -> None:
        """Until the process has ended."""
        await self._ended.wait()
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
        self._line.close()

    def terminate(self) -> None:
        """Tell it to stop."""
        self._process.terminate()

    def kill(self) -> None:
        """End it as it is."""
        self._process.kill()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                number, faults = orders.understood(line)
                asked = self._asked.pop(number, None)
                if asked is not None and not asked.done():
                    asked.set_result(faults)
        except (OSError, ValueError, TypeError) as error:
            log.error("worker %s cannot be understood: %s", self.pid, error)
        finally:
            self._give_up()

    def _give_up(self) -> None:
        """No answer will come."""
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(ConnectionResetError())
                asked.exception()  # not everybody waits for the answer
        self._asked.clear()


_ENDED = "a worker ended while it was to get ready"


def _faults(answer: list[str] | BaseException) -> Sequence[str]:
    match answer:
        case TimeoutError():
            return [f"a worker was not ready within {PATIENCE:g} seconds"]
        case ConnectionError():
            return [_ENDED]
        case BaseException():
            log.error("a worker cannot be asked to get ready", exc_info=answer)
            return [UNEXPECTED]
    return answer
