"""No hook waits for a command: it has more time for the store than ``store.timeout`` says."""

import sqlite3
import threading

import pytest
from sqlalchemy import make_url

from authgate.cli import common


@pytest.fixture
def lock(store_url, path):
    """The store cannot be written to until this is given back, and what it may take is less than that."""
    path.write_text(path.read_text().replace("[store]", "[store]\ntimeout = 0.1"))
    lock = sqlite3.connect(make_url(store_url).database, isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN IMMEDIATE")
    yield lock
    lock.close()


def test_a_store_that_is_locked_for_a_while_is_waited_for(authgate, lock):
    unlock = threading.Timer(1.0, lock.execute, ["ROLLBACK"])
    unlock.start()
    authgate("user", "add", "ann", "--no-password")
    unlock.join()
    assert "ann" in authgate("user", "list").stdout


def test_a_store_that_stays_locked_is_told(authgate, lock, monkeypatch):
    monkeypatch.setattr(common, "PATIENCE", 0.1)
    assert "the store" in authgate("user", "add", "ann", "--no-password", status=2).stderr
