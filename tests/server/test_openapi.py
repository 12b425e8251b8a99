"""The rest of what web applications ask: CORS, the public keys, the description; and what is off."""

import json
from pathlib import Path

import httpx
import pytest

from authgate.config import IssuingOptions
from authgate.errors import StoreError
from authgate.server.openapi import document
from tests.server.issuing import PUBLIC, FakeService, Web

PAGE = "https://www.example.com"
PATHS = {"/tokens": "POST", "/login": "POST", "/.well-known/jwks.json": "GET", "/openapi.json": "GET"}


@pytest.fixture
def service():
    return FakeService(login_origins=[PAGE, "http://localhost:3000"])


@pytest.fixture
def web(service):
    return Web(service)


async def test_public_keys(web):
    answer = await web.send("GET", "/.well-known/jwks.json")
    assert (answer.status_code, answer.json()) == (200, {"keys": [PUBLIC]})
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "*"  # a page may verify tokens itself


async def test_no_keys_where_nothing_signs(service, web):
    service.issuer = None
    assert (await web.send("GET", "/.well-known/jwks.json")).json() == {"keys": []}


async def test_public_keys_that_cannot_be_read(service, web):
    service.issuer.trouble = StoreError("the store is away")
    assert (await web.send("GET", "/.well-known/jwks.json")).status_code == 503


ORIGINS = {
    "one that may": (PAGE, True),
    "another that may": ("http://localhost:3000", True),
    "another host": ("https://www.example.org", False),
    "below it": ("https://a.www.example.com", False),
    "another scheme": ("http://www.example.com", False),
    "another port": ("https://www.example.com:8443", False),
    "with its port": ("https://www.example.com:443", False),
    "in capitals": ("https://WWW.example.com", False),
    "a slash": (f"{PAGE}/", False),
    "one that begins alike": (f"{PAGE}.evil.example", False),
    "no origin": ("null", False),
    "every origin": ("*", False),
    "both": (f"{PAGE}, https://evil.example", False),
}


@pytest.mark.parametrize(("origin", "may"), ORIGINS.values(), ids=ORIGINS)
async def test_which_pages_may_read_the_answer(web, origin, may):
    for password in ("c4nary horse", "wrong"):
        answer = await web.log_in(password=password, headers=[("origin", origin)])
        assert answer.headers.get("access-control-allow-origin") == (origin if may else None)
    preflight = await web.send("OPTIONS", "/login", headers={"origin": origin, "access-control-request-method": "POST"})
    assert preflight.status_code == 204
    assert preflight.headers.get("access-control-allow-origin") == (origin if may else None)
    assert preflight.headers.get("access-control-allow-methods") == ("POST" if may else None)
    for each in (answer, preflight):
        assert each.headers["vary"] == "origin"
        assert "access-control-allow-credentials" not in each.headers


async def test_two_origins_are_none(web):
    answer = await web.log_in(headers=[("origin", PAGE), ("origin", PAGE)])
    assert "access-control-allow-origin" not in answer.headers


async def test_api_keys_are_not_for_pages(web):
    answer = await web.ask({"user": "ann"}, headers=[("origin", PAGE)])
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", PATHS)
async def test_other_verbs(web, path):
    allowed = ("GET", "HEAD") if PATHS[path] == "GET" else ("POST",)
    for verb in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE"):
        if verb not in allowed and verb != "HEAD":
            answer = await web.send(verb, path)
            assert answer.status_code == 405
            assert answer.headers["allow"] == ", ".join((*allowed, "OPTIONS"))


async def test_nothing_is_there_until_it_is_on():
    web = Web(FakeService(tokens=False, login=False, publish_keys=False))
    for path, verb in PATHS.items():
        for each in (verb, "OPTIONS", "PUT"):
            answer = await web.send(each, path, headers={"origin": PAGE})
            assert (answer.status_code, answer.json()) == (404, {"status": 404, "reason": "No such path"})


ONE = {"tokens": "/tokens", "login": "/login", "publish_keys": "/.well-known/jwks.json"}


@pytest.mark.parametrize(("option", "path"), ONE.items(), ids=ONE)
async def test_each_is_switched_on_alone_and_described_alone(option, path):
    web = Web(FakeService(**{name: name == option for name in ONE}))
    for other in ONE.values():
        assert ((await web.send(PATHS[other], other)).status_code == 404) == (other != path)
    answer = await web.send("GET", "/openapi.json")
    assert list(answer.json()["paths"]) == [path]


async def test_another_configuration_counts_from_the_next_request_on(service, web):
    service.config = service.config.model_copy(update={"issuing": IssuingOptions(publish_keys=True)})
    assert (await web.log_in()).status_code == 404
    assert (await web.send("GET", "/.well-known/jwks.json")).status_code == 200


def references(tree):
    if isinstance(tree, dict):
        yield from [tree["$ref"]] if "$ref" in tree else []
        tree = list(tree.values())
    if isinstance(tree, list):
        for each in tree:
            yield from references(each)


def test_the_description_holds_together():
    whole = document(IssuingOptions(tokens=True, login=True, publish_keys=True, max_ttl=500))
    assert whole["openapi"].startswith("3.1.")
    for reference in references(whole):
        found = whole
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    operations = [each for path in whole["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations) == 3
    for each in operations:
        for security in each["security"]:
            assert security.keys() <= whole["components"]["securitySchemes"].keys()
    body = whole["paths"]["/tokens"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["ttl"]["maximum"] == 500


def test_every_status_of_the_description_is_one_of_http():
    whole = document(IssuingOptions(tokens=True, login=True, publish_keys=True))
    for path in whole["paths"].values():
        for operation in path.values():
            assert all(httpx.codes(int(status)).phrase for status in operation["responses"])


def test_the_description_in_the_docs_is_what_is_served_with_everything_on():
    """``docs/openapi.json`` is ``document(...)`` with an indent of 2 and a line end."""
    written = Path(__file__).parents[2] / "docs" / "openapi.json"
    assert json.loads(written.read_text()) == document(IssuingOptions(tokens=True, login=True, publish_keys=True))
