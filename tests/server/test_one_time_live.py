"""A one-time token over the wire: for one session, however often its connect is sent, and whoever asks at once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.live import ADDRESS, live, new_session, with_key

ROUNDS = 10
RIVALS = 6


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with live(with_key(tmp_path_factory.mktemp("one-time") / "authgate"), 2) as server:
        yield server


def others(server, token):
    """What all workers answer to other sessions that show it."""
    return server.everywhere(lambda line: server.connect(token, line=line))


def test_for_one_session(server):
    token, session = server.token(once=True), new_session()
    assert server.connect(token, session) == 200
    # The media server sends a connect again whose answer it has not had, to whoever takes it.
    assert server.everywhere(lambda line: server.connect(token, session, line)) == {200}
    assert others(server, token) == {403}
    established = {"sessionId": session, "status": "ESTABLISHED"}
    assert server.everywhere(lambda line: server.ask("ConnectionStatusEvent", line, **established)) == {200}
    assert others(server, token) == {403}
    assert server.many(lambda: server.connect(token)) == {403}
    assert server.everywhere(lambda line: server.publish(session, line)) == {200}
    assert server.ask("ConnectionStatusEvent", sessionId=session, status="DISCONNECTED") == 200
    assert others(server, token) == {403}
    assert server.everywhere(lambda line: server.publish(session, line)) == {403}


def test_of_another_node(server):
    """Two media servers may give the same sessionId."""
    token, session = server.token(once=True), new_session()
    assert server.connect(token, session) == 200
    assert server.everywhere(lambda line: server.connect(token, session, line, nodeId="m")) == {403}


def test_asked_about_it_is_not_used(server):
    token = server.token(once=True)
    for _ in range(2):
        assert json.loads(server.run("token", "check", "--json", token))["once"] is True
    assert server.connect(token) == 200
    assert server.tried("token", "check", token).returncode == 1


def test_refused_for_another_reason_it_is_not_used(server):
    token = server.token(once=True, app_keys=("defaultApp",))
    assert server.connect(token, appKey="another") == 403
    assert server.connect(token) == 200


def test_for_one_player_of_an_address(server):
    token = server.token(once=True)
    one, two = ({"sessionId": f"/{ADDRESS}:{port}/192.0.2.10:8445"} for port in (5643, 5644))
    for player in (one, two):
        player |= {"name": "cam", "mediaSessionId": f"{player['sessionId']}-HLS", "custom": {"token": token}}
    assert server.everywhere(lambda line: server.ask("playHLS", line, **one)) == {200}
    assert server.everywhere(lambda line: server.ask("playHLS", line, **two)) == {403}
    assert server.everywhere(lambda line: server.ask("playHLS", line, **one)) == {200}
    assert others(server, token) == {403}


def test_stream_key_for_one_session(server):
    token = server.run("streamkey", "add", "ann", "cam", "--once")
    session = server.opened(token)
    assert others(server, token) == {403}
    assert server.everywhere(lambda line: server.publish(session, line)) == {200}


def test_asked_for_at_once(server):
    """Of many sessions that show it at once, at two workers, one is let in."""
    one_of_many_is_let_in(server)


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
def test_asked_for_at_once_where_the_store_is_a_server(store_url, tmp_path):
    with live(with_key(tmp_path / "authgate", store_url=store_url), 2) as server:
        one_of_many_is_let_in(server)


def one_of_many_is_let_in(server):
    tokens = [each.text.reveal() for each in server.issue_many(ROUNDS, once=True)]
    with ThreadPoolExecutor(RIVALS) as pool:
        for token in tokens:
            begin = threading.Barrier(RIVALS)

            def ask(number, token=token, begin=begin):
                # The first two have the lines that are there, one to each worker; who takes the rest is open.
                line = server.lines[number] if number < len(server.lines) else None
                begin.wait()
                return server.connect(token, line=line)

            answers = list(pool.map(ask, range(RIVALS)))
            assert sorted(answers) == [200] + [403] * (RIVALS - 1)
