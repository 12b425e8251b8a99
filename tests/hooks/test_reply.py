import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.hooks import reply
from authgate.hooks.fields import EVENTS_AFTER, FIXED
from authgate.hooks.methods import METHODS
from authgate.hooks.parse import parse
from authgate.model import Delivery, Kind

CONFIGURABLE = [each for each in METHODS.values() if each.kind is not Kind.CONNECT]


def configs(refused=(), secret_fields=("custom",), **guards):
    """The settings of each method; of some, what the rules can make of its hooks."""
    found = {each: reply.Guard(each in refused) for each in METHODS}
    return reply.method_configs(found | guards, secret_fields)


def test_every_method_has_all_five_settings():
    sent = json.loads(reply.rest_client_config(configs()))
    assert sent.keys() == {each.name for each in CONFIGURABLE} | {"sendDTMF", "sendBugReport"}
    five = {"clientExclude", "restExclude", "restOnError", "restPolicy", "restOverwrite"}
    assert all(settings.keys() == five for settings in sent.values())
    assert all(" " not in value for settings in sent.values() for value in settings.values())


def test_fail_is_asked_for_where_a_verdict_can_refuse_and_nowhere_else():
    sent = json.loads(reply.rest_client_config(configs(refused={"publishStream", "sendDtmf"})))
    failing = {name for name, settings in sent.items() if settings["restOnError"] == "FAIL"}
    assert failing == {"publishStream", "sendDtmf", "sendDTMF"}


@pytest.mark.parametrize("name", ["publishStream", "ConnectionStatusEvent", "RegistrationStatusEvent", "call"])
def test_credentials_stay_with_the_media_server(name):
    sent = configs(secret_fields=("custom", "sipLogin"))[name]
    assert {"custom", "sipLogin", "sipPassword", "sipDomain"} <= set(sent.client_exclude)
    assert len(sent.client_exclude) == len(set(sent.client_exclude))
    assert "authToken" not in sent.client_exclude, "the client needs it to resume its session"
    assert "sdp" in sent.rest_exclude


def test_overwrite_is_asked_for_where_an_answer_can_change_something_and_nowhere_else():
    sent = configs(publishStream=reply.Guard(False, ("name", "record")), sendDtmf=reply.Guard(False, ("dtmf",)))
    told = {name: each.rest_overwrite for name, each in sent.items() if each.rest_policy == "OVERWRITE"}
    assert told == {"publishStream": ("name", "record"), "sendDtmf": ("dtmf",), "sendDTMF": ("dtmf",)}
    assert {each.rest_overwrite for each in sent.values() if each.rest_policy == "NOTIFY"} == {()}


@pytest.mark.parametrize("name", ["connect", "publishStream", "playStream", "call", "OnCallEvent", "OnDataEvent"])
def test_what_is_hidden_is_hidden_in_the_hook_and_in_the_events_after_it(name):
    sent = configs(**{name: reply.Guard(False, ("secret",), ("secret",))})
    hiding = {each for each in sent if "secret" in sent[each].client_exclude}
    own = set() if name == "connect" else {name}
    assert hiding == own | set(EVENTS_AFTER[name])
    assert EVENTS_AFTER[name]


def test_a_field_that_an_answer_changes_is_sent():
    sent = configs(playStream=reply.Guard(True, ("sdp", "name"), ("name",)))["playStream"]
    assert sent.rest_exclude == ()
    assert sent.rest_overwrite == ("sdp", "name")


def test_no_list_has_an_empty_entry():
    sent = json.loads(reply.rest_client_config(configs(call=reply.Guard(True, ("callee",), ("callee",)))))
    for each in sent.values():
        assert all("" not in value.split(",") for value in each.values() if value)


def test_what_is_hidden_already_is_not_named_twice():
    sent = configs(call=reply.Guard(False, ("sipLogin",), ("sipLogin", "custom")))["call"]
    assert len(sent.client_exclude) == len(set(sent.client_exclude))


def test_digest_tells_one_configuration_from_another():
    plain, other = (reply.rest_client_config(configs(refused)) for refused in ((), ("call",)))
    assert reply.digest(plain) == reply.digest(bytes(plain)) != reply.digest(other)
    assert len(reply.digest(plain)) == 16


LET_IN = {
    "as received": b'{"appKey":"a","sessionId":"s","createDate":1700000000000}',
    "pretty printed": b'{\n "appKey" : "a",\n "sessionId" : "s"\n}\n',
    "with a config already": b'{"restClientConfig":{"call":1},"appKey":"a","sessionId":"s"}',
    "with a config of null": b'{"appKey":"a","restClientConfig": null ,"sessionId":"s"}',
}


@pytest.mark.parametrize("body", LET_IN.values(), ids=LET_IN)
def test_let_in(body):
    answer = reply.let_in(parse(Delivery("connect", body)), b'{"x":{}}', {})
    assert answer.status == 200
    assert json.loads(answer.body) == json.loads(body) | {"restClientConfig": {"x": {}}}


