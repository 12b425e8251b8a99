"""The command line on a migrated SQLite store, in this process."""

import asyncio

import pytest
from click.testing import CliRunner

from authgate.cli import cli
from authgate.model import Entry, Open, Principal, Reason, Record, Secret, Session
from authgate.store import Store, StoreOptions
from tests.cli.trying import KEY as SESSION
from tests.cli.trying import RULES

KEY = "k" * 32


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture
def path(tmp_path, store_url):
    """A configuration whose store is migrated and empty, and whose hashes are cheap."""
    path = tmp_path / "authgate.toml"
    path.write_text(f"""
[store]
url = "{store_url}"
[hashing]
memory = 1024
time = 1
[[verifiers]]
type = "token"
key = "{KEY}"
[[verifiers]]
type = "password"
""")
    path.chmod(0o600)
    return path


@pytest.fixture
def authgate(path):
    """Runs a command: ``authgate("user", "list", status=0)`` gives back the result."""

    def run(*arguments, status=0, stdin=None, environ=None):
        environ = {"AUTHGATE_CONFIG": str(path)} | (environ or {})
        result = CliRunner().invoke(cli, arguments, input=stdin, env=environ, prog_name="authgate")
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def on_store(store_url, tmp_path):
    """Does something with the store."""

    def run(action):
        async def inside():
            store = Store(StoreOptions(url=Secret(store_url), spool=tmp_path / "spool"))
            try:
                return await action(store)
            finally:
                await store.close()

        return asyncio.run(inside())

    return run


@pytest.fixture
def prepared(authgate, path, on_store):
    """Rules to try hooks by, and a live session of Ann's."""
    path.write_text(path.read_text() + RULES)
    authgate("user", "add", "ann", "--password-stdin", stdin="correct horse\n")
    record = Record("0" * 26, 1, SESSION, "app", "connect", "ann", True, Reason.OK, "x")
    opened = Open(Session(SESSION, "app", 1, Principal("ann", "token", stored_user=True)))
    on_store(lambda store: store.ledger.write(Entry(record, opened)))
