"""Known attacks on users, passwords and sessions, over HTTP, on a whole authgate: a test for each, named after it."""

import json
import secrets
import time

import pytest

from tests.attacked import MALFORMED, PASSWORD, REFUSED, SETTINGS, body, servers
from tests.trouble import awaited, kept


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with servers(tmp_path_factory) as start:
        yield start


@pytest.fixture
def on_each(running, backend, databases):
    """Two workers on each database."""
    return running(backend, SETTINGS, "--workers", "2", store_url=databases.make(), ann=PASSWORD, émile=PASSWORD)


@pytest.fixture(scope="module")
def attacked(running):
    return running("attacked", SETTINGS, ann=PASSWORD)


def test_empty_user_table_lets_nobody_in(running):
    empty = running("empty", "", wait_for="/healthz")
    offers = [
        empty.good,
        {"token": empty.server.token("")},
        {"login": "ann", "password": PASSWORD},
        {"login": "", "password": ""},
        {"login": "admin", "password": "admin"},
        {},
    ]
    assert [empty.connect(f"s{n}", **offer) for n, offer in enumerate(offers)] == [403] * len(offers)
    assert empty.live() == {}
    assert empty.get("/readyz")[0] == 503
    empty.run("user", "add", "ann", "--no-password")
    awaited(lambda: empty.get("/readyz")[0] == 200)
    assert [empty.connect(**offer) for offer in offers] == [200] + [403] * (len(offers) - 1)


