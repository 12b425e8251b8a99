"""A real server that asks a source of users, over HTTP."""

import asyncio
import secrets

import httpx

from tests import process
from tests.server.running import Running
from tests.sources.shapes import SIMPLE
from tests.sources.world import PASSWORD, QUICK, Foreign, hashed, source


def test_a_source_comes_and_goes_with_the_configuration(tmp_path):
    (tmp_path / "website.db").touch()
    website = Foreign(f"sqlite:///{tmp_path}/website.db")

    async def fill():
        await website.run(SIMPLE)
        await website.person("ann", await hashed())

    asyncio.run(fill())
    section = source(website.url, name="website", timeout=1.0)
    config = process.prepare(tmp_path / "run", QUICK, bob=PASSWORD)
    base = config.read_text()
    config.write_text(base + section)
    with process.serve(config, "--workers", "2") as server:
        live = Running(server, base)

        def connect(password=PASSWORD):
            custom = {"login": "Ann", "password": password}
            fields = {"nodeId": "n", "appKey": "a", "sessionId": secrets.token_hex(8), "custom": custom}
            return httpx.post(f"{server.hooks}/connect", json=fields, trust_env=False).status_code

        assert [connect(), connect("wrong")] == [200, 403]
        told = httpx.get(f"{server.url}/healthz", trust_env=False).json()
        assert told["user_sources"] == [{"name": "website", "state": "asked"}]
        assert not live.take_over("").faults
        assert {connect() for _ in range(8)} == {403}, "in every worker"
        assert not live.take_over(section).faults
        assert {connect() for _ in range(8)} == {200}
