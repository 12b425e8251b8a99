"""A database beside the store: made, used, and gone again."""

import secrets

import pytest
from sqlalchemy import make_url, text

from authgate.errors import Refused
from authgate.model import Secret
from authgate.store import StoreOptions, scratch
from authgate.store.engine import create_engine


@pytest.fixture
def options(store_url):
    return StoreOptions(url=Secret(store_url))


async def _ask(options):
    engine = create_engine(options)
    try:
        async with engine.connect() as connection:
            return (await connection.execute(text("SELECT 1"))).scalar()
    finally:
        await engine.dispose()


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
async def test_database_is_there_until_it_is_dropped(options, tmp_path):
    name = f"authgate_bench_{secrets.token_hex(6)}"
    beside = scratch.beside(options, name, tmp_path)
    assert scratch.file(options) is None
    await scratch.create(options, name)
    try:
        assert await _ask(beside) == 1
    finally:
        await scratch.drop(options, name)
    with pytest.raises(Exception, match=name):  # as each driver says it
        await _ask(beside)
    await scratch.drop(options, name)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_file_is_one_of_its_own(options, tmp_path, store_url):
    beside = scratch.beside(options, "x", tmp_path / "own")
    assert scratch.file(beside) == tmp_path / "own" / "authgate.db"
    assert f"sqlite:///{scratch.file(options)}" == store_url
    await scratch.create(options, "x")
    await scratch.drop(options, "x")
    assert scratch.file(options).exists()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_who_may_make_none_is_told_what_to_do(options, store_url):
    role = f"authgate_bench_{secrets.token_hex(6)}"
    engine = create_engine(options)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'x'"))
        mine = make_url(store_url).set(username=role, password="x").render_as_string(hide_password=False)
        with pytest.raises(Refused, match="CREATEDB"):
            await scratch.create(StoreOptions(url=Secret(mine)), role)
    finally:
        async with engine.begin() as connection:
            await connection.execute(text(f"DROP ROLE IF EXISTS {role}"))
        await engine.dispose()
