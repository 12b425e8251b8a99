"""``authgate hook try`` of a whole HTTP request, as it was recorded."""

import hmac
from typing import ClassVar

import pytest

from tests.cli.trying import as_json, body, tried

pytestmark = pytest.mark.usefixtures("prepared")
SECRET = "a-key-of-the-media-server"


def request(method="publishStream", sent=None, sign=True, head="", base="/hooks"):
    sent = (sent if sent is not None else body(name="cam")).encode()
    signature = hmac.digest(SECRET.encode(), sent, "md5").hex()
    lines = [f"POST {base}/{method} HTTP/1.1", "Host: x", f"Content-Length: {len(sent)}"]
    lines += [f"Authorization: WCS {signature}"] * sign + [head] * bool(head)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + sent


class TestRecordedRequest:
    @pytest.fixture(autouse=True)
    def _keyed(self, path, prepared):
        path.write_text(
            path.read_text().replace("[targets.legacy]", f'[caller]\nhmac_keys = ["{SECRET}"]\n[targets.legacy]')
        )

    GOOD: ClassVar = {
        "as it was": request(),
        "with a line that an editor put behind it": request() + b"\n",
        "with Unix line ends": request().replace(b"\r\n", b"\n"),
        "by another path": request(base="http://proxy.example/a/b"),
        "with a query": request().replace(b"publishStream HTTP", b"publishStream?x=1 HTTP"),
        "in another spelling": request().replace(b"publishStream HTTP", b"publish%53tream/ HTTP"),
    }

    @pytest.mark.parametrize("given", GOOD.values(), ids=GOOD)
    def test_trusted(self, authgate, given):
        told = tried(authgate, given, status=0)
        assert "caller        signature: trusted" in told
        assert "hook          publishStream (call)" in told

    STRANGERS: ClassVar = {
        "unsigned": request(sign=False),
        "changed": request().replace(b'"cam"', b'"tam"'),
        "cut off": request()[:-1],
        "signed for another body": request(sign=False, head="Authorization: WCS " + "0" * 32),
    }

    @pytest.mark.parametrize("given", STRANGERS.values(), ids=STRANGERS)
    def test_not_trusted(self, authgate, given):
        found = as_json(authgate, given, status=1)
        assert (found["status"], found["fault"]) == (
            403,
            "the caller is not trusted, so nothing in the hook is looked at",
        )
        assert found["rules"] == []

    def test_cut_off_is_said(self, authgate):
        assert "it was cut or changed" in tried(authgate, request()[:-1], status=1)

    def test_a_bare_body_is_not_asked_who_sent_it(self, authgate):
        told = tried(authgate, body(name="cam"), "--method", "publishStream")
        assert "caller        signature: not asked (a body alone does not tell who sent it)" in told

    USAGE: ClassVar = {
        "no method": (body(), (), "give --method"),
        "no possible method": (body(), ("--method", "a b"), "is no hook method"),
        "a path without a method": (request(method=""), (), "is no hook method"),
        "a path that is none": (request().replace(b"/hooks/publishStream", b"http://["), (), "is no hook method"),
        "a GET": (request().replace(b"POST", b"GET"), (), "this is a GET request"),
        "chunks": (request(head="Transfer-Encoding: chunked"), (), "the body is in chunks"),
    }

    @pytest.mark.parametrize(("given", "arguments", "said"), USAGE.values(), ids=USAGE)
    def test_usage(self, authgate, given, arguments, said):
        result = authgate("hook", "try", "-", *arguments, stdin=given, status=2)
        assert said in result.stderr
        assert result.stdout == ""

    def test_the_command_line_counts_for_more(self, authgate):
        assert "hook          playStream (call)" in tried(authgate, request(), "--method", "playStream")
