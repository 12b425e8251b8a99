"""``authgate record show``: a verdict of the past, and what the rules make of its hook today."""

import asyncio
import itertools
import json

import pytest

from authgate.config import load
from authgate.model import Delivery, Entry, Reason, Record, SessionKey
from authgate.wiring import build

NOW = 1_800_000_000
COUNT = itertools.count()
RULES = """
[[rules]]
name = "own"
methods = ["publishStream"]
names = ["cam*"]
policy = { type = "session" }
rewrites = [{ type = "put", field = "name", value = "int-{name}" }]
"""
OTHER = RULES.replace('{ type = "session" }', '{ type = "deny" }').replace(
    'rewrites = [{ type = "put", field = "name", value = "int-{name}" }]', ""
)


class Silent:
    def verdict(self, record, milliseconds):
        pass


@pytest.fixture
def gateway(path):
    """Answers hooks as the server would: ``gateway(("connect", {...}), ...)`` gives the records' ids."""

    def run(*hooks):
        async def inside():
            service = build(load(path, {}), Silent())
            async with service.running():
                until = asyncio.get_running_loop().time() + 30
                for method, fields in hooks:
                    body = {"nodeId": "n", "appKey": "app", "sessionId": "/1", **fields}
                    await service.gateway.answer(Delivery(method, json.dumps(body).encode()), until)
                found = await service.store.records.list()
                return [each.id for each in reversed(found)][-len(hooks) :]

        return asyncio.run(inside())

    return run


@pytest.fixture(autouse=True)
def _rules(authgate, path):
    path.write_text(path.read_text() + RULES)
    authgate("user", "add", "ann", "--no-password")


@pytest.fixture
def token(authgate):
    return authgate("token", "issue", "ann").stdout.strip()


def shown(authgate, id_, *more):
    return authgate("record", "show", id_, *more).stdout


def as_json(authgate, id_):
    return json.loads(shown(authgate, id_, "--json"))


def test_a_verdict_that_is_the_same_today(authgate, gateway, token):
    connect, publish = gateway(("connect", {"custom": {"token": token}}), ("publishStream", {"name": "cam-1"}))
    told = shown(authgate, publish)
    for line in (
        f"record        {publish}",
        "hook          publishStream (call)",
        "              name cam-1",
        "sent by       ann, by its session (verifier token)",
        "changed       name",
        "not kept      credentials, and all fields that are not named here",
        "verdict then  allowed by own",
        "rule          hit       own  (names: hit 'cam-1')",
        "                        policy session: ok",
        "verdict today allowed by own",
        '              name: "cam-1" -> "int-cam-1"',
        "so            the verdict is the same today",
    ):
        assert line in told.splitlines(), told
    assert token not in shown(authgate, connect) + shown(authgate, connect, "--json")
    assert as_json(authgate, publish)["same"] is True


def test_a_verdict_that_would_be_another_today(authgate, gateway, token, path):
    _, publish = gateway(("connect", {"custom": {"token": token}}), ("publishStream", {"name": "cam-1"}))
    path.write_text(path.read_text().replace(RULES, OTHER))
    told = shown(authgate, publish)
    assert "so            allowed by own then; today rejected: policy_denied by own" in told
    found = as_json(authgate, publish)
    assert (found["allowed"], found["reason"], found["same"]) == (True, "ok", False)
    assert (found["today"]["allowed"], found["today"]["reason"]) == (False, "policy_denied")


def test_a_rejected_verdict_that_would_be_allowed_today(authgate, gateway, token, path):
    path.write_text(path.read_text().replace(RULES, OTHER))
    hooks = [("connect", {"custom": {"token": token}}), ("publishStream", {"name": "cam", "custom": {"token": token}})]
    publish = gateway(*hooks)[1]
    path.write_text(path.read_text().replace(OTHER, RULES))
    told = shown(authgate, publish)
    # The rule denied whoever it was, so nobody was asked who it was.
    assert "sent by       nobody knows whom: no rule asked who it is" in told
    assert "verdict today it was not asked at the time who sent it" in told
    assert "so            what the verdict would be today cannot be told" in told
    assert as_json(authgate, publish)["same"] is None


