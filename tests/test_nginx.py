"""nginx with ``deploy/nginx.conf`` before a whole authgate: who reaches what, from which address."""

import getpass
import http.client
import ipaddress
import json
import os
import re
import shutil
import ssl
import subprocess
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from authgate import admin
from authgate.server.tokens import token_routes
from tests.process import serve
from tests.server.live import SETTINGS, done, with_key
from tests.test_deploy import BODY, DEPLOY, KEY, PATIENCE, free_port, listens, signed, wait_for
from tests.trouble import kept

SAMPLE = (DEPLOY / "nginx.conf").read_text()
PASSWORD = "correct horse"
PAGE = "https://www.example.com"
NODE, SHOP, STRANGER, HERE = "127.0.0.3", "127.0.0.5", "127.0.0.4", "127.0.0.1"
OTHER, GUESSER = "127.0.0.6", "127.0.0.7"
GUESSES = 5  # wrong passwords from one address, which count whomever they are for
CALLER = f"""
login_origins = ["{PAGE}"]

[guessing]
per_user_and_address = 0
per_user = 0
per_user_a_day = 0
per_address = {GUESSES}
delay = 0
answer_after = 0.0

[hashing]
memory = 1024
time = 1

[caller]
hmac_keys = ["{KEY}"]
addresses = ["{NODE}"]
trusted_proxies = ["{HERE}"]
"""


