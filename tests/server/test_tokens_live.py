"""Tokens of every shape at a real server: who may ask for them, what they open, and that nobody else sees them."""

import json
import time

import httpx
import jwt
import pytest

from authgate import admin
from authgate.cli.issuing import issued_verifier, wanted
from tests.server.live import ADDRESS, SETTINGS, live, new_session, with_key, within_a_second
from tests.server.running import PASSWORD, until

RTMP = {"nodeId": "n", "appKey": "flashStreamingApp", "sessionId": f"/{ADDRESS}:5643/192.0.2.10:1935"}
HLS = {"sessionId": f"/{ADDRESS}:59473/192.0.2.10:8445", "mediaProvider": "HLS"}
GRACE = "[sessions]\ngrace = 3600\n"  # longer than all of these tests take
ELSEWHERE = "/198.51.100.4:5643/192.0.2.10:1935"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    config = with_key(tmp_path_factory.mktemp("tokens") / "authgate", SETTINGS + GRACE, bob=PASSWORD)
    with live(config, 2) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def expiring(server):
    """A stream key that is good while the first tests run, and the session that it has opened."""
    key = server.run("streamkey", "add", "ann", "cam", "--ttl", "8s")
    return key, server.opened(key)


def post(server, path, **request):
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        return http.post(path, **request)


def asked(server, key, **body):
    return post(server, "/tokens", json={"user": "ann"} | body, headers={"authorization": f"Bearer {key}"})


def log_in(server, user, password):
    return post(server, "/login", data={"grant_type": "password", "username": user, "password": password})


# -- stream keys


@pytest.mark.parametrize("repeated", [True, False], ids=["token in both hooks", "token at connect alone"])
def test_stream_key_of_an_encoder(server, repeated):
    key = server.run("streamkey", "add", "ann", "lobby-*", "--app", "flashStreamingApp")
    custom = {"custom": {"token": key}}
    more = custom if repeated else {}
    assert server.everywhere(lambda line: server.ask("connect", line, **RTMP, **custom)) == {200}
    for name, status in {"lobby-cam": 200, "lobby": 403, "garden": 403}.items():
        told = RTMP | more | {"name": name}
        assert server.everywhere(lambda line, told=told: server.ask("publishStream", line, **told)) == {status}
    assert server.ask("playStream", **RTMP, name="lobby-cam", **more) == 403
    assert server.ask("call", **RTMP, callee="101", **more) == 403
    assert server.ask("connect", **RTMP | {"appKey": "defaultApp"}, **custom) == 403


def test_stream_key_is_revoked(server):
    key, other = (server.run("streamkey", "add", "ann", "cam") for _ in range(2))
    session, another = server.opened(key), server.opened(other)
    server.run("streamkey", "revoke", key.split("_")[1])
    within_a_second(lambda: server.everywhere(lambda line: server.connect(key, line=line)) == {403})
    within_a_second(lambda: server.everywhere(lambda line: server.publish(session, line)) == {403})
    assert server.everywhere(lambda line: server.connect(other, line=line)) == {200}
    assert server.everywhere(lambda line: server.publish(another, line)) == {200}


def test_stream_key_that_is_almost_right(server):
    key = server.run("streamkey", "add", "ann", "cam")
    last = "a" if key[-1] != "a" else "b"
    for wrong in (key[:-1] + last, key[:-1], key + "a", key.upper(), key.rpartition("_")[0], "sk_"):
        assert server.connect(wrong) == 403


# -- signed addresses