@pytest.mark.parametrize("policy", ["authenticate", "allow_anonymous"])
def test_a_connect_that_brought_bad_credentials(authgate, gateway, path, policy):
    path.write_text(path.read_text() + f'\n[policies]\nconnect = "{policy}"\n')
    (connect,) = gateway(("connect", {"custom": {"token": "c4nary"}}))
    told = shown(authgate, connect)
    assert "verdict then  rejected: token_invalid" in told
    assert "so            the verdict is the same today" in told
    assert "c4nary" not in told


def test_a_connect_that_was_one_session_too_many(authgate, gateway, token):
    authgate("user", "set", "ann", "--max-sessions", "0")
    (connect,) = gateway(("connect", {"custom": {"token": token}}))
    told = shown(authgate, connect)
    assert "verdict then  rejected: sessions_exceeded by verifiers.token" in told
    assert "the rules had allowed it, but there were as many as there may be" in told
    assert as_json(authgate, connect)["same"] is False


@pytest.mark.parametrize("policy", ["authenticate", "allow_anonymous"])
def test_a_connect_that_was_allowed(authgate, gateway, path, token, policy):
    path.write_text(path.read_text() + f'\n[policies]\nconnect = "{policy}"\n')
    (connect,) = gateway(("connect", {"custom": {"token": token}}))
    assert as_json(authgate, connect)["same"] is True


def test_a_name_that_was_cut(authgate, gateway, token):
    hooks = [("connect", {"custom": {"token": token}}), ("publishStream", {"name": "cam-1?x=c4nary"})]
    told = shown(authgate, gateway(*hooks)[1])
    assert "not kept      the whole of name, credentials, and all fields that are not named here" in told
    assert "verdict today what the rules look at was not kept: name" in told
    assert "c4nary" not in told


def test_a_client_that_nobody_knows(authgate, gateway):
    (hold,) = gateway(("hold", {"callId": "c"}))
    told = shown(authgate, hold)
    assert "sent by       nobody who is known: session_unknown" in told
    assert "              about c" in told


def test_an_event(authgate, gateway):
    (event,) = gateway(("StreamStatusEvent", {"name": "cam", "status": "PUBLISHING"}))
    told = shown(authgate, event)
    assert "verdict then  allowed by policies.event" in told
    assert "so            the verdict is the same today" in told


def test_trouble_was_nobodys_verdict(authgate, on_store):
    id_ = f"{NOW * 1000:012x}{next(COUNT):014x}"
    record = Record(id_, NOW * 1000, SessionKey("n", "/1"), "app", "hold", None, False, Reason.STORE_UNAVAILABLE, "")
    on_store(lambda store: store.ledger.write(Entry(record)))
    told = shown(authgate, id_)
    assert "verdict then  rejected: store_unavailable" in told


def test_a_record_of_a_version_that_kept_no_facts(authgate, on_store):
    id_ = f"{NOW * 1000:012x}{next(COUNT):014x}"
    record = Record(
        id_,
        NOW * 1000,
        SessionKey("n", "/1"),
        "app",
        "publishStream",
        "ann",
        True,
        Reason.OK,
        "policies.call",
        "\x1b[2J",
        "cam\x1b",
    )
    on_store(lambda store: store.ledger.write(Entry(record)))
    told = shown(authgate, id_)
    assert "verdict today what the rules look at was not kept: name" in told
    assert r"              about cam\x1b" in told
    assert told.replace("\n", "").isprintable()


@pytest.mark.parametrize("id_", ["0" * 26, "x", "", "\x00", "'; --", "9" * 300])
def test_no_such_record(authgate, id_):
    result = authgate("record", "show", id_, status=1)
    assert result.stdout == ""
    assert result.stderr.startswith("error: there is no record ")
