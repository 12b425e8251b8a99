"""Two workers: what is guessed in parallel, who is banned, and who is let in again."""

import json
import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from authgate import admin
from authgate.guessing import neighbourhood
from tests import process
from tests.server.live import Line, live, new_session, prepare, within_a_second
from tests.server.running import PASSWORD
from tests.trouble import kept

CONNECTIONS = 200
GUESSING = "[guessing]\ndelay = 0\nanswer_after = 0.0\n[hashing]\nqueue = 1000\n"
PATIENT = "[server]\ndeadline = 15.0\nkeep_alive = 900\n"  # on a machine of others, too


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    names = [f"user{n}" for n in range(5)]
    config = prepare(tmp_path_factory.mktemp("guessing") / "authgate", GUESSING, **dict.fromkeys(names, PASSWORD))
    text = config.read_text()
    config.write_text(text.replace("[server]\n", PATIENT, 1) if "[server]\n" in text else f"{text}\n{PATIENT}")
    with live(config, 2, process.CHEAPEST) as one:
        yield one


def address():
    """One that no other test has used, of a range that is for documentation."""
    return f"2001:db8:{secrets.randbelow(1 << 16):x}:{secrets.randbelow(1 << 16):x}::1"


def connect(server, user, password, where, line=None):
    session = f"/[{where}]:5643/192.0.2.10:8443-{new_session()[-36:]}"
    return server.ask("connect", line, sessionId=session, custom={"login": user, "password": password})


def reasons(server, user):
    return Counter(each.reason for each in kept(server.server.store_url)[0] if each.user == user)


def test_the_answers_of_locked_and_wrong_are_the_same_bytes(server):
    here, answers = address(), set()
    for n in range(7):
        with_line = Line(server.url)
        body = {
            "nodeId": "n",
            "appKey": "defaultApp",
            "sessionId": f"/[{here}]:5643/192.0.2.10:8443",
            "custom": {"login": "user1", "password": f"wrong {n}"},
        }
        answers.add(json.dumps(with_line.post("/hooks/connect", body)))
        with_line.close()
    assert len(answers) == 1
    assert set(reasons(server, "user1")) == {"password_wrong", "guessing_locked"}


def test_unlocking_is_in_force_in_both_workers_within_a_second(server):
    here = address()
    for n in range(6):
        connect(server, "user2", f"wrong {n}", here)
    assert server.everywhere(lambda line: connect(server, "user2", PASSWORD, here, line)) == {403}
    ended = server.do(lambda _, store: admin.unlock(store, "user2"))
    assert [(each.user, each.address) for each in ended] == [("user2", neighbourhood(here))]
    within_a_second(lambda: server.everywhere(lambda line: connect(server, "user2", PASSWORD, here, line)) == {200})


def test_a_ban_is_in_force_in_both_workers_within_a_second(server):
    session = new_session()
    login = {"login": "user3", "password": PASSWORD}
    assert server.ask("connect", sessionId=session, custom=login) == 200
    assert server.everywhere(lambda line: server.publish(session, line)) == {200}
    server.do(lambda _, store: admin.ban(store, user="user3", seconds=3600))
    within_a_second(lambda: server.everywhere(lambda line: server.publish(session, line)) == {403})
    assert server.ask("connect", sessionId=new_session(), custom=login) == 403
    assert reasons(server, "user3")["banned"] >= 3
    server.do(lambda _, store: admin.lift(store, user="user3"))
    within_a_second(lambda: server.everywhere(lambda line: server.publish(session, line)) == {200})


def test_an_address_is_banned_whatever_it_brings(server):
    here = address()
    assert connect(server, "user4", PASSWORD, here) == 200
    server.do(lambda _, store: admin.ban(store, address=here))
    within_a_second(lambda: server.everywhere(lambda line: connect(server, "user4", PASSWORD, here, line)) == {403})
    assert connect(server, "user4", PASSWORD, address()) == 200


def test_guessing_in_parallel_from_200_connections_gets_no_more_tries_than_the_limit_says(server):
    """The last one: failed logins are answered as late as the crowd of this one was, and for minutes."""
    here = address()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        said = list(pool.map(lambda n: connect(server, "user0", f"wrong {n}", here), range(CONNECTIONS)))
    told = reasons(server, "user0")
    assert told["password_wrong"] == 5
    assert set(told) == {"password_wrong", "guessing_locked"}
    assert set(said) <= {403, 503}
    assert server.everywhere(lambda line: connect(server, "user0", PASSWORD, here, line)) == {403}
    assert server.everywhere(lambda line: connect(server, "user0", PASSWORD, address(), line)) == {200}