def test_signed_address_of_a_player(server):
    token = server.run("token", "sign", "ann", "lobby-*", "--app", "defaultApp")
    custom = {"custom": {"token": token}}
    for name, status in {"lobby-cam": 200, "garden": 403}.items():
        told = HLS | custom | {"name": name}
        assert server.everywhere(lambda line, told=told: server.ask("playHLS", line, **told)) == {status}
    rtsp = {"sessionId": f"/{ADDRESS}:55195/192.0.2.10:5554", "mediaProvider": "RTSP"}
    for name, status in {"lobby-cam": 200, "garden": 403}.items():
        address = f"rtsp://wcs.example.com:5554/{name}?token={token}"
        assert server.ask("playRTSP", **rtsp, name=address, **custom) == status
    assert server.ask("playHLS", **HLS, name="lobby-cam", **custom, appKey="another") == 403
    # It opens a session too, in which nothing else is allowed.
    session = server.opened(token)
    assert server.ask("playStream", sessionId=session, name="lobby-cam") == 200
    assert server.ask("playStream", sessionId=session, name="garden") == 403
    assert server.publish(session, name="lobby-cam") == 403


def test_signed_address_that_was_changed_or_is_over(server):
    token = server.run("token", "sign", "ann", "lobby")
    fields = token.split("~")

    def play(text, name="lobby"):
        return server.ask("playHLS", **HLS, name=name, custom={"token": text})

    assert play(token) == 200
    for place, other in {1: "zzzzzz", 4: "bob", 5: "defaultApp", 6: "*", 7: "A" * 22}.items():
        assert play("~".join([*fields[:place], other, *fields[place + 1 :]])) == 403
    assert play(token, "garden") == 403
    of_before = wanted("ann", 60, None, (), (), (), ("lobby",), once=False)
    over = server.do(
        lambda config, store: admin.sign_address(store, issued_verifier(config), of_before, time.time() - 99)
    )
    assert play(over) == 403


# -- bound tokens

BOUND = {
    "address": ({"addresses": (f"{ADDRESS}/32",)}, {"sessionId": ELSEWHERE}),
    "network": ({"addresses": ("203.0.113.0/24", "2001:db8::/32")}, {"sessionId": ELSEWHERE}),
    "address that is not known": ({"addresses": ("0.0.0.0/0",)}, {"sessionId": "a-session"}),
    "origin": ({"origins": ("https://app.example.com",)}, {"origin": "https://app.example.com.evil.example"}),
    "origin that is not told": ({"origins": ("https://app.example.com",)}, {"origin": ""}),
    "application": ({"app_keys": ("flashStreamingApp", "defaultApp")}, {"appKey": "another"}),
}


@pytest.mark.parametrize(("bound", "elsewhere"), BOUND.values(), ids=BOUND)
def test_bound_token(server, bound, elsewhere):
    custom = {"custom": {"token": server.token(**bound)}}
    here = RTMP | {"origin": "https://app.example.com"}
    assert server.everywhere(lambda line: server.ask("connect", line, **here | elsewhere, **custom)) == {403}
    assert server.everywhere(lambda line: server.ask("connect", line, **here, **custom)) == {200}
    assert server.everywhere(lambda line: server.ask("publishStream", line, **RTMP, name="cam", **custom)) == {200}


def test_token_bound_to_streams(server):
    token = server.token(streams=("lobby-*",))
    session = server.opened(token)
    for method in ("publishStream", "playStream"):
        for more in ({}, {"custom": {"token": token}}):
            assert server.ask(method, sessionId=session, name="lobby-1", **more) == 200
            assert server.ask(method, sessionId=session, name="garden", **more) == 403
    assert server.ask("playHLS", **HLS, name="garden", custom={"token": token}) == 403


# -- who gets tokens


def test_token_for_an_application(server):
    key = server.run("apikey", "add", "shop", "--user", "a*", "--grant", "publish:room-*", "--max-ttl", "10m")
    answer = asked(server, key, ttl=60, app="defaultApp", stream=["room-*"])
    assert answer.status_code == 201
    token = answer.json()["token"]
    session = server.opened(token)
    assert server.publish(session, name="room-1") == 200
    assert server.publish(session, name="garden") == 403
    assert server.connect(token, appKey="another") == 403
    for wrong in ({"user": "bob"}, {"ttl": 601}, {"grants": ["publish:*"]}):
        assert asked(server, key, **wrong).status_code == 403
    server.run("token", "revoke", answer.json()["jti"])
    within_a_second(lambda: server.everywhere(lambda line: server.connect(token, line=line)) == {403})
    good = asked(server, key).json()["token"]
    server.run("apikey", "revoke", key.split("_")[1])
    refused = asked(server, key)
    assert (refused.status_code, "invalid_token" in refused.headers["www-authenticate"]) == (401, True)
    assert server.many(lambda: asked(server, key).status_code) == {401}
    assert server.connect(good) == 200  # what it got stays good
    assert post(server, "/tokens", json={"user": "ann"}).status_code == 401