# Names and who they are: everywhere the same, whatever a database thinks of case, accents and spaces.
NAMES = {
    "as it is": ("ann", "ann"),
    "in capitals": ("ANN", "ann"),
    "with spaces around it": (" Ann ", "ann"),
    "in wide letters": ("\uff21\uff4e\uff4e", "ann"),
    "composed": ("\u00e9mile", "émile"),
    "decomposed": ("E\u0301mile", "émile"),
    "without its accent": ("emile", None),
    "with one too many": ("\u00e1nn", None),
    "a wildcard": ("a%", None),
    "another wildcard": ("an_", None),
    "a pattern": ("ann' OR '1'='1", None),
    "a comment": ("ann'--", None),
    "a backslash": ("ann\\", None),
    "a NUL at the end": ("ann\0", None),
    "a NUL alone": ("\0", None),
    "a NUL in the middle": ("a\0nn", None),
    "a line end": ("ann\n", None),
    "invisible": ("a\u200bnn", None),
    "written backwards": ("\u202ennA", None),
    "a private character": ("ann\ue000", None),
    "outside of the first plane": ("ann\U0001f44b", None),
    "too long": ("ann" * 100, None),
    "far too long": ("a" * 500_000, None),
    "a number": (1, None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("name", "user"), NAMES.values(), ids=NAMES)
def test_nul_in_a_user_name_is_no_database_error(on_each, name, user):
    session = secrets.token_hex(8)
    # First as the user of a token that was signed with the right key; jwt.encode would refuse some of them.
    token = on_each.server.token(sub=name) if isinstance(name, str) else on_each.server.token(sub=str(name))
    assert on_each.connect(session, token=token) == (200 if user else 403)
    assert on_each.live().get(session) == user
    if user or not isinstance(name, str) or "\0" in name:
        assert on_each.connect(session, login=name, password=PASSWORD) == (200 if user else 403)
        assert on_each.live().get(session) == user


@pytest.mark.parametrize("field", ["sessionId", "nodeId", "appKey"])
def test_nul_in_an_id_is_no_database_error(on_each, field):
    for method in ("connect", "playStream"):
        assert on_each.post(method, **{field: "a\0b", "custom": on_each.good}) == MALFORMED
    assert on_each.post("StreamStatusEvent", **{field: "a\0b"}) == (200, b"{}")


def test_nul_in_any_other_field_is_recorded(on_each):
    session = secrets.token_hex(8)
    fields = {"status": "\0", "name": "a\0b", "custom": on_each.good | {"x": "\0"}}
    for method in ("connect", "playStream", "StreamStatusEvent"):
        assert on_each.post(method, session, **fields)[0] == 200
    assert on_each.reasons(session) == ["ok"] * 3


def test_opening_and_closing_twice_and_at_once(on_each):
    """Two processes write to the same few sessions at the same time."""
    before = on_each.live()
    sessions = [secrets.token_hex(8) for _ in range(4)]
    hooks = [("connect", {"custom": on_each.good}), ("ConnectionStatusEvent", {"status": "DISCONNECTED"})] * 6
    calls = [(on_each.raw, method, body(session, **fields)) for method, fields in hooks for session in sessions]
    assert {status for status, _ in on_each.at_once(calls)} <= {200, 403}, "who is gone before it is in is not let in"
    for session in sessions:
        assert on_each.post("ConnectionStatusEvent", session, status="DISCONNECTED")[0] == 200
        assert on_each.post("playStream", session) == REFUSED
        assert len(on_each.reasons(session)) == 14
    assert on_each.live() == before


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_an_old_password_is_of_no_more_use_in_any_worker(on_each):
    name, new = f"user-{secrets.token_hex(4)}", "another-horse-of-the-test"
    on_each.run("user", "add", name, "--password-stdin", given=f"{PASSWORD}\n")
    assert {on_each.connect(login=name, password=PASSWORD) for _ in range(6)} == {200}
    on_each.run("user", "password", name, "--password-stdin", given=f"{new}\n")
    assert {on_each.connect(login=name, password=PASSWORD) for _ in range(6)} == {403}
    assert on_each.connect(login=name, password=new) == 200


BAD = {
    "forged token": {"token": "forged"},
    "empty token": {"token": ""},
    "token that is null, and a password that is not": {"token": None, "password": "x"},
    "token that is a number": {"token": 0},
    "token that is a list": {"token": []},
    "wrong password": {"login": "ann", "password": "wrong"},
    "empty password": {"login": "ann", "password": ""},
    "empty login and password": {"login": "", "password": ""},
    "login alone": {"login": "ann"},
    "password alone": {"password": PASSWORD},
    "unknown user": {"username": "nobody", "password": PASSWORD},
}


@pytest.mark.parametrize("custom", BAD.values(), ids=BAD)
def test_anonymous_never_a_fallback(attacked, custom):
    assert attacked.connect("bad", "open", **custom) == 403
    assert "bad" not in attacked.live()


def test_anonymous_is_nobody(attacked):
    assert attacked.connect("anonymous", "open") == 200
    assert attacked.connect("anonymous-elsewhere") == 403
    assert attacked.post("publishStream", "anonymous", appKey="open") == REFUSED
    assert attacked.reasons("anonymous")[0] == "session_anonymous"


def test_a_bad_token_is_never_tried_as_a_password_or_the_other_way(attacked):
    right = {"login": "ann", "password": PASSWORD}
    assert attacked.connect(**right) == 200
    assert attacked.connect(token="forged", **right) == 403
    assert attacked.connect(token=PASSWORD, login="ann") == 403
    assert attacked.connect(login="ann", password=attacked.good["token"]) == 403


TYPED = "a-password-typed-as-the-name"
TYPED_IN = {
    "login": {"custom": {"login": TYPED, "password": "x"}},
    "login, in capitals": {"custom": {"login": TYPED.upper(), "password": "x"}},
    "login alone": {"custom": {"login": TYPED}},
    "login beside a token": {"custom": {"login": TYPED, "token": "forged"}},
    "login of SIP": {"sipLogin": TYPED, "sipPassword": "x"},
    "login of SIP alone": {"sipLogin": TYPED},
    "login of RTMP": {"login": TYPED, "custom": {"login": "nobody", "password": "x"}},
    "login of SIP beside another": {"sipLogin": TYPED, "custom": {"login": "nobody", "password": "x"}},
}


@pytest.mark.parametrize("fields", TYPED_IN.values(), ids=TYPED_IN)
def test_a_password_typed_as_the_name_is_in_no_log_and_no_record(attacked, fields):
    session = secrets.token_hex(8)
    assert attacked.post("connect", session, **fields) == REFUSED
    awaited(lambda: session in attacked.log())
    assert TYPED not in attacked.log().lower()
    [record] = [each for each in kept(attacked.server.store_url)[0] if each.key.session == session]
    assert record.user is None
    assert TYPED not in repr(record).lower()


def test_the_name_of_a_user_who_mistyped_the_password_is_recorded(attacked):
    session = secrets.token_hex(8)
    assert attacked.post("connect", session, sipLogin=" Ann", sipPassword="x") == REFUSED
    [record] = [each for each in kept(attacked.server.store_url)[0] if each.key.session == session]
    assert (record.user, record.reason, json.loads(record.facts)["fields"]) == (
        "ann",
        "password_wrong",
        {"sipLogin": " Ann"},
    )


def test_the_media_server_s_own_token_is_no_credential(attacked):
    assert attacked.post("connect", authToken=attacked.good["token"]) == REFUSED
    assert attacked.raw("connect", body(), {"Authorization": f"Bearer {attacked.good['token']}"}) == REFUSED


@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER "])
def test_a_bearer_that_was_pasted_along(attacked, prefix):
    assert attacked.connect(token=prefix + attacked.good["token"]) == 200


WORDS = ["null", "undefined", "true", "0", "NaN", "__proto__", "constructor", "__class__", "defaultApp", "methods", "*"]


@pytest.mark.parametrize("word", [*WORDS, "' OR '1'='1", "%", "../../etc/passwd", "${jndi:ldap://x}", "{0.__class__}"])
def test_reserved_words_are_words(attacked, word):
    for field in ("sessionId", "appKey", "nodeId"):
        ids = {"sessionId": f"of {word}"} | {field: word}
        assert attacked.post("playStream", **ids) == REFUSED
        for offered in ({}, {"custom": {"login": word, "password": word}}):
            assert attacked.post("connect", **offered, **ids) == REFUSED
            for status in ("FAILED", "DISCONNECTED"):  # as the media server tells of whoever was refused
                assert attacked.post("ConnectionStatusEvent", status=status, **ids)[0] == 200
        time.sleep(0.002)  # of an end that is told in the millisecond of a connect nobody knows whose it is
        assert attacked.post("connect", custom=attacked.good, **ids)[0] == 200
        assert attacked.post("playStream", **ids)[0] == 200
        assert attacked.post("playStream", **ids, custom={"token": word}) == REFUSED
        assert attacked.post("ConnectionStatusEvent", status="DISCONNECTED", **ids)[0] == 200
        assert attacked.post("playStream", **ids) == REFUSED


def test_another_session_s_id_in_another_shape(attacked):
    assert attacked.connect("/192.0.2.1:1/a") == 403
    assert attacked.connect("/192.0.2.1:1/a", **attacked.good) == 200
    for other in ("/192.0.2.1:1/A", "/192.0.2.1:1/a ", " /192.0.2.1:1/a", "/192.0.2.1:1/a/", "/192.0.2.1:1/%61", ""):
        assert attacked.post("playStream", other)[0] in (400, 403), other
    assert attacked.post("playStream", "/192.0.2.1:1/a", nodeId="n2") == REFUSED
    assert attacked.post("playStream", "/192.0.2.1:1/a", nodeId=None) == REFUSED
    assert attacked.raw("playStream", rb'{"nodeId":"n","sessionId":"\/192.0.2.1:1\/\u0061"}')[0] == 200


def test_a_megabyte_password_burns_no_cpu(attacked):
    """None of these is hashed: if they were, there would not be room for all of them."""
    long = {"login": "ann", "password": PASSWORD + "x" * 500_000}
    calls = [(attacked.raw, "connect", body(f"long-{n}", custom=long)) for n in range(20)]
    assert attacked.at_once(calls) == [REFUSED] * 20
    assert attacked.reasons("long-0") == ["password_wrong"]


def test_empty_password(attacked):
    attacked.run("user", "add", "token-only", "--no-password")
    for login in ("ann", "token-only", "nobody", ""):
        for password in ("", " ", "\0", None):
            assert attacked.connect("empty", login=login, password=password) == 403
    for password in ("None", "null", "*", "!", "x", "token-only"):
        assert attacked.connect("empty", login="token-only", password=password) == 403
    assert attacked.connect("token-only", token=attacked.server.token("token-only")) == 200


def test_hashing_storm_leaves_events_and_health_alone(attacked):
    event = body("storm", status="PLAYING")
    health = [(attacked.get, "/healthz")] * 5
    events = [(attacked.raw, "StreamStatusEvent", event)] * 20
    tokens = [(attacked.raw, "connect", body(f"calm-{n}", custom=attacked.good)) for n in range(10)]
    wrong = [
        (attacked.raw, "connect", body(f"storm-{n}", custom={"login": "ann", "password": f"wrong-{n}"}))
        for n in range(60)
    ]
    answers = attacked.at_once([*wrong, *events, *tokens, *health])
    assert {status for status, _ in answers[:60]} == {403, 503}
    assert answers[60:80] == [(200, event)] * 20
    assert {status for status, _ in answers[80:90]} == {200}
    assert {status for status, _ in answers[90:]} == {200}
    assert not [session for session in attacked.live() if session.startswith("storm")]
    assert attacked.connect(login="ann", password=PASSWORD) == 200
