"""What an allowed hook is answered with in place of what it brought, and a rejected one in what words."""

import json

import pytest

from authgate.errors import StoreError
from authgate.hooks import reply
from authgate.model import Reason
from authgate.rules import PolicyOptions
from tests.fakes import FakeTargets
from tests.judge.made import LIVE, gateway_of, put, rule, verdict
from tests.test_gateway import BAD, TOKEN, body, build, send

CHANGES = {
    "put": ([rule("a", "session", methods="publishStream", rewrites=[put("name", "int-{name}")])], {"name": "int-cam"}),
    "one after the other": (
        [
            rule(
                "a",
                "session",
                methods="publishStream",
                rewrites=[put("name", "{user}-{name}"), put("name", "x/{name}")],
            )
        ],
        {"name": "x/ann-cam"},
    ),
    "not by a rule that does not match": (
        [rule("a", "session", methods="publishStream", names="else", rewrites=[put("name", "int-{name}")])],
        {},
    ),
    "not by a rule that only may match": (
        [rule("a", "session", methods="publishStream", names="cam*", rewrites=[put("name", "int-{name}")])],
        {"name": "int-cam"},
    ),
    "what a target changes, as far as it may": (
        [rule("a", {"type": "forward", "target": "yes", "overwrite": ("name",)}, methods="publishStream")],
        {"name": "changed"},
    ),
    "nothing that a target may not change": ([rule("a", {"type": "forward", "target": "yes"})], {}),
}


@pytest.mark.parametrize(("rules", "changes"), CHANGES.values(), ids=CHANGES)
async def test_what_is_changed(rules, changes):
    sent = body(**LIVE, name="cam", width=1)
    reason, _, answer = await verdict(gateway_of(rules), "publishStream", sent)
    assert reason is Reason.OK
    assert json.loads(answer.body) == json.loads(sent) | changes


async def test_a_name_that_may_be_read_otherwise_is_not_rewritten():
    rules = [rule("a", "session", methods="publishStream", names="cam*", rewrites=[put("name", "int-{name}")])]
    sent = body(**LIVE, name="c%61m")
    reason, name, answer = await verdict(gateway_of(rules), "publishStream", sent)
    assert (reason, name, answer.body) == (Reason.OK, "policies.call", sent)


async def test_a_connect_is_changed_and_configured():
    rules = [rule("sip", "session", methods="connect", rewrites=[put("sipLogin", "{user}"), put("sipPort", 5060)])]
    _, name, answer = await verdict(gateway_of(rules), "connect", body(**TOKEN))
    told = json.loads(answer.body)
    assert (name, told["sipLogin"], told["sipPort"]) == ("sip", "ann", 5060)
    assert told["restClientConfig"] == {"x": {}}


async def test_a_deny_says_why_in_its_own_words():
    gateway = gateway_of([rule("a", {"type": "deny", "reason": "Come back on Monday"})])
    _, _, answer = await verdict(gateway, "publishStream", body(**LIVE))
    assert json.loads(answer.body) == {"status": 403, "reason": "Come back on Monday"}


async def test_another_rejection_keeps_the_usual_words():
    _, _, answer = await verdict(gateway_of([rule("a", "token")]), "publishStream", body(**LIVE))
    assert answer == reply.REFUSED


async def test_an_alias_that_cannot_be_looked_up_lets_nothing_out_unchanged():
    keep = {"type": "map", "field": "name", "store": "cams", "otherwise": "keep"}
    rules = [rule("a", "allow", methods="publishStream", rewrites=[keep, {"type": "drop", "field": "rtmpUrl"}])]
    gateway = build(PolicyOptions(call="allow"), {}, rules, aliases=Away())
    answer = await send(gateway, "publishStream", body(name="x", rtmpUrl="rtmp://192.168.0.1/"))
    assert answer == reply.UNAVAILABLE


class Away:
    async def find(self, table, name):
        raise StoreError("the store is away")


async def test_zero_is_not_false():
    answers = FakeTargets(yes={"record": False})
    rules = [rule("a", {"type": "forward", "target": "yes", "overwrite": ("record",)}, methods="publishStream")]
    gateway = build(PolicyOptions(), {}, rules, answers)
    answer = await send(gateway, "publishStream", body(**LIVE, record=0))
    assert json.loads(answer.body)["record"] is False


async def test_a_rewrite_asks_who_the_client_is_where_the_policy_does_not():
    rules = [rule("a", "allow", methods="publishStream", rewrites=[put("name", "{user}-{name}")])]
    _, _, answer = await verdict(gateway_of(rules), "publishStream", body(**LIVE, name="cam"))
    assert json.loads(answer.body)["name"] == "ann-cam"


async def test_a_wrong_token_is_not_let_past_a_rewrite_that_would_keep_the_name():
    keep = {"type": "map", "field": "name", "store": "cams", "key": "{user}", "otherwise": "keep"}
    rules = [rule("a", "allow", methods="publishStream", rewrites=[keep])]
    reason, name, _ = await verdict(gateway_of(rules), "publishStream", body(**LIVE, **BAD, name="cam"))
    assert (reason, name) == (Reason.TOKEN_INVALID, "a")
