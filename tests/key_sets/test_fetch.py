"""Issuers that misbehave: each comes to one sentence, in time, and nothing secret is in it."""

import asyncio
import gzip
import json
import logging
import os
import ssl

import pytest

from authgate.key_sets.fetch import Fetcher, keys_url
from authgate.key_sets.place import FetchError
from authgate.ports import KeySource
from authgate.verifiers.jwks import JwksOptions
from tests.key_sets.issuer import DRIP, HANG, answer, issuing, key_set, port_of_nobody, self_signed

ISSUER = "https://id.example.com"
BIG = b" " * 70_000
FOUND = "302 Found"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def fetcher():
    fetcher = Fetcher()
    yield fetcher
    await fetcher.close()


async def fetched(fetcher, url, **options):
    options = JwksOptions(url, **{"timeout": 2.0, **options})
    return await fetcher.fetch(KeySource(ISSUER, url, ("RS256",)), options)


MISBEHAVING = {
    "hangs": (HANG, "did not answer within 0.4 seconds"),
    "drips": (DRIP, "did not answer within 0.4 seconds"),
    "has trouble": (answer(b"", "500 Internal Server Error"), "answers with status 500"),
    "wants to know who asks": (answer(b"", "401 Unauthorized"), "answers with status 401"),
    "has nothing": (answer(b"", "204 No Content"), "answers with status 204"),
    "has a part": (answer(b"{", "206 Partial Content"), "answers with status 206"),
    "is huge": (answer(BIG), "answers with more than 65,535 bytes"),
    "is huge in chunks": (CHUNKED + b"11170\r\n" + BIG + b"\r\n0\r\n\r\n", "answers with more than 65,535 bytes"),
    "closes early": (answer(b"{", length=100), "broke off"),
    "closes within chunks": (CHUNKED + b"5\r\n{", "broke off"),
    "closes at once": (b"", "broke off"),
    "speaks no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", "is not HTTP"),
    "has endless headers": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", "is not HTTP"),
    "compresses": (answer(gzip.compress(key_set()), "200 OK", "Content-Encoding: gzip"), "in an encoding"),
    "compresses a bomb": (answer(gzip.compress(b" " * 9_999_999), "200 OK", "Content-Encoding: gzip"), "an encoding"),
    "redirects nowhere": (answer(b"", FOUND), "answers with status 302"),
    "redirects to another host": (answer(b"", FOUND, "Location: https://evil.example.com/k?a=s3cret"), "evil.example"),
    "redirects to another name of it": (answer(b"", FOUND, "Location: http://localhost/keys"), "to another server"),
    "redirects to a file": (answer(b"", FOUND, "Location: file:///etc/passwd"), "no address that can be used"),
    "redirects to a password": (answer(b"", FOUND, "Location: https://u:s3cret@x/"), "no address that can be used"),
    "redirects to nonsense": (answer(b"", FOUND, "Location: http://[s3cret"), "no address that can be used"),
    "redirects in a circle": (answer(b"", FOUND, "Location: /keys"), "redirects more than 3 times"),
}


@pytest.mark.parametrize(("said", "why"), MISBEHAVING.values(), ids=MISBEHAVING)
async def test_an_issuer_that(issuer, fetcher, said, why):
    issuer.answers["/keys?a=s3cret"] = issuer.answers["/keys"] = said
    began = asyncio.get_running_loop().time()
    with pytest.raises(FetchError) as error:
        await fetched(fetcher, f"{issuer.url}/keys?a=s3cret", timeout=0.4)
    assert why in str(error.value)
    assert "s3cret" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert asyncio.get_running_loop().time() - began < 1
    assert len(issuer.asked) <= 4


async def test_an_issuer_that_is_not_there(fetcher):
    with pytest.raises(FetchError, match=r"^http://127\.0\.0\.1:\d+/keys cannot be reached: "):
        await fetched(fetcher, f"http://127.0.0.1:{port_of_nobody()}/keys")


async def test_an_issuer_that_hangs_before_it_shows_its_certificate(issuer, fetcher):
    with pytest.raises(FetchError, match=r"^https://127\.0\.0\.1:\d+/keys cannot be reached in time$"):
        await fetched(fetcher, f"https://127.0.0.1:{issuer.port}/keys", timeout=0.5)


async def test_an_issuer_whose_certificate_nobody_vouches_for(fetcher, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "server.pem"))
    async with issuing(context) as issuer:
        with pytest.raises(FetchError, match=r"^https://localhost:\d+/keys cannot be reached: .*CERTIFICATE_VERIFY"):
            await fetched(fetcher, f"https://localhost:{issuer.port}/keys")
        assert issuer.asked == []


BEHAVING = {
    "answers": answer(key_set()),
    "answers in chunks": CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    "says that it does not compress": answer(key_set(), "200 OK", "Content-Encoding: identity"),
    "answers in another type": answer(key_set(), "200 OK", "Content-Type: text/plain"),
    "sets a cookie": answer(key_set(), "200 OK", "Set-Cookie: a=b; Path=/"),
}


@pytest.mark.parametrize("said", BEHAVING.values(), ids=BEHAVING)
async def test_a_document_is_fetched(issuer, fetcher, said):
    issuer.answers["/keys"] = said
    for _ in range(2):
        assert await fetched(fetcher, f"{issuer.url}/keys") in (key_set(), b"{}")
    assert "accept-encoding: identity" in issuer.heads[1].lower()
    assert "cookie" not in issuer.heads[1].lower()
    assert "authorization" not in issuer.heads[1].lower()


async def test_the_longest_document_is_fetched(issuer, fetcher):
    issuer.answers["/keys"] = answer(b" " * 65_535)
    assert len(await fetched(fetcher, f"{issuer.url}/keys")) == 65_535


