"""``authgate key status`` and ``authgate key refresh``."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from authgate.cli.key import key
from tests.key_sets.issuer import P256, jwk, key_set


class Served(ThreadingHTTPServer):
    """An issuer in a thread of its own, as a command has an event loop of its own."""

    status = 200
    document = b""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.document)))
        self.end_headers()
        self.wfile.write(self.server.document)

    def log_message(self, *words):
        """Nothing."""


@pytest.fixture
def served():
    server = Served(("127.0.0.1", 0), Handler)
    server.document = key_set(jwk(), jwk(P256, None), jwk(kid="enc", use="enc"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture
def path(tmp_path, store_url, served):
    path = tmp_path / "authgate.toml"
    path.write_text(f"""
[store]
url = "{store_url}"
[[verifiers]]
type = "token"
name = "media"
issuer = "https://id.example.com"
audience = "media"
algorithms = ["RS256", "ES256"]
jwks = {{ url = "{served.url}/keys?a=s3cret" }}
""")
    path.chmod(0o600)
    return path


@pytest.fixture
def run(path):
    def run(*words, status=0):
        result = CliRunner().invoke(key, [*words, "--config", str(path)])
        assert result.exit_code == status, (result.output, result.exception)
        assert "s3cret" not in result.output
        return result

    return run


def test_keys_are_fetched_and_shown(run, served):
    (fetched,) = json.loads(run("refresh", "--json").stdout)
    (found,) = json.loads(run("status", "--json").stdout)
    assert fetched == found
    assert found.pop("fetched") == found.pop("tried")
    assert found == {
        "verifier": "media",
        "issuer": "https://id.example.com",
        "url": f"{served.url}/keys",
        "state": "fresh",
        "keys": [{"kid": "one", "algorithms": ["RS256"]}, {"kid": None, "algorithms": ["ES256"]}],
        "notes": ["key 'enc' is not for signatures (use)"],
        "fault": "",
    }
    shown = run("status").stdout
    assert "one (RS256), (no kid) (ES256)" in shown
    assert "key 'enc' is not for signatures (use)" in shown


def test_keys_that_were_never_there(run):
    (found,) = json.loads(run("status", "--json", status=1).stdout)
    assert (found["state"], found["keys"], found["fetched"], found["tried"]) == ("missing", [], None, None)


def test_an_issuer_that_is_away(run, served):
    run("refresh")
    served.status = 500
    (fetched,) = json.loads(run("refresh", "--json", status=1).stdout)
    (found,) = json.loads(run("status", "--json").stdout)
    assert fetched["fault"] == found["fault"] == f"{served.url}/keys answers with status 500"
    assert found["state"] == "fresh"
    assert [each["kid"] for each in found["keys"]] == ["one", None]
    assert found["fetched"] < found["tried"]


def test_workers_are_told(run, store_url, tmp_path):
    import sqlite3
    from contextlib import closing

    def number():
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as connection:
            row = connection.execute("SELECT number FROM versions WHERE name = 'key_sets'").fetchone()
            return row[0] if row else 0

    assert number() == 0
    run("refresh")
    assert number() == 1
    run("status")
    assert number() == 1


def test_no_issuer(run, path):
    text = path.read_text()
    path.write_text(text[: text.index("[[verifiers]]")])
    assert run("status").stdout.startswith("no verifier has the keys of an issuer")
    assert json.loads(run("refresh", "--json").stdout) == []
