"""``authgate record follow`` as a process."""

import asyncio
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

from authgate.model import Entry, Secret
from authgate.store import Store, StoreOptions
from tests import process
from tests.store.samples import a_record


class Followed:
    """What one that runs has printed so far."""

    def __init__(self, command, out):
        self.process = command
        self.lines = []
        self._thread = threading.Thread(target=self._read, args=(out,))
        self._thread.start()

    def _read(self, out):
        for line in out:
            self.lines.append(line.rstrip("\n"))

    def ended(self):
        """With what status, and what it had to say about that."""
        status = self.process.wait(process.PATIENCE)
        self._thread.join()
        return status, self.process.stderr.read()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.ended()


@contextmanager
def following(path, *arguments):
    command = [sys.executable, "-m", "authgate", "--config", str(path), "record", "follow", *arguments]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=process.environment()
    )
    followed = Followed(started, started.stdout)
    try:
        yield followed
    finally:
        started.kill()
        followed.ended()
        started.stdout.close()
        started.stderr.close()


def written(store_url, *every):
    """Write these records, each with what differs from others."""

    async def inside():
        store = Store(StoreOptions(url=Secret(store_url)))
        try:
            for each in every:
                await store.ledger.write(Entry(a_record(**each)))
        finally:
            await store.close()

    asyncio.run(inside())
