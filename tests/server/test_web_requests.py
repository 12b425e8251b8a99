"""What web applications send that is barely a request, to a real server: verbs, bodies without end, headers."""

from dataclasses import replace

import pytest

from authgate.server.tokens import token_routes
from tests.server.issuing import KEY, FakeService

PAGE = "https://www.example.com"
ANN = b"grant_type=password&username=ann&password=c4nary+horse"
HEADERS = {
    "/tokens": b"Content-Type: application/json\r\nAuthorization: Bearer %s\r\n" % KEY.encode(),
    "/login": b"Content-Type: application/x-www-form-urlencoded\r\n",
}
BODY = {"/tokens": b'{"user":"ann"}', "/login": ANN}
CHUNKED = b"Transfer-Encoding: chunked\r\n"


class Answer:
    """One answer, in its parts."""

    def __init__(self, received):
        head, _, self.body = received.partition(b"\r\n\r\n")
        start, *lines = head.decode().split("\r\n")
        self.status = int(start.split()[1])
        self.headers = [tuple(line.lower().split(": ", 1)) for line in lines]

    def __getitem__(self, name):
        found = [value for each, value in self.headers if each == name]
        assert len(found) < 2
        return found[0] if found else None


@pytest.fixture
async def ask(serve):
    """Send a request in pieces, by default with all that belongs to it, and read until the end."""
    service = FakeService(deadline=15, login_origins=[PAGE])

    async def ask(path, *pieces, verb=b"POST", headers=b"", close=True, pause=0.0):
        pieces = pieces or (BODY[path],)
        chunked = b"chunked" in headers
        length = b"" if chunked else b"Content-Length: %d\r\n" % len(b"".join(pieces))
        last = b"Connection: close\r\n" if close else b""
        head = b"%s %s HTTP/1.1\r\nHost: x\r\n%s" % (verb, path.encode(), HEADERS[path] + headers + length + last)
        return await served.raw(head + b"\r\n", *pieces, pause=pause)

    async with serve(routes=token_routes(service, service.tally)) as served:
        ask.service, ask.served = service, served
        yield ask


def hurry(service, seconds):
    """Have it wait no longer than this."""
    server = replace(service.config.server, deadline=seconds)
    service.config = service.config.model_copy(update={"server": server})


PATHS = pytest.mark.parametrize("path", BODY)


@PATHS
async def test_a_request_as_it_should_be(ask, path):
    answer = Answer(await ask(path))
    assert answer.status in (200, 201)
    assert answer["cache-control"] == "no-store"
    in_chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY[path]), BODY[path])
    assert Answer(await ask(path, in_chunks, headers=CHUNKED)).status == answer.status
    interim, _, final = (await ask(path, headers=b"Expect: 100-continue\r\n")).partition(b"\r\n\r\n")
    assert (interim, Answer(final).status) == (b"HTTP/1.1 100 Continue", answer.status)


VERBS = {
    "HEAD": 405,
    "GET": 405,
    "PUT": 405,
    "DELETE": 405,
    "PATCH": 405,
    "TRACE": 405,
    "PROPFIND": 405,
    "OPTIONS": 204,
}


@PATHS
@pytest.mark.parametrize(("verb", "status"), VERBS.items(), ids=VERBS)
async def test_other_verbs(ask, path, verb, status):
    answer = Answer(await ask(path, verb=verb.encode()))
    assert (answer.status, answer["allow"]) == (status, "post, options")
    assert (answer.body == b"") == (verb in ("HEAD", "OPTIONS"))
    assert ask.service.issuer.asked == []


LONGER = b"Content-Length: 999\r\n"
STOPS = {
    "nothing of it": (b"", [b""]),
    "half of it": (b"", [b"{"]),
    "half a chunk": (CHUNKED, [b"9\r\nx"]),
    "chunks without the last": (CHUNKED, [b"1\r\nx\r\n"] * 3),
}


@PATHS
@pytest.mark.parametrize(("headers", "pieces"), STOPS.values(), ids=STOPS)
async def test_a_body_that_does_not_come(ask, path, headers, pieces):
    hurry(ask.service, 0.2)
    served, head = ask.served, b"POST %s HTTP/1.1\r\nHost: x\r\n%s" % (path.encode(), HEADERS[path])
    answer = Answer(await served.raw(head + (headers or LONGER) + b"\r\n", *pieces))
    assert (answer.status, answer["connection"], answer["retry-after"]) == (408, "close", None)
    assert b"was not there within 0.2 seconds" in answer.body
    assert sum(ask.service.tally.values()) == 1
    assert not [name for name in ask.service.tally if name.endswith("unavailable")]


@PATHS
async def test_a_body_without_end_in_chunks(ask, path):
    chunk = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
    hurry(ask.service, 1.0)
    answer = Answer(await ask(path, *[chunk] * 10, headers=CHUNKED, close=False))
    assert (answer.status, answer["connection"]) == (413, "close")


NOT_AN_ORIGIN = {
    "a line end": PAGE.encode() + b"\r\n\tX-Injected: 1",
    "a bare line feed": PAGE.encode() + b"\nX-Injected: 1",
    "a NUL": PAGE.encode() + b"\0",
    "another character": PAGE.encode() + b"\xff",
    "a list": PAGE.encode() + b" https://evil.example",
    "a very long one": b"https://" + b"a" * 50_000,
}


@pytest.mark.parametrize("origin", NOT_AN_ORIGIN.values(), ids=NOT_AN_ORIGIN)
async def test_header_injection_by_origin(ask, origin):
    received = await ask("/login", headers=b"Origin: " + origin + b"\r\n")
    assert b"x-injected" not in received.lower()
    assert b"access-control-allow-origin" not in received.lower()
    assert b"evil" not in received


OF_THE_SERVER = ("date", "server")
ASKED_BEFORE = b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type, authorization\r\n"


async def test_what_browsers_are_told_before_a_login(ask):
    headers = b"Origin: " + PAGE.encode() + b"\r\n" + ASKED_BEFORE
    told = dict(Answer(await ask("/login", verb=b"OPTIONS", headers=headers)).headers)
    assert {
        name: told.get(name) for name in (*told, "access-control-allow-credentials") if name not in OF_THE_SERVER
    } == {
        "allow": "post, options",
        "vary": "origin",
        "access-control-allow-origin": PAGE,
        "access-control-expose-headers": "retry-after",
        "access-control-allow-methods": "post",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
        "access-control-allow-credentials": None,
        "connection": "close",
        "x-content-type-options": "nosniff",
    }