def certificate(folder):
    """A certificate for localhost, signed by itself, as the two PEM files of the sample."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HERE))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "privkey.pem").write_bytes(pem)


@contextmanager
def nginx(folder, port, authgate):
    """nginx with the sample, on this port of the loopback before this authgate."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    certificate(folder)
    site = SAMPLE
    for sample, here in {
        "listen 443": f"listen {HERE}:{port}",
        "127.0.0.1:8080": authgate,
        "/etc/ssl/authgate": str(folder),
        "192.0.2.10": NODE,
        "192.0.2.20": SHOP,
    }.items():
        assert sample in site
        site = site.replace(sample, here)
    (folder / "site.conf").write_text(site)
    temporary = "".join(
        f"{each}_temp_path {folder}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = f"user {getpass.getuser()}; daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}"
    (folder / "main.conf").write_text(f"{main} http {{ access_log off; {temporary} include {folder}/site.conf; }}")
    process = subprocess.Popen([program, "-c", folder / "main.conf", "-e", folder / "error.log"])
    try:
        wait_for(lambda: process.poll() is not None or listens(port))
        assert process.poll() is None, (folder / "error.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


class Site:
    """nginx and what is behind it."""

    def __init__(self, server, port, trust, api_key):
        self.server = server
        self.api_key = api_key
        self._port = port
        self._trust = trust

    def ask(self, verb, path, place, body=None, headers=()):
        """The status, the headers and the body of an answer; the path is sent as it stands, from this address."""
        line = http.client.HTTPSConnection(
            HERE, self._port, context=self._trust, source_address=(place, 0), timeout=PATIENCE
        )
        try:
            line.request(verb, path, body, dict(headers))
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            line.close()

    def hook(self, place, path="/hooks/connect", **headers):
        return self.ask("POST", path, place, BODY, signed(BODY) | headers)

    def token(self, place, path="/tokens", body=b'{"user":"ann"}', **headers):
        sent = {"authorization": f"Bearer {self.api_key}", "content-type": "application/json"} | headers
        return self.ask("POST", path, place, body, sent)

    def log_in(self, place, path="/login", password=PASSWORD, **headers):
        form = urlencode({"grant_type": "password", "username": "ann", "password": password})
        sent = {"content-type": "application/x-www-form-urlencoded"} | headers
        return self.ask("POST", path, place, form, sent)

    def blocks(self):
        return done(self.server.config, lambda _, store: admin.blocks(store))

    def records(self):
        return len(kept(self.server.store_url)[0])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    config = with_key(folder / "authgate", SETTINGS + CALLER, ann=PASSWORD)
    with serve(config) as server, nginx(folder, port, server.url.removeprefix("http://")):
        api_key = server.run("apikey", "add", "shop", "--user", "*").strip()
        yield Site(server, port, ssl.create_default_context(cafile=folder / "fullchain.pem"), api_key)


def test_sample_has_a_place_for_each_path_that_web_applications_ask():
    paths = set(re.findall(r"location = (\S+)", SAMPLE))
    assert paths == {route.path for route in token_routes(None, Counter())}
    for path in paths:  # as it stands there, not as the client wrote it
        assert f"proxy_pass http://authgate{path};" in SAMPLE


def test_sample_lets_the_media_server_pass_alone(site):
    answers = {}
    for place in (NODE, HERE, STRANGER, SHOP):
        status, headers, _ = site.hook(place)
        answers[place] = status, headers["content-type"]
    # The proxy's machine nginx lets pass and authgate does not; others nginx stops.
    ours = "application/json"
    stopped = (403, "text/html")
    assert answers == {NODE: (200, ours), HERE: (403, ours), STRANGER: stopped, SHOP: stopped}
    assert site.records() == 1


FORGED = ["127.0.0.3", "127.0.0.3, 127.0.0.1", "127.0.0.1, 127.0.0.3", "127.0.0.3,,", "for=127.0.0.3"]


@pytest.mark.parametrize("address", FORGED)
@pytest.mark.parametrize("place", [HERE, STRANGER])
def test_forged_address_of_the_media_server(site, place, address):
    before = site.records()
    assert site.hook(place, **{"X-Forwarded-For": address})[0] == 403
    assert site.hook(NODE, **{"X-Forwarded-For": STRANGER})[0] == 200
    assert site.records() == before + 1


WHO = {
    "tokens, by a web server": (Site.token, SHOP, 201),
    "tokens, by anybody": (Site.token, STRANGER, 403),
    "tokens, by the media server": (Site.token, NODE, 403),
    "tokens, on the machine": (Site.token, HERE, 403),
    "logins, by anybody": (Site.log_in, STRANGER, 200),
    "logins, by a web server": (Site.log_in, SHOP, 200),
}


@pytest.mark.parametrize(("ask", "place", "status"), WHO.values(), ids=WHO)
def test_who_gets_tokens(site, ask, place, status):
    found, headers, _ = ask(site, place)
    assert found == status
    if status < 400:
        assert (headers["cache-control"], headers["pragma"]) == ("no-store", "no-cache")


GETS = {
    "the public keys": ("/.well-known/jwks.json", STRANGER, 200),
    "the description, by a web server": ("/openapi.json", SHOP, 200),
    "the description": ("/openapi.json", STRANGER, 403),
    "tokens": ("/tokens", STRANGER, 403),
    "tokens, by a web server": ("/tokens", SHOP, 405),
    "logins": ("/login", STRANGER, 405),
    "health": ("/healthz", SHOP, 404),
    "readiness": ("/readyz", NODE, 404),
    "the root": ("/", STRANGER, 404),
    "something below": ("/login/x", STRANGER, 404),
    "something beside": ("/.well-known/openid-configuration", STRANGER, 404),
    "hooks without a slash": ("/hooks", NODE, 301),
}


@pytest.mark.parametrize(("path", "place", "status"), GETS.values(), ids=GETS)
def test_who_gets_what(site, path, place, status):
    assert site.ask("GET", path, place)[0] == status


# What nginx takes for another path than the one that is written, and what only looks like one.
SPELLED = [
    "/tokens/",
    "//tokens",
    "/./tokens",
    "/login/../tokens",
    "/login/..%2ftokens",
    "/login/%2e%2e/tokens",
    "/%74okens",
    "/tokens?x",
    "/tokens;x",
    "/tokens%00",
    "/tokens#/login",
    "/login#/../tokens",
    "/Tokens",
    "/hooks/../tokens",
]


@pytest.mark.parametrize("path", SPELLED)
def test_tokens_by_another_spelling(site, path):
    status, _, body = site.token(STRANGER, path)
    assert status in (400, 403, 404, 415)
    assert b"eyJ" not in body


@pytest.mark.parametrize(
    "path", ["/hooks/../login", "/hooks/connect/../../login", "/hooks/%2e%2e/login", "/hooks/../login#/connect"]
)
def test_hooks_by_a_path_that_is_open_to_all(site, path):
    """nginx takes it for the path of logins, and authgate must not take it for a hook."""
    status, _, body = site.hook(STRANGER, path)
    assert (status, json.loads(body)["error"]) == (415, "invalid_request")
    assert site.hook(NODE, path)[0] == 415


def test_made_up_addresses_are_no_way_past_the_limit_of_guesses_from_one_address(site):
    for n in range(GUESSES):
        made_up = {"X-Forwarded-For": f"203.0.113.{n}"}
        assert site.log_in(GUESSER, password=f"wrong {n}", **made_up)[0] == 400
    # What is locked is the address they came from, also for a right password, and none of those made up or the proxy's.
    for made_up in ({}, {"X-Forwarded-For": "203.0.113.99"}, {"X-Forwarded-For": OTHER}):
        assert site.log_in(GUESSER, **made_up)[0] == 400
    assert [(each.kind, each.user, each.address) for each in site.blocks()] == [("lock", "", GUESSER)]
    assert site.log_in(OTHER)[0] == 200
    assert site.log_in(OTHER, **{"X-Forwarded-For": GUESSER})[0] == 200


def test_a_page_may_log_in(site):
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    status, headers, _ = site.ask("OPTIONS", "/login", STRANGER, headers=asks.items())
    assert (status, headers["access-control-allow-origin"]) == (204, PAGE)
    status, headers, _ = site.log_in(STRANGER, Origin=PAGE)
    assert (status, headers["access-control-allow-origin"], headers["vary"]) == (200, PAGE, "origin")
    status, headers, _ = site.log_in(STRANGER, Origin="https://evil.example")
    assert (status, headers["access-control-allow-origin"], headers["vary"]) == (200, None, "origin")
    assert "access-control-allow-origin" not in site.ask("OPTIONS", "/tokens", SHOP, headers=asks.items())[1]


SIZES = {
    "a login that authgate refuses": (Site.log_in, "/login", 9_000, "application/json"),
    "a login that nginx refuses": (Site.log_in, "/login", 70_000, "text/html"),
    "a request that authgate refuses": (Site.token, "/tokens", 17_000, "application/json"),
    "a request that nginx refuses": (Site.token, "/tokens", 70_000, "text/html"),
    "a hook that authgate refuses": (Site.hook, "/hooks/connect", 2_000_000, "application/json"),
}


@pytest.mark.parametrize(("ask", "path", "size", "kind"), SIZES.values(), ids=SIZES)
def test_bodies_that_are_too_large(site, ask, path, size, kind):
    place = NODE if ask is Site.hook else SHOP
    forms = {"/login": "application/x-www-form-urlencoded", "/tokens": "application/json"}
    status, headers, _ = site.ask("POST", path, place, b"x" * size, {"content-type": forms.get(path, "")})
    assert (status, headers["content-type"]) == (413, kind)


def test_what_is_switched_off_is_not_there(tmp_path):
    port = free_port()
    config = with_key(tmp_path / "authgate", SETTINGS.partition("[issuing]")[0], ann=PASSWORD)
    with serve(config) as server, nginx(tmp_path, port, server.url.removeprefix("http://")):
        off = Site(server, port, ssl.create_default_context(cafile=tmp_path / "fullchain.pem"), "ak_x")
        assert {off.log_in(STRANGER)[0], off.token(SHOP)[0]} == {404}
        assert {off.ask("GET", path, SHOP)[0] for path in ("/.well-known/jwks.json", "/openapi.json")} == {404}
