"""A server that is administered over HTTP, and keys for it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from authgate.api_keys import ADMIN_SCOPES
from tests import here, process

PASSWORD = "correct horse of the admin tests"
ADMIN = '[admin]\nlisten = "127.0.0.1:0"\n'


class Administered:
    """A running server, and a client of its admin listener with a key for everything."""

    def __init__(self, running: process.Running) -> None:
        self.running = running
        self.url = running.admin
        self.all = self.key(*ADMIN_SCOPES)
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=process.PATIENCE)
        self.http.headers["authorization"] = f"Bearer {self.all}"

    def run(self, *arguments: str, given: str = "") -> str:
        """What a command prints."""
        return process.run("--config", str(self.running.config), *arguments, given=given).strip()

    def key(self, *scopes: str, more: tuple[str, ...] = ()) -> str:
        """A new key with these admin scopes."""
        words = [word for scope in scopes for word in ("--admin", scope)]
        return self.run("apikey", "add", "ops", *words, *more)

    def close(self) -> None:
        self.http.close()


def prepared(folder: Path, more: str = "") -> Path:
    """A configuration with an admin listener and some patience, and the user ann."""
    config = process.prepare(folder / "run", ADMIN + more, ann=PASSWORD)
    text = config.read_text()
    assert "[server]\n" in text
    assert "[store]\n" in text
    patient = text.replace("[server]\n", "[server]\ndeadline = 10\n").replace("[store]\n", "[store]\ntimeout = 8\n")
    config.write_text(patient)
    return config


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administered]:
    """One server for a whole module: whoever changes something makes what it changes."""
    with here.serve(prepared(tmp_path_factory.mktemp("admin"))) as running:
        found = Administered(running)
        yield found
        found.close()
