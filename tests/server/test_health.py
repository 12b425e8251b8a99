import asyncio
from collections import Counter

import httpx
import pytest

from authgate.server.health import health_routes

FAULTS = {"ready": ([], 200), "not ready": (["the store is away"], 503)}


@pytest.mark.parametrize(("faults", "status"), FAULTS.values(), ids=FAULTS)
async def test_readyz(serve, faults, status):
    async def found():
        return faults

    async with serve(routes=health_routes(Counter(), found)) as served, httpx.AsyncClient(verify=False) as client:
        answer = await client.get(f"{served.url}/readyz")
        assert (answer.status_code, answer.json()["faults"]) == (status, faults)
        alive = await client.get(f"{served.url}/healthz")
        assert alive.status_code == 200


async def test_healthz_shows_what_was_counted(serve):
    async def none():
        return []

    tally = Counter(hooks_malformed=2)
    async with serve(routes=health_routes(tally, none)) as served, httpx.AsyncClient(verify=False) as client:
        shown = (await client.get(f"{served.url}/healthz")).json()
    assert (shown["status"], shown["counted"]) == ("ok", {"hooks_malformed": 2})


async def test_many_who_ask_at_once_share_one_answer(serve):
    asked = []

    async def found():
        asked.append(1)
        await asyncio.sleep(0.01)
        return []

    async with serve(routes=health_routes(Counter(), found)) as served, httpx.AsyncClient(verify=False) as client:
        answers = await asyncio.gather(*(client.get(f"{served.url}/readyz") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(asked) < 20


async def test_other_verbs_are_answered_like_everything_else(serve):
    async def none():
        return []

    async with serve(routes=health_routes(Counter(), none)) as served, httpx.AsyncClient(verify=False) as client:
        answer = await client.post(f"{served.url}/readyz")
    assert (answer.status_code, answer.json()["status"]) == (405, 405)
    assert answer.headers["allow"]


async def test_a_base_of_everything_leaves_the_health_checks_alone(serve):
    async def none():
        return []

    async with (
        serve(base="/", routes=health_routes(Counter(), none)) as served,
        httpx.AsyncClient(verify=False) as client,
    ):
        assert (await client.get(f"{served.url}/readyz")).json() == {"status": "ready", "faults": []}
        assert (await client.get(f"{served.url}/connect")).json()["service"] == "authgate"
