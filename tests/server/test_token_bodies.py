"""Bodies of ``POST /tokens`` that are not what they should be, or more than that."""

import json

import pytest

from authgate.bindings import read
from authgate.server.tokens import token_routes
from authgate.signing.issuer import bound
from tests.server.issuing import KEY, FakeService, Web


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture
def web(service):
    return Web(service)


MALFORMED = {
    "nothing": (b"", "is not JSON"),
    "half": (b'{"user": ', "is not JSON"),
    "a list": (b'["ann"]', "is not a JSON object"),
    "text": (b'"ann"', "is not a JSON object"),
    "null": (b"null", "is not a JSON object"),
    "a form": (b"user=ann", "is not JSON"),
    "two objects": (b'{"user":"ann"}{"user":"bob"}', "is not JSON"),
    "a user twice": (b'{"user":"ann","user":"bob"}', "holds a key twice"),
    "a user twice, once in escapes": (b'{"user":"ann","\\u0075ser":"bob"}', "holds a key twice"),
    "half a character": (b'{"user":"a\\ud800"}', "half a character"),
    "another encoding": ('{"user":"ann"}'.encode("utf-16"), "is not UTF-8"),
    "Latin 1": (b'{"user":"\xe4"}', "is not UTF-8"),
    "no number": (b'{"user":"ann","ttl":NaN}', "holds NaN"),
    "an endless number": (b'{"user":"ann","ttl":1e999}', "too large"),
    "many digits": (b'{"user":"ann","ttl":' + b"9" * 5_000 + b"}", "is not JSON"),
    "deep": (b'{"user":' + b"[" * 8_000, "nested"),
    "no user": (b"{}", "user: is missing"),
    "no text as a user": (b'{"user":7}', "user: must be text"),
    "null as a user": (b'{"user":null}', "user: must be text"),
    "an empty user": (b'{"user":""}', "user: "),
    "a user with NUL": (b'{"user":"a\\u0000"}', "user: "),
    "a user that is too long": (json.dumps({"user": "u" * 200}).encode(), "user: "),
    "an unknown member": (b'{"user":"ann","grant":["*:*"]}', "grant: there is no such member"),
    "a member in another case": (b'{"User":"ann"}', "User: there is no such member"),
    "a member with a line end": (b'{"a\\nb\\"":1}', "a?b': there is no such member"),
    "text as a time": (b'{"user":"ann","ttl":"60"}', "ttl: "),
    "a broken time": (b'{"user":"ann","ttl":60.0}', "ttl: "),
    "truth as a time": (b'{"user":"ann","ttl":true}', "ttl: "),
    "no time": (b'{"user":"ann","ttl":0}', "ttl: "),
    "less than no time": (b'{"user":"ann","ttl":-1}', "ttl: "),
    "an age": (b'{"user":"ann","ttl":99999999999999999999}', "ttl: "),
    "null as a time": (b'{"user":"ann","ttl":null}', "ttl: "),
    "null as grants": (b'{"user":"ann","grants":null}', "grants: "),
    "text as grants": (b'{"user":"ann","grants":"play:*"}', "grants: "),
    "a number as a grant": (b'{"user":"ann","grants":[1]}', "grants: "),
    "no grant": (b'{"user":"ann","grants":["play:x","play"]}', "grants[1]: "),
    "an action there is not": (b'{"user":"ann","grants":["plya:x"]}', "grants[0]: no such action"),
    "too many grants": (json.dumps({"user": "ann", "grants": ["play:x"] * 101}).encode(), "grants: must have 0 to 100"),
    "no application": (b'{"user":"ann","app":[]}', "app: must have 1 to 64"),
    "an application that is too long": (
        json.dumps({"user": "ann", "app": "a" * 513}).encode(),
        "app[0]: appKey is a text",
    ),
    "no origin": (b'{"user":"ann","origin":["null"]}', "origin[0]: "),
    "an origin with a path": (b'{"user":"ann","origin":["https://a.example/b"]}', "origin[0]: "),
    "a stream that never fits": (b'{"user":"ann","stream":["b","a/../b"]}', "stream[1]: "),
    "a placeholder": (b'{"user":"ann","stream":["{user}"]}', "stream[0]: placeholders such as {user} are for grants"),
    "an empty application": (b'{"user":"ann","app":""}', "app: "),
    "an object as an application": (b'{"user":"ann","app":{}}', "app: "),
    "no address": (b'{"user":"ann","ip":["here"]}', "ip[0]: "),
    "an address that is no network": (
        b'{"user":"ann","ip":["192.0.2.1/24"]}',
        "ip[0]: '192.0.2.1/24' has bits set after its prefix",
    ),
    "addresses of nobody": (b'{"user":"ann","ip":[]}', "ip: must have 1"),
    "origins of nobody": (b'{"user":"ann","origin":[]}', "origin: must have 1"),
    "no pattern": (b'{"user":"ann","stream":["a\\\\"]}', "stream[0]: "),
    "a number as truth": (b'{"user":"ann","once":1}', "once: "),
    "text as truth": (b'{"user":"ann","once":"true"}', "once: "),
}


