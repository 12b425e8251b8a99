"""Keys that other issuers publish, end to end: two issuers on this machine, a real server, and what befalls them."""

import http.server
import json
import threading
import time
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.key_sets.issuer import jwk
from tests.key_sets.issuer import key_set as document
from tests.server.live import live, prepare, within_a_second
from tests.server.running import until
from tests.verifiers.forge import signed

COOL_DOWN = 1  # seconds between two fetches, of each worker


class Issuer:
    """An issuer of tokens with one key at a time, which it publishes; it can go away, and come back at its place."""

    def __init__(self, name, cool_down=COOL_DOWN):
        self.cool_down = cool_down
        self.name = f"https://{name}.example.com"
        self.asked_at = []
        self.port = 0
        self._server = None
        self.rotate("one")

    @property
    def settings(self):
        return f"""
[[verifiers]]
type = "token"
name = "{self.name.partition("//")[2]}"
issuer = "{self.name}"
algorithms = ["ES256"]
jwks = {{ url = "http://127.0.0.1:{self.port}/keys", cool_down = {self.cool_down} }}
"""

    def rotate(self, key_id, keep=()):
        """Sign with a new key from now on, and publish these older ones beside it."""
        self.key, self.key_id = ec.generate_private_key(ec.SECP256R1()), key_id
        self.published = document(jwk(self.key, key_id), *keep)

    def token(self, user="ann", **claims):
        said = {"iss": self.name, "sub": user, "exp": int(time.time()) + 3600} | claims
        return signed(said, {"alg": "ES256", "kid": self.key_id}, self.key, "ES256")

    def public(self):
        return jwk(self.key, self.key_id)

    def come(self):
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked_at.append(time.monotonic())
                self.send_response(200)
                self.send_header("content-length", str(len(issuer.published)))
                self.end_headers()
                self.wfile.write(issuer.published)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def go(self):
        if self._server is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def cooled_down(self):
        """Wait until each worker may ask again."""
        until(lambda: time.monotonic() > self.asked_at[-1] + self.cool_down + 0.1)


@contextmanager
def published(*found):
    """These issuers are there."""
    try:
        for each in found:
            each.come()
        yield
    finally:
        for each in found:
            each.go()


@pytest.fixture(scope="module")
def issuers():
    """Two that are there, one that is asked seldom, and one that is away, by name."""
    found = {name: Issuer(name) for name in ("one", "other", "late")} | {"seldom": Issuer("seldom", cool_down=60)}
    with published(*found.values()):
        found["late"].go()
        yield found


@pytest.fixture(scope="module")
def server(issuers, tmp_path_factory):
    """It trusts all of them."""
    settings = "".join(each.settings for each in issuers.values())
    with live(prepare(tmp_path_factory.mktemp("jwks") / "authgate", settings), 2) as server:
        yield server


def status(server):
    return {each["verifier"]: each for each in json.loads(server.tried("key", "status", "--json").stdout)}


def answers(server, token):
    return server.everywhere(lambda line: server.connect(token, line=line))


def test_issuer_that_was_never_there(server, issuers):
    one = issuers["late"]
    assert 200 not in answers(server, one.token())
    asked = server.tried("key", "status", "--json")
    assert (asked.returncode, "no keys to verify with" in asked.stderr) == (1, True)
    one.come()
    until(lambda: answers(server, one.token()) == {200})
    until(lambda: status(server)["late.example.com"]["state"] == "fresh")


def test_keys_of_two_issuers(server, issuers):
    one, other = issuers["one"], issuers["other"]
    assert (answers(server, one.token()), answers(server, other.token())) == ({200}, {200})
    # Both call their keys by the same name, and neither speaks for the other.
    assert one.key_id == other.key_id
    assert answers(server, other.token(iss=one.name)) == {403}
    assert answers(server, one.token("eve")) == {403}

    # A new key: the first connect with it, at each worker, has it fetched. Tokens of the old one stay good.
    before, old = one.token(), one.public()
    one.cooled_down()
    one.rotate("two", keep=[old])
    assert answers(server, one.token()) == {200}
    assert answers(server, before) == {200}
    assert answers(server, other.token()) == {200}

    # What was taken away is refused as soon as somebody says that there is something new.
    one.rotate("three")
    found = json.loads(server.run("key", "refresh", "--json"))
    assert {each["verifier"]: [key["kid"] for key in each["keys"]] for each in found} == {
        "one.example.com": ["three"],
        "other.example.com": ["one"],
        "late.example.com": ["one"],
        "seldom.example.com": ["one"],
    }
    within_a_second(lambda: answers(server, before) == {403})
    within_a_second(lambda: answers(server, one.token()) == {200})
    assert answers(server, other.token()) == {200}


def test_guessed_key_ids_ask_the_issuer_seldom(server, issuers):
    one = issuers["seldom"]
    good = one.token()
    assert answers(server, good) == {200}
    began = len(one.asked_at)
    known, one.key_id = one.key_id, "guess"
    for count in range(20):
        one.key_id = f"guess-{count}"
        assert answers(server, one.token()) == {403}
    one.key_id = known
    assert len(one.asked_at) <= began + 2
    assert answers(server, good) == {200}


def test_issuer_goes_away(tmp_path):
    one = Issuer("one")
    with published(one):
        config = prepare(tmp_path / "authgate", one.settings)
        with live(config, 2) as server:
            good = one.token()
            assert answers(server, good) == {200}
            assert status(server)["one.example.com"]["state"] == "fresh"
            one.go()
            assert answers(server, one.token()) == {200}
            refreshed = server.tried("key", "refresh", "--json")
            assert (refreshed.returncode, "cannot be reached" in refreshed.stderr) == (1, True)
            told = status(server)["one.example.com"]
            assert (told["state"], [key["kid"] for key in told["keys"]]) == ("fresh", ["one"])
            assert "cannot be reached" in told["fault"]
            one.rotate("two")
            assert 200 not in answers(server, one.token())
            assert answers(server, good) == {200}
        # Started again while it is away: with the keys that the store has.
        with live(config, 2) as server:
            assert answers(server, good) == {200}
            assert 200 not in answers(server, one.token())
            one.come()
            until(lambda: answers(server, one.token()) == {200})
            server.run("key", "refresh")
            assert status(server)["one.example.com"]["fault"] == ""
