"""Our own keys are rotated and deleted under real servers, while clients connect: who has a good one is let in."""

import asyncio
import json
import threading
import time

import httpx
import jwt
import pytest

from authgate import admin
from authgate.cli.issuing import issued_verifier, issuer
from authgate.config import load
from authgate.issuance import Wanted
from authgate.server import presence
from authgate.store import Store
from tests.server.live import ISSUED, MASTER, SETTINGS, issuing, live, new_session, with_key, within_a_second
from tests.server.running import until

RATE = "100000"  # requests a minute


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with live(with_key(tmp_path_factory.mktemp("keys") / "authgate"), 2) as server:
        yield server


class Load:
    """Clients that connect without a pause, each time with a token that was issued a moment ago.

    One is issued its tokens by the store's side, the others by ``POST /tokens``; one guesses at keys meanwhile.
    """

    def __init__(self, server, clients=3, guess=True):
        self.connected, self.refused, self.guessed, self.keys = 0, [], set(), set()
        self._server, self._clients, self._guess = server, clients, guess
        self._api_key = server.run("apikey", "add", "load", "--user", "*", "--rate", RATE)
        self._stop = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        self.go_on()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def go_on(self):
        """Wait until some more have connected."""
        seen = self.connected + len(self.refused)
        until(lambda: not self._thread.is_alive() or self.connected + len(self.refused) > seen + 30)

    async def _run(self):
        config = load(self._server.config, {})
        store = Store(config.store)
        async with issuer(config, store, None) as by, asyncio.TaskGroup() as group:
            group.create_task(self._client(lambda _: self._issued(by)))
            for _ in range(self._clients):
                group.create_task(self._client(self._asked_for))
            if self._guess:
                group.create_task(self._guesser())
        await store.close()

    async def _client(self, token):
        async with httpx.AsyncClient(base_url=self._server.url, trust_env=False, timeout=30) as http:
            while not self._stop.is_set():
                text = await token(http)
                answer = await self._connect(http, text)
                if answer.status_code == 200:
                    self.connected += 1
                    self.keys.add(jwt.get_unverified_header(text)["kid"])
                else:
                    self.refused.append((answer.status_code, jwt.get_unverified_header(text)))

    async def _guesser(self):
        async with httpx.AsyncClient(base_url=self._server.url, trust_env=False, timeout=30) as http:
            count = 0
            while not self._stop.is_set():
                count += 1
                self.guessed.add((await self._connect(http, guessed(f"guess-{count}"))).status_code)

    async def _connect(self, http, token):
        body = {"nodeId": "n", "appKey": "defaultApp", "sessionId": new_session(), "custom": {"token": token}}
        return await http.post("/hooks/connect", json=body)

    async def _issued(self, by):
        return (await by.issue(Wanted("ann", 60), time.time())).text.reveal()

    async def _asked_for(self, http):
        headers = {"authorization": f"Bearer {self._api_key}"}
        answer = await http.post("/tokens", json={"user": "ann", "ttl": 60}, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()["token"]


def guessed(key_id):
    """A token that names a key of ours which there is not."""
    claims = {"iss": "authgate", "sub": "ann", "exp": int(time.time()) + 60}
    return jwt.encode(claims, "another-secret-of-thirty-two-bytes", "HS256", headers={"kid": key_id})


def test_rotated_under_load(server):
    tokens, first = [server.token()], server.issue().key_id
    with Load(server) as load:
        for _ in range(3):
            before = server.issue().key_id
            server.run("key", "rotate")
            until(lambda before=before: server.issue().key_id != before)
            load.go_on()
            tokens.append(server.token())
            for token in tokens:
                assert server.everywhere(lambda line, token=token: server.connect(token, line=line)) == {200}
        load.go_on()
    assert load.refused == []
    assert load.guessed == {403}
    assert len(load.keys) == 4
    assert first in load.keys


def test_deleted_under_load(server):
    old = [server.token(), server.token()]
    session = server.opened(old[0])
    key_id = server.issue().key_id
    with Load(server, clients=1, guess=False) as load:
        server.run("key", "rotate")
        until(lambda: server.issue().key_id != key_id)
        fresh = server.token()
        refused = server.tried("key", "delete", "--", key_id)
        assert (refused.returncode, "--force" in refused.stderr) == (1, True)
        assert server.everywhere(lambda line: server.connect(old[1], line=line)) == {200}
        server.run("key", "delete", "--force", "--", key_id)
        within_a_second(lambda: server.everywhere(lambda line: server.connect(old[1], line=line)) == {403})
        assert server.many(lambda: server.connect(old[0])) == {403}
        assert server.many(lambda: server.connect(fresh)) == {200}
        load.go_on()
    assert load.refused == []
    assert key_id not in server.key_ids()
    # A key that is gone ends no session; whoever wants that revokes what it has signed.
    assert server.publish(session) == 200


def test_revoked_key_ends_its_sessions(server):
    token = server.issue()
    text = token.text.reveal()
    session = server.opened(text)
    server.run("key", "rotate")
    until(lambda: server.issue().key_id != token.key_id)
    other = server.opened(server.token())
    server.run("token", "revoke", f"--key={token.key_id}", "--ever")
    within_a_second(lambda: server.everywhere(lambda line: server.connect(text, line=line)) == {403})
    assert server.everywhere(lambda line: server.publish(session, line)) == {403}
    assert server.everywhere(lambda line: server.publish(other, line)) == {200}


def test_retired_key_is_good_for_what_it_has_signed(server):
    token = server.issue()
    api_key = server.run("apikey", "add", "shop", "--user", "*")

    def asked():
        headers = {"authorization": f"Bearer {api_key}"}
        return httpx.post(f"{server.url}/tokens", json={"user": "ann"}, headers=headers, trust_env=False).status_code

    refused = server.tried("key", "retire", "--", token.key_id)
    assert (refused.returncode, "authgate key rotate" in refused.stderr) == (1, True)
    assert asked() == 201
    server.run("key", "retire", "--leave-no-signing-key", "--", token.key_id)
    assert asked() == 503  # nothing signs
    assert server.everywhere(lambda line: server.connect(token.text.reveal(), line=line)) == {200}
    server.run("key", "rotate")
    assert asked() == 201
    assert server.everywhere(lambda line: server.connect(server.token(), line=line)) == {200}


def key_set(server):
    return httpx.get(f"{server.url}/.well-known/jwks.json", trust_env=False).json()["keys"]


def test_key_that_waits_is_published_before_it_signs(server):
    published = {
        each["kid"] for each in httpx.get(f"{server.url}/.well-known/jwks.json", trust_env=False).json()["keys"]
    }
    server.run("key", "generate", "--algorithm", "ES256")
    (waiting,) = [each for each in json.loads(server.run("key", "list", "--json")) if each["state"] == "next"]
    found = key_set(server)
    assert {each["kid"] for each in found} - published == {waiting["kid"]}
    assert not [name for each in found for name in ("d", "p", "q", "k") if name in each]
    assert server.issue().key_id != waiting["kid"]
    server.run("key", "rotate")
    until(lambda: server.issue().key_id == waiting["kid"])
    assert server.everywhere(lambda line: server.connect(server.token(), line=line)) == {200}


def test_first_key_is_good_at_once_while_somebody_guesses(server):
    """Guesses have the store looked at, and not each; the token of a real key that comes meanwhile is not refused."""

    async def first_token(config, store):
        verifier = issued_verifier(config)
        for key in await store.signing_keys.all():
            await admin.delete_key(store, verifier, key.id, force=True, leave_none=True)
        await admin.generate_key(store, verifier)
        return (await issuing(Wanted("ann", 60))(config, store))[0].text.reveal()

    stop, answers = threading.Event(), set()

    def guess():
        while not stop.is_set():
            answers.add(server.connect(guessed(new_session()[-36:])))

    guessing = [threading.Thread(target=guess) for _ in range(4)]
    for each in guessing:
        each.start()
    try:
        for _ in range(10):
            token = server.do(first_token)
            assert server.everywhere(lambda line, token=token: server.connect(token, line=line)) == {200}
    finally:
        stop.set()
        for each in guessing:
            each.join()
    assert answers == {403}


def test_master_key_is_replaced_while_the_server_runs(server):
    """First both, so that every key is sealed with the new one, then the new one alone."""
    new = "another-master-key-of-32-letters"
    before = server.token()
    base = server.config.read_text()

    def take_over(*keys):
        listed = ", ".join(f'"{each}"' for each in keys)
        server.config.write_text(base.replace(f'["{MASTER}"]', f"[{listed}]"))
        assert not presence.ask(server.spool, server.config, 20).faults

    assert ISSUED in SETTINGS
    assert f'["{MASTER}"]' in base
    for masters in ((new, MASTER), (new,)):
        take_over(*masters)
        server.run("key", "reseal")
        for token in (before, server.token()):
            assert server.everywhere(lambda line, token=token: server.connect(token, line=line)) == {200}
    server.run("key", "rotate")
    assert server.everywhere(lambda line: server.connect(server.token(), line=line)) == {200}
