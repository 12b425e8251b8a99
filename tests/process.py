"""A real authgate: its commands, and its server as a process on a free port of the loopback."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import jwt
from click.testing import CliRunner, Result

from authgate import admin
from authgate.cli import cli
from authgate.config import load, starter
from authgate.config.sources import beside
from authgate.passwords import Hasher
from authgate.store import Store

PATIENCE = 30  # seconds until a process that does not become ready is given up
# The least that is not weak: several servers and tests run at once, and hashes give way to all of them.
CHEAP = {"AUTHGATE_HASHING__MEMORY": "19456", "AUTHGATE_HASHING__TIME": "2"}
# The least there is, for tests in which hundreds of passwords are tried.
CHEAPEST = {"AUTHGATE_HASHING__MEMORY": "1024", "AUTHGATE_HASHING__TIME": "1"}
_COMMANDS = ThreadPoolExecutor(1)


@dataclass(frozen=True, slots=True)
class Running:
    """A running authgate."""

    url: str  # without a path
    config: Path
    admin: str = field(default="", kw_only=True)  # where it is administered, "" where that is off

    @property
    def hooks(self) -> str:
        """Where a media server's application points."""
        return f"{self.url}/hooks"

    @property
    def store_url(self) -> str:
        """Where its store is; of a file, the whole path."""
        return beside(tomllib.loads(self.config.read_text())["store"]["url"], self.config.parent)

    def run(self, *arguments: str, given: str = "") -> str:
        """As the function ``run``, with this server's configuration."""
        return run("--config", str(self.config), *arguments, given=given)

    def token(self, user: str = "ann", key: str | None = None, **claims: object) -> str:
        """A token made outside of authgate, with its key and good for an hour; a claim that is None is left out."""
        verifiers = tomllib.loads(self.config.read_text())["verifiers"]
        own = next(each["key"] for each in verifiers if each["type"] == "token")
        all_claims = {"sub": user, "exp": int(time.time()) + 3600} | claims
        return jwt.encode(
            {name: all_claims[name] for name in all_claims if all_claims[name] is not None}, key or own, "HS256"
        )

    def reason(self, method: str, session_id: str) -> str:
        """The reason of the first verdict on a hook of this session, as the log tells it: faster than the CLI.

        Raises:
            AssertionError: the log has none; it may come a moment after the answer.
        """
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            for text in self.config.with_name("serve.log").read_text().splitlines(keepends=True):
                line = json.loads(text) if text.endswith("\n") else {}
                if line.get("session") == session_id and line["hook"] == method:
                    return str(line["reason"])
            time.sleep(0.02)
        raise AssertionError(f"no verdict on {method} of {session_id}")


@dataclass(frozen=True, slots=True)
class Server(Running):
    """One that is a process."""

    process: subprocess.Popen[bytes]


def run(*arguments: str, given: str = "") -> str:
    """What a command prints, carried out in this process: another one costs a second only to begin.

    Raises:
        AssertionError: it did not exit with 0.
    """
    done = ran(*arguments, given=given)
    assert done.returncode == 0, f"authgate {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def ran(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """What comes of a command that may be refused, in this process too."""
    # On a thread of their own, one by one: there may be a running event loop here, and their output is the process's.
    done = _COMMANDS.submit(_invoke, arguments, given).result()
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def _invoke(arguments: Sequence[str], given: str) -> Result:
    ours = {key: None for key in os.environ if key.startswith("AUTHGATE_")}
    done = CliRunner().invoke(cli, arguments, input=given, env=ours | CHEAP, prog_name="authgate")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def prepare(folder: Path, more: str = "", store_url: str = "", **users: str) -> Path:
    """The configuration that ``init`` writes, with ``more`` at its end, and a store with these users: name, password.

    As the commands ``init``, ``db upgrade`` and ``user add`` make them, without a process for each. A server
    without any user is never ready: nobody could be let in.
    """
    config = starter.write(folder, force=False)
    text = config.read_text()
    if store_url:
        text = text.replace("sqlite:///authgate.db", store_url)
    config.write_text(f"{text}\n{more}\n")
    _COMMANDS.submit(asyncio.run, _fill(config, users)).result()
    return config


async def _fill(config: Path, users: dict[str, str]) -> None:
    settings = load(config, CHEAP)
    store, hasher = Store(settings.store), Hasher(settings.hashing)
    try:
        await admin.upgrade(store)
        for name, password in users.items():
            await admin.add_user(store, hasher, name, None, password)
    finally:
        hasher.close()
        await store.close()


@contextmanager
def serve(
    config: Path, *arguments: str, wait_for: str = "/readyz", variables: Mapping[str, str] = CHEAP
) -> Iterator[Server]:
    """The server, ready, until the end of the block; its log is in ``serve.log`` beside its configuration.

    It and its workers are a process group of their own, with these variables in place of others of authgate.

    Raises:
        AssertionError: it ended by itself, or did not become ready.
    """
    log = config.with_name("serve.log")
    command = [sys.executable, "-m", "authgate", "--config", str(config), "serve", "--host", "127.0.0.1"]
    port = free_port()
    admin = f"127.0.0.1:{free_port()}" if "[admin]" in config.read_text() else ""
    if admin:
        variables = {**variables, "AUTHGATE_ADMIN__LISTEN": admin}
    with log.open("ab") as file:
        process = subprocess.Popen(
            [*command, "--port", str(port), *arguments],
            stdout=file,
            stderr=file,
            env=environment() | variables,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}{wait_for}", process, log)
        yield Server(f"http://127.0.0.1:{port}", config, process, admin=admin and f"http://{admin}")
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + PATIENCE
    with httpx.Client(trust_env=False, verify=False) as http:
        while time.monotonic() < give_up:
            assert process.poll() is None, f"authgate has ended with {process.returncode}\n{log.read_text()}"
            try:
                if http.get(url).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise AssertionError(f"authgate did not become ready\n{log.read_text()}")


def free_port() -> int:
    """A port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment() -> dict[str, str]:
    """Ours without settings of authgate, so that a developer's own do not count.

    Compiled modules are kept in any case: without them each of the many starts takes seconds.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AUTHGATE_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | CHEAP | {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "authgate-tests-pycache")}