@pytest.mark.parametrize(("content", "why"), MALFORMED.values(), ids=MALFORMED)
async def test_a_body_that_cannot_be_read(service, web, content, why):
    answer = await web.ask(content=content)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert why in answer.json()["error_description"]
    assert service.issuer.asked == []
    assert service.tally == {"tokens_refused": 1}


LISTS = {"app": "a", "ip": "203.0.113.7", "origin": "https://app.example.com", "stream": "room-*"}


@pytest.mark.parametrize("member", LISTS)
async def test_a_list_has_as_many_entries_as_a_token_takes(service, web, member):
    assert (await web.ask({"user": "ann", member: [LISTS[member]] * 65})).status_code == 400
    answer = await web.ask({"user": "ann", member: [LISTS[member]] * 64})
    assert answer.status_code == 201
    [wanted] = service.issuer.asked
    claims = bound(wanted)
    assert {claim: read(claim, list(texts)) for claim, texts in claims.items()} == claims


JSON = [("content-type", "application/json")]
KINDS = {
    "none": ([], 415),
    "a form": ([("content-type", "application/x-www-form-urlencoded")], 415),
    "text": ([("content-type", "text/plain")], 415),
    "one that begins alike": ([("content-type", "application/jsonx")], 415),
    "another encoding": ([("content-type", "application/json; charset=utf-16")], 415),
    "two": ([("content-type", "application/json"), ("content-type", "text/plain")], 415),
    "two encodings": ([("content-type", "application/json; charset=utf-8; charset=utf-16")], 415),
    "an encoding without a name": ([("content-type", "application/json; charset=")], 415),
    "two in one": ([("content-type", "application/json, application/json")], 415),
    "nothing before its encoding": ([("content-type", "; charset=utf-8")], 415),
    "compressed": ([*JSON, ("content-encoding", "gzip")], 415),
    "compressed twice": ([*JSON, ("content-encoding", "identity"), ("content-encoding", "br")], 415),
    "said not to be compressed": ([*JSON, ("content-encoding", "Identity")], 201),
    "its encoding by its other name": ([("content-type", "application/json;charset=utf8")], 201),
    "its encoding behind a tab": ([("content-type", "application/json;\tcharset=UTF-8")], 201),
    "an empty parameter": ([("content-type", "application/json; charset=utf-8;")], 201),
    "another parameter": ([("content-type", "application/json; version=1")], 201),
    "capitals": ([("content-type", "Application/JSON")], 201),
    "with its encoding": ([("content-type", 'application/json; charset="UTF-8"')], 201),
}


@pytest.mark.parametrize(("lines", "status"), KINDS.values(), ids=KINDS)
async def test_media_types(web, lines, status):
    sent = [("authorization", f"Bearer {KEY}"), *lines]
    answer = await web.send("POST", "/tokens", content=b'{"user":"ann"}', headers=sent)
    assert answer.status_code == status


@pytest.mark.parametrize(("size", "status"), [(16 * 1024, 201), (16 * 1024 + 1, 413), (1 << 20, 413)])
async def test_the_size_of_a_body(service, web, size, status):
    body = b'{"user":"ann"}'
    assert (await web.ask(content=body + b" " * (size - len(body)))).status_code == status
    assert len(service.issuer.asked) == (status == 201)


async def test_whoever_hangs_up_in_the_middle_gets_nothing(service):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    [endpoint] = [route.endpoint for route in token_routes(service, service.tally) if route.path == "/tokens"]
    await endpoint({"type": "http", "method": "POST", "path": "/tokens", "headers": []}, receive, send)
    assert [each.get("status") for each in sent] == [400, None]
    assert service.issuer.asked == []
    assert service.tally == {}
