"""The audit trail over HTTP."""

import json
from typing import Any

import httpx
import pytest

from tests.trouble import awaited

from .conftest import Administered

RECORDS = "/api/v1/records"


@pytest.fixture(scope="module")
def told(served: Administered) -> list[dict[str, Any]]:
    """What the command says of the hooks of a session of this module's own, the newest first."""
    token = served.run("token", "issue", "ann")
    for method, more in (
        ("connect", {"custom": {"token": token}}),
        ("publishStream", {"name": "recorded-1", "mediaSessionId": "m1"}),
        ("publishStream", {"name": "recorded-2", "mediaSessionId": "m2"}),
        ("connect", {"sessionId": "nobody", "custom": {"token": "x.y.z"}}),
    ):
        body = {"nodeId": "recorded", "appKey": "defaultApp", "sessionId": "recorded-s", **more}
        httpx.post(f"{served.running.hooks}/{method}", json=body, trust_env=False)

    def listed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(served.run("record", "list", "--node", "recorded", "--json"))
        return found

    awaited(lambda: len(listed()) == 4)
    return listed()


def get(served: Administered, **query: Any) -> Any:
    answer = served.http.get(RECORDS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_records_are_as_the_command_shows_them(served: Administered, told: list[dict[str, Any]]):
    assert get(served, node="recorded") == {"items": told, "next": None}


def test_pages_go_back_in_time(served: Administered, told: list[dict[str, Any]]):
    seen: list[Any] = []
    after = {}
    while True:
        found = get(served, node="recorded", limit=1, **after)
        seen += found["items"]
        if found["next"] is None:
            break
        after = {"after": found["next"]}
    assert seen == told


ASKED: dict[str, tuple[dict[str, Any], list[int]]] = {
    "a user": ({"user": "ANN"}, [1, 2, 3]),
    "a hook": ({"method": "connect"}, [0, 3]),
    "one of two hooks": ({"method": ["connect", "publishStream"]}, [0, 1, 2, 3]),
    "what was refused": ({"allowed": "false"}, [0]),
    "a stream": ({"subject": "recorded-2"}, [1]),
    "a session and a hook": ({"session": "recorded-s", "method": "connect"}, [3]),
    "another application": ({"app": "another"}, []),
    "of the future": ({"since": "2098-01-01T00:00:00Z"}, []),
    "of the past": ({"until": "2020-01-01T00:00:00Z"}, []),
    "before time": ({"since": "0001-01-01T00:00:00Z"}, [0, 1, 2, 3]),
}


@pytest.mark.parametrize(("query", "which"), ASKED.values(), ids=ASKED)
def test_records_of(served: Administered, told: list[dict[str, Any]], query: dict[str, Any], which: list[int]):
    assert get(served, node="recorded", **query)["items"] == [told[at] for at in which]


def test_one_record(served: Administered, told: list[dict[str, Any]]):
    found = served.http.get(f"{RECORDS}/{told[0]['id']}").json()
    assert "facts" in found
    assert {name: value for name, value in told[0].items() if name != "seq"}.items() <= found.items()


BAD = {
    "a record there is not": ("/00000000000000000000000000", 404),
    "no record": ("/x", 404),
    "a reason there is not": ("?reason=because", 400),
    "a name that is none": ("?user=%E2%80%8B", 400),
    "yesterday": ("?since=yesterday", 400),
    "a cursor of users": ("?after=WyJhbm4iXQ", 400),
    "a cursor without end": ("?after=WyI5OTk5OTk5OTk5OTk5OTk5OTk5OTkiXQ", 400),
    "too many of one": ("?" + "&".join(f"node=n{number}" for number in range(200)), 400),
    "an empty one": ("?node=", 400),
}


@pytest.mark.parametrize(("path", "status"), BAD.values(), ids=BAD)
def test_what_is_not_found(served: Administered, path: str, status: int):
    assert served.http.get(RECORDS + path).status_code == status