def test_token_for_a_password(server):
    answer = log_in(server, "Ann", PASSWORD)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    token = answer.json()["access_token"]
    assert server.everywhere(lambda line: server.connect(token, line=line)) == {200}
    for user, password in (("ann", "guess"), ("eve", PASSWORD)):
        wrong = log_in(server, user, password)
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    server.run("user", "password", "bob", "--password-stdin", given="another horse of bob\n")
    assert log_in(server, "bob", PASSWORD).status_code == 400
    fresh = log_in(server, "bob", "another horse of bob").json()["access_token"]
    assert server.everywhere(lambda line: server.connect(fresh, line=line)) == {200}


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_others_verify_our_tokens(server, algorithm):
    before = server.issue().key_id
    server.run("key", "generate", "--algorithm", algorithm)
    server.run("key", "rotate")
    until(lambda: server.issue().key_id != before)
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        keys = jwt.PyJWKSet.from_dict(http.get("/.well-known/jwks.json").json())
    token = log_in(server, "ann", PASSWORD).json()["access_token"]
    header = jwt.get_unverified_header(token)
    assert header["alg"] == algorithm
    claims = jwt.decode(token, keys[header["kid"]].key, algorithms=[algorithm], issuer="authgate")
    assert claims["sub"] == "ann"
    assert server.everywhere(lambda line: server.connect(token, line=line)) == {200}


def test_secrets_stand_in_no_log(server):
    key = server.run("apikey", "add", "noted", "--user", "*")
    stream_key = server.run("streamkey", "add", "ann", "cam")
    signed = server.run("token", "sign", "ann", "cam")
    tokens = [asked(server, key).json()["token"], log_in(server, "ann", PASSWORD).json()["access_token"]]
    tokens += [server.token(once=True), server.token("bob")]
    server.run("token", "revoke", server.issue().token_id)
    for token in (*tokens, stream_key, signed):
        for fields in ({}, {"appKey": "another"}):
            server.connect(token, **fields)
        server.ask("playHLS", **HLS, name=f"cam?token={token}", custom={"token": token})
        rtsp = {"sessionId": f"/{ADDRESS}:55195/192.0.2.10:5554", "mediaProvider": "RTSP"}
        server.ask("playRTSP", **rtsp, name=f"rtsp://h:5554/cam?token={token}", custom={"token": token})
        server.connect(token + "x")
        asked(server, token)
    wrong = "ak_" + key[3:-1] + "x"
    asked(server, wrong)
    post(server, f"/tokens?key={key}", json={"user": "ann", "key": key})
    log_in(server, "ann", "guess-of-the-test")
    log_in(server, "typed-in-the-wrong-field", "x")
    mark = new_session()
    server.connect("mark", mark)
    until(lambda: mark in server.log.read_text())
    log, records = server.log.read_text(), server.run("record", "list", "--limit", "200", "--json")
    secrets = [*tokens, stream_key, signed, key, wrong, PASSWORD, "guess-of-the-test", "the-master-key"]
    secrets += ["typed-in-the-wrong-field"]
    secrets += [part for token in tokens for part in token.split(".")[1:]]
    secrets += [stream_key.rpartition("_")[2], key.rpartition("_")[2], signed.rpartition("~")[2]]
    assert [secret for secret in secrets if secret in log] == []
    assert [secret for secret in secrets if secret in records] == []
    assert json.loads(records)


def test_stream_key_expires(server, expiring):
    key, session = expiring
    until(lambda: server.connect(key) == 403)
    assert server.publish(session) == 200, "a session goes on for the grace of [sessions]"