async def test_redirects_on_the_same_server_are_followed(issuer, fetcher):
    issuer.answers["/1"] = answer(b"", "301 Moved Permanently", "Location: /2")
    issuer.answers["/2"] = answer(b"", "307 Temporary Redirect", f"Location: {issuer.url}/3")
    issuer.answers["/3"] = answer(b"", "308 Permanent Redirect", "Location: keys")
    assert await fetched(fetcher, f"{issuer.url}/1") == key_set()
    assert issuer.asked == ["/1", "/2", "/3", "/keys"]


async def test_redirects_to_another_port_are_not_followed(issuer, fetcher):
    async with issuing() as other:
        issuer.answers["/keys"] = answer(b"", FOUND, f"Location: {other.url}/keys")
        with pytest.raises(FetchError, match="redirects to another server"):
            await fetched(fetcher, f"{issuer.url}/keys")
        assert other.asked == []


async def test_the_environment_names_no_proxy(issuer, fetcher, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port_of_nobody()}")
    assert await fetched(fetcher, f"{issuer.url}/keys") == key_set()


async def test_the_library_writes_no_secret_to_the_log(issuer, fetcher, caplog):
    caplog.set_level(logging.WARNING)
    issuer.answers["/keys?a=s3cret"] = answer(b"", "500 No")
    with pytest.raises(FetchError):
        await fetched(fetcher, f"{issuer.url}/keys?a=s3cret")
    assert "s3cret" not in caplog.text


async def test_a_file_is_read(fetcher, tmp_path):
    path = tmp_path / "the keys.json"
    path.write_bytes(key_set())
    assert await fetched(fetcher, f"file://{tmp_path}/the%20keys.json") == key_set()


async def test_files_that_are_none(fetcher, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big").write_bytes(b" " * 65_536)
    for name, why in {
        "none": "cannot be read: No such file",
        "pipe": "is no regular file",
        "": "no regular file",
        "big": "has more than 65,535 bytes",
    }.items():
        with pytest.raises(FetchError, match=why):
            await fetched(fetcher, f"file://{tmp_path}/{name}")
    with pytest.raises(FetchError, match="is no regular file"):
        await fetched(fetcher, "file:///dev/zero")


def discovering(issuer, **others):
    return json.dumps({"issuer": issuer, "jwks_uri": f"{issuer}/keys", **others}).encode()


@pytest.mark.parametrize("end", ["", "/"])
async def test_keys_are_discovered(issuer, fetcher, end):
    name = issuer.url + end
    issuer.answers["/.well-known/openid-configuration"] = answer(discovering(name, jwks_uri=f"{issuer.url}/keys"))
    source = KeySource(name, "", ("RS256",))
    assert await fetcher.fetch(source, JwksOptions(discover=True)) == key_set()
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_keys_are_discovered_below_a_path(issuer, fetcher):
    name = f"{issuer.url}/realms/media"
    found = answer(discovering(name, jwks_uri=f"{issuer.url}/keys"))
    issuer.answers["/realms/media/.well-known/openid-configuration"] = found
    assert await fetcher.fetch(KeySource(name, "", ("RS256",)), JwksOptions(discover=True)) == key_set()


async def test_one_limit_holds_for_discovery_and_keys_together(issuer, fetcher):
    issuer.answers["/.well-known/openid-configuration"] = answer(discovering(issuer.url))
    issuer.answers["/keys"] = HANG
    with pytest.raises(FetchError, match=r"/keys did not answer within 0\.3 seconds"):
        await fetcher.fetch(KeySource(issuer.url, "", ("RS256",)), JwksOptions(discover=True, timeout=0.3))


async def test_nothing_is_discovered_below_an_issuer_that_is_no_address(fetcher):
    with pytest.raises(FetchError, match="the issuer must be an address"):
        await fetcher.fetch(KeySource("wcs", "", ("RS256",)), JwksOptions(discover=True))


MISLEADING = {
    "no JSON": (b"<html>", "is not JSON"),
    "a list": (b"[]", "is not a JSON object"),
    "a key twice": (b'{"issuer":"https://id.example.com","issuer":"x"}', "holds a key twice"),
    "another issuer": (discovering("https://evil.example.com"), "names another issuer"),
    "an issuer with a slash": (discovering(f"{ISSUER}/"), "names another issuer"),
    "an issuer in capitals": (discovering(ISSUER.upper()), "names another issuer"),
    "no issuer": (discovering(None), "names another issuer"),
    "a list of issuers": (discovering([ISSUER]), "names another issuer"),
    "no address": (discovering(ISSUER, jwks_uri=None), "no jwks_uri that can be used"),
    "no address but a number": (discovering(ISSUER, jwks_uri=1), "no jwks_uri that can be used"),
    "a relative address": (discovering(ISSUER, jwks_uri="/keys"), "no jwks_uri that can be used"),
    "an address in clear": (discovering(ISSUER, jwks_uri="http://id.example.com/keys"), "no jwks_uri that can be used"),
    "a file": (discovering(ISSUER, jwks_uri="file:///etc/passwd"), "no jwks_uri that can be used"),
    "a password": (discovering(ISSUER, jwks_uri="https://u:p@id.example.com/"), "no jwks_uri that can be used"),
    "this machine": (discovering(ISSUER, jwks_uri="http://127.0.0.1:8081/"), "has a jwks_uri on this machine"),
}


@pytest.mark.parametrize(("document", "why"), MISLEADING.values(), ids=MISLEADING)
def test_a_discovery_document_with(document, why):
    with pytest.raises(FetchError, match=f"^the discovery document of https://id.example.com .*{why}"):
        keys_url(ISSUER, document)
