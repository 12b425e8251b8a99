import json

import pytest

from authgate.hooks import reply
from authgate.hooks.methods import METHODS
from authgate.hooks.parse import parse
from authgate.model import Delivery, Kind

CONFIGURABLE = [each for each in METHODS.values() if each.kind is not Kind.CONNECT]


def configs(refused=(), secret_fields=("custom",)):
    return reply.method_configs({each.name: each.name in refused for each in CONFIGURABLE}, secret_fields)


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


LET_IN = {
    "as received": b'{"appKey":"a","sessionId":"s","createDate":1700000000000}',
    "pretty printed": b'{\n "appKey" : "a",\n "sessionId" : "s"\n}\n',
    "with a config already": b'{"restClientConfig":{"call":1},"appKey":"a","sessionId":"s"}',
    "with a config of null": b'{"appKey":"a","restClientConfig": null ,"sessionId":"s"}',
}


@pytest.mark.parametrize("body", LET_IN.values(), ids=LET_IN)
def test_let_in(body):
    answer = reply.let_in(parse(Delivery("connect", body)), b'{"x":{}}')
    assert answer.status == 200
    assert json.loads(answer.body) == json.loads(body) | {"restClientConfig": {"x": {}}}


def test_unchanged_is_the_very_bytes():
    body = b'{"appKey" : "a","x":1e2,"y":0.10,"sdp":"v=0\\r\\n\\/"} \n'
    assert reply.unchanged(parse(Delivery("playStream", body))).body is body


def test_a_refusal_has_two_keys_and_tells_nothing():
    assert json.loads(reply.REFUSED.body) == {"status": 403, "reason": "Access denied"}
