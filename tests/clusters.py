"""PostgreSQL servers of a test's own, which it may kill, promote and bring back; the machine's own is left alone."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.process import free_port

PATIENCE = 30  # seconds until a server that does not come up is given up
_TOOLS = ("initdb", "pg_basebackup", "pg_ctl", "postgres")
STANDBY = "authgate_standby"  # what a primary calls the one that has to have a commit before it counts
_PLAIN = ("-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60", "-c", "autovacuum=off")


class Cluster:
    """One server: its data, and its process where it runs."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.data = folder / "data"
        self.port = port or free_port()
        self._sockets, self._log = folder, folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> str:
        """Where it listens, as an address names it."""
        return f"127.0.0.1:{self.port}"

    def make(self) -> None:
        """A new one, which lets everybody in."""
        _run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def copy(self, of: "Cluster") -> None:
        """A standby of another that runs."""
        source = f"host=127.0.0.1 port={of.port} user=postgres application_name={STANDBY}"
        _run("pg_basebackup", "-D", str(self.data), "-R", "-d", source, "-c", "fast", "-X", "stream", "--no-sync")

    def start(self, *settings: str) -> None:
        """Run it, and come back when it can be asked."""
        command = [_tool("postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self._sockets), *_PLAIN]
        more = [word for each in ("listen_addresses=127.0.0.1", *settings) for word in ("-c", each)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *more], stdout=log, stderr=log, start_new_session=True, **_as_whoever_may()
            )
        give_up = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < give_up, self._log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """As a machine that loses its power, as far as one process can: nothing is told to anybody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE)

    def promote(self) -> None:
        """Of a standby, make a primary."""
        _run("pg_ctl", "promote", "-D", str(self.data), "-w")

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)  # at once
            self._process.wait(PATIENCE)

    def ask(self, query: str, database: str = "postgres") -> Any:
        """The first value of what a query gives."""

        async def ask() -> Any:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=self.port, user="postgres", database=database, timeout=5
            )
            try:
                return await connection.fetchval(query)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def _answers(self) -> bool:
        with suppress(OSError, asyncpg.PostgresError, TimeoutError):
            return bool(self.ask("SELECT 1"))
        return False


@contextmanager
def pair() -> Iterator[tuple[Cluster, Cluster]]:
    """A primary and its standby, which has every commit before it counts; a database ``authgate`` is there."""
    if not _folders():
        pytest.skip("PostgreSQL's own programs (initdb, pg_basebackup) are not installed")
    folder = Path(tempfile.mkdtemp(prefix="authgate-pg-"))  # short, for a socket's path; and open for another user
    owner = _as_whoever_may()
    primary, standby = (Cluster(folder / name) for name in ("one", "two"))
    try:
        for each in (folder, folder / "one", folder / "two"):
            each.mkdir(exist_ok=True)
            if owner:
                shutil.chown(each, owner["user"], owner["group"])
        primary.make()
        primary.start()
        primary.ask("CREATE DATABASE authgate")
        standby.copy(primary)
        standby.start()
        primary.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
        primary.ask("SELECT pg_reload_conf()")
        synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        give_up = time.monotonic() + PATIENCE
        while not primary.ask(synchronous):
            assert time.monotonic() < give_up
            time.sleep(0.05)
        yield primary, standby
    finally:
        primary.stop()
        standby.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _run(tool: str, *arguments: str) -> None:
    done = subprocess.run([_tool(tool), *arguments], capture_output=True, text=True, cwd="/", **_as_whoever_may())
    assert done.returncode == 0, f"{tool}: {done.stdout}{done.stderr}"


def _tool(name: str) -> str:
    return str(_folders()[-1] / name)


def _folders() -> list[Path]:
    """Where all of PostgreSQL's programs are that are needed here, the newest version last."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parts[-2]))
    folders = [Path(found).resolve().parent, *debian] if found else debian
    return [folder for folder in folders if all((folder / tool).exists() for tool in _TOOLS)]


def _as_whoever_may() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.getuid() != 0:
        return {}
    names = {user.pw_name for user in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
