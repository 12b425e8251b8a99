"""Stream keys and signed addresses over HTTP, where authgate issues its own."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import here

from .conftest import Administered, prepared

OWN = '\n[[verifiers]]\ntype = "issued"\nname = "own"\nmaster_keys = ["the-master-key-of-the-admin-tests-0123"]\n'
KEYS = "/api/v1/stream-keys"


@pytest.fixture(scope="module")
def issuing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administered]:
    config = prepared(tmp_path_factory.mktemp("issuing"))
    text = config.read_text()
    assert text.count('\ntype = "token"\n') == 1
    config.write_text(text.replace('\ntype = "token"\n', '\ntype = "token"\nissuer = "another"\n') + OWN)
    with here.serve(config) as running:
        found = Administered(running)
        found.run("key", "generate")
        yield found
        found.close()


def found(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def test_a_stream_key_is_listed_used_and_revoked(issuing: Administered):
    made = found(issuing.http.post(KEYS, json={"user": "ann", "stream": "cam-1", "app": "defaultApp"}), 201)
    assert made["key"].startswith(f"sk_{made['prefix']}")
    told = found(issuing.http.get(KEYS, params={"user": "ANN"}))["items"]
    assert told == json.loads(issuing.run("streamkey", "list", "--json"))
    assert made["key"] not in json.dumps(told)
    assert found(issuing.http.post("/api/v1/tokens/check", json={"token": made["key"]}))["valid"]
    found(issuing.http.delete(f"{KEYS}/{made['prefix']}"), 204)
    assert not found(issuing.http.post("/api/v1/tokens/check", json={"token": made["key"]}))["valid"]
    found(issuing.http.delete(f"{KEYS}/{made['prefix']}"), 404)


def test_pages_of_stream_keys(issuing: Administered):
    for number in range(3):
        found(issuing.http.post(KEYS, json={"user": "ann", "stream": f"page-{number}", "ttl": 60}), 201)
    whole = found(issuing.http.get(KEYS))["items"]
    first = found(issuing.http.get(KEYS, params={"limit": 2}))
    rest = found(issuing.http.get(KEYS, params={"after": first["next"]}))
    assert first["items"] + rest["items"] == whole


def test_a_signed_address(issuing: Administered):
    signed = found(issuing.http.post("/api/v1/tokens/sign", json={"user": "ann", "stream": "cam-2", "ttl": 60}), 201)
    told = found(issuing.http.post("/api/v1/tokens/check", json={"token": signed["token"]}))
    assert (told["valid"], told["subject"], told["shape"]) == (True, "ann", "signed address")


def test_a_token_of_our_own_keys(issuing: Administered):
    made = found(issuing.http.post("/api/v1/tokens", json={"user": "ann", "verifier": "own"}), 201)
    assert made["kid"] is not None


BAD: dict[str, tuple[str, Any, str]] = {
    "for nobody": (KEYS, {"user": "nobody", "stream": "x"}, "there is no user"),
    "of no stream": (KEYS, {"user": "ann"}, "stream: is missing"),
    "to do what nobody does": (KEYS, {"user": "ann", "stream": "x", "action": "dance"}, "action: must be one of"),
    "for no time": (KEYS, {"user": "ann", "stream": "x", "ttl": 0}, "ttl: must be"),
    "a pattern that is none": (KEYS, {"user": "ann", "stream": "a\nb"}, ""),
    "signed for ever": ("/api/v1/tokens/sign", {"user": "ann", "stream": "x", "ttl": 31_000_000}, "a signed address"),
}


@pytest.mark.parametrize(("path", "body", "told"), BAD.values(), ids=BAD)
def test_what_is_not_made(issuing: Administered, path: str, body: Any, told: str):
    assert told in found(issuing.http.post(path, json=body), 400)["detail"]
