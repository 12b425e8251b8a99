"""What stands behind the endpoints for web applications: small fakes, and a client that checks each answer."""

import asyncio
from collections import Counter
from dataclasses import replace

import httpx
from starlette.applications import Starlette

from authgate.api_keys import ApiKey, ApiScope, make
from authgate.config import Config, IssuingOptions
from authgate.errors import StoreError
from authgate.issuance import Token
from authgate.model import Secret, User
from authgate.names import canonical
from authgate.ports import Means
from authgate.server.openapi import document
from authgate.server.tokens import token_routes
from tests.fakes import FakeGuessing, FakeHasher, FakeUsers

TOKEN = "c4nary.token.text"
PASSWORD = "c4nary horse"
KEY, PREFIX, DIGEST = make()
SHOP = ApiKey(PREFIX, DIGEST, "shop", ApiScope(("*",), rate=1_000))
PUBLIC = {"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": "AAAA"}
ANN = User("ann", "Ann", hash=f"hash:{PASSWORD}")
BOB = User("bob", "Bob", enabled=False, hash=f"hash:{PASSWORD}")
EVE = User("eve", "Eve")  # without a password


class FakeIssuer:
    """Keeps what it is asked for; ``trouble`` is raised, ``hang`` waits for ever."""

    def __init__(self):
        self.asked, self.trouble, self.hang = [], None, False

    async def issue(self, wanted, now):
        self.asked.append(wanted)
        if self.hang:
            await asyncio.Event().wait()
        if self.trouble:
            raise self.trouble
        return Token(Secret(TOKEN), canonical(wanted.user), f"jti-{len(self.asked)}", int(now) + wanted.ttl)

    async def public_keys(self):
        if self.trouble:
            raise self.trouble
        return [PUBLIC]


class FakeApiKeys:
    def __init__(self, *rows):
        self.rows = {row.prefix: row for row in rows}
        self.noted, self.trouble = [], None

    async def find(self, prefix):
        if self.trouble:
            raise self.trouble
        return self.rows.get(prefix)

    async def used(self, prefix, at):
        self.noted.append((prefix, at))
        raise StoreError("it cannot be written to")  # which is nobody's trouble who wants a token


class FakeService:
    """Everything is on, and there are Ann, Bob (disabled) and Eve (without a password)."""

    def __init__(self, *rows, caller=None, verifiers=({"type": "password"},), deadline=2.0, **issuing):
        options = {"tokens": True, "login": True, "publish_keys": True} | issuing
        self.config = Config(
            server={"deadline": deadline}, verifiers=list(verifiers), issuing=options, caller=caller or {}
        )
        self.issuer = FakeIssuer()
        self.api_keys = FakeApiKeys(*(rows or (SHOP,)))
        self.users, self.hasher, self.guessing = FakeUsers(ANN, BOB, EVE), FakeHasher(), FakeGuessing()
        self.tally = Counter()

    @property
    def store(self):
        return self

    def means(self, now, until, where=None):
        return Means(self.users, self.hasher, None, None, None, None, self.guessing, now, where)

    def scope(self, *users, **options):
        """Give the key another scope."""
        row = self.api_keys.rows[PREFIX]
        self.api_keys.rows[PREFIX] = replace(row, scope=ApiScope(users or ("*",), **({"rate": 1_000} | options)))


EVERYTHING = document(IssuingOptions(tokens=True, login=True, publish_keys=True))["paths"]


class Web:
    """A web application. Each answer is in JSON, and of a status that the document names."""

    def __init__(self, service, peer="192.0.2.1"):
        app = Starlette(routes=token_routes(service, service.tally))
        app.router.redirect_slashes = False
        transport = httpx.ASGITransport(app, client=(peer, 50_000) if peer else None)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://authgate")

    async def send(self, verb, path, **request):
        answer = await self._client.request(verb, path, **request)
        known = EVERYTHING.get(path, {}).get(verb.lower())
        if known and answer.status_code != 404:
            assert str(answer.status_code) in known["responses"]
        if answer.is_error and answer.status_code != 404:
            assert answer.json().keys() == {"error", "error_description"}
            assert all(c.isascii() and c.isprintable() and c not in '"\\' for c in answer.json()["error_description"])
        if answer.is_error:
            assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
        assert answer.headers["x-content-type-options"] == "nosniff"
        return answer

    async def ask(self, body=None, key=KEY, content=None, headers=()):
        """Ask for a token by an API key."""
        sent = [("authorization", f"Bearer {key}")] if key is not None else []
        if not any(name.lower() == "content-type" for name, _ in headers):
            sent.append(("content-type", "application/json"))
        sent += headers
        if content is None:
            return await self.send("POST", "/tokens", json=body, headers=sent)
        return await self.send("POST", "/tokens", content=content, headers=sent)

    async def log_in(self, username="ann", password=PASSWORD, headers=(), **more):
        """Log in as a form does."""
        form = {"grant_type": "password", "username": username, "password": password} | more
        return await self.send("POST", "/login", data=form, headers=list(headers))

    async def send_form(self, content, kind="application/x-www-form-urlencoded"):
        return await self.send("POST", "/login", content=content, headers={"content-type": kind} if kind else {})
