"""Another database than the store's: with an empty table of people, or as one of the known systems has it."""

import shutil

import pytest
from sqlalchemy import make_url

from tests.conftest import _prepared
from tests.sources.shapes import SIMPLE
from tests.sources.world import Foreign


@pytest.fixture(autouse=True)
def migrated(_databases, tmp_path_factory, tmp_path):
    """The store of the configurations in this folder: in SQLite, without a row."""
    _, url = _prepared("sqlite", _databases, tmp_path_factory)
    shutil.copyfile(make_url(url).database, tmp_path / "authgate.db")


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """A failed login is answered at once, and not as late as the slowest kind of hash would take."""
    monkeypatch.setattr("authgate.guessing.pace.Pace.left", lambda *_: 0.0)


@pytest.fixture
def foreign_url(databases):
    """The address of an empty database."""
    return databases.empty()


@pytest.fixture
async def foreign(foreign_url):
    """A database with a table ``people``."""
    found = Foreign(foreign_url)
    await found.run(SIMPLE)
    return found