def test_unchanged_is_the_very_bytes():
    body = b'{"appKey" : "a","x":1e2,"y":0.10,"sdp":"v=0\\r\\n\\/"} \n'
    assert reply.unchanged(parse(Delivery("playStream", body))).body is body


def test_a_refusal_has_two_keys_and_tells_nothing():
    assert json.loads(reply.REFUSED.body) == {"status": 403, "reason": "Access denied"}


def test_let_in_with_changes():
    body = b'{"appKey":"a", "sessionId":"s","sipLogin" : "old","createDate":1700000000000}'
    answer = reply.let_in(parse(Delivery("connect", body)), b"{}", {"sipLogin": "1001", "sipPort": 5060})
    assert json.loads(answer.body) == json.loads(body) | {"sipLogin": "1001", "sipPort": 5060, "restClientConfig": {}}
    assert answer.body.startswith(b'{"appKey":"a", "sessionId":"s","sipLogin" : "1001",')


def test_changed_changes_nothing_else():
    body = b'{"name" : "cam","x":1e2,"y":0.10, "sdp":"v=0\\r\\n\\/"} \n'
    answer = reply.changed(parse(Delivery("publishStream", body)), {"name": 'int-"cam" \u00fc'})
    assert answer.status == 200
    assert answer.body == body.replace(b'"cam"', rb'"int-\"cam\" \u00fc"')


TEXT = st.text(max_size=8)
VALUE = st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT, max_size=2) | st.dictionaries(TEXT, TEXT)
NAME = (TEXT | st.sampled_from(["name", "callee", 'a"b', "\u00fc"])).filter(lambda name: name not in FIXED)
SPACES = st.sampled_from(["", " ", "\n  ", "\t\r\n"])


@st.composite
def bodies(draw):
    """A hook's body as any JSON writer might put it, in pieces, and the place of each member's value in them."""
    pieces, at = ['{"appKey":"a","sessionId":"s"'], {}
    for name in draw(st.lists(NAME, max_size=5, unique=True)):
        quoted = json.dumps(name, ensure_ascii=draw(st.booleans()))
        pieces.append(f",{draw(SPACES)}{quoted}{draw(SPACES)}:{draw(SPACES)}")
        at[name] = len(pieces)
        pieces.append(json.dumps(draw(VALUE), ensure_ascii=draw(st.booleans())))
    return [*pieces, draw(SPACES) + "}" + draw(SPACES)], at


@given(bodies(), st.lists(VALUE, min_size=1, max_size=3))
def test_a_change_touches_no_other_byte(made, values):
    pieces, at = made
    hook = parse(Delivery("call", "".join(pieces).encode()))
    changes = dict(zip(at, values, strict=False))
    for name, value in changes.items():
        pieces[at[name]] = json.dumps(value, separators=(",", ":"))
    assert reply.changed(hook, changes).body == "".join(pieces).encode()


@given(bodies(), st.dictionaries(NAME, VALUE, max_size=3))
def test_what_is_added_comes_after_every_other_byte(made, changes):
    pieces, at = made
    body = "".join(pieces).encode()
    added = {each: changes[each] for each in changes if each not in at}
    answer = reply.let_in(parse(Delivery("connect", body)), b'{"x":1}', added).body
    assert answer.startswith("".join(pieces[:-1]).encode() + b",")
    assert json.loads(answer) == json.loads(body) | added | {"restClientConfig": {"x": 1}}


HOSTILE = {
    "the name is in another member's text": (b'{"x":"\\"name\\":\\"cam\\"","name":"cam"}', b'"new"}'),
    "the name is deeper down": (b'{"custom":{"name":"cam","x":[{"name":1}]},"name":"cam"}', b'"new"}'),
    "the name is written with escapes": (b'{"\\u006e\\u0061me":"cam"}', b'"new"}'),
    "a megabyte of name": (b'{"custom":{},"name":"' + b"x" * 1_000_000 + b'"}', b'"new"}'),
    "braces in the name": (b'{"name":"}{\\"}"}', b'"new"}'),
}


@pytest.mark.parametrize(("body", "end"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_changed_where_it_must_be(body, end):
    answer = reply.changed(parse(Delivery("publishStream", body)), {"name": "new"}).body
    assert json.loads(answer) == json.loads(body) | {"name": "new"}
    assert answer.endswith(end)
    assert answer[: -len(end)] == body[: len(answer) - len(end)]


@pytest.mark.parametrize("value", ['","status":"x', "}", "\\", "\u2028", "\U0001f600", "\x7f", "</script>"], ids=ascii)
def test_a_value_cannot_leave_its_string(value):
    body = b'{"name":"cam","status":"NEW"}'
    answer = reply.changed(parse(Delivery("publishStream", body)), {"name": value}).body
    assert json.loads(answer) == {"name": value, "status": "NEW"}
    assert answer.isascii()


@pytest.mark.parametrize("text", ["Come back on Monday", 'with "quotes"', "Bitte w\u00e4hlen Sie"])
def test_a_refusal_in_words_of_its_own_has_two_keys(text):
    answer = reply.refused(text)
    assert (answer.status, json.loads(answer.body)) == (403, {"status": 403, "reason": text})
