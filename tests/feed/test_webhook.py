"""What a webhook may be configured as, and how a message to it is signed."""

import json

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from authgate.feed.event import Event, Note
from authgate.feed.webhook import WebhookOptions, body_of, check, headers_of, message_id, new_secret
from authgate.model import Secret
from tests.feed.made import a_record
from tests.feed.receiver import SECRET

URL = "https://hooks.example.com/authgate"
OTHER = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="
EVENT = Event(7, a_record(subject="cäm"))


def options(**changes):
    url = Secret(changes.pop("url", URL))
    return WebhookOptions(**{"name": "crm", "url": url, "secrets": (Secret(SECRET),), **changes})


GOOD = {
    "as it should be": {},
    "on this machine": {"url": "http://127.0.0.1:9000/hook"},
    "on this machine by IPv6": {"url": "http://[::1]:9000/hook"},
    "on this machine by name": {"url": "http://localhost:9000/hook"},
    "in clear on purpose": {"url": "http://192.0.2.7/hook", "insecure_http": True},
    "two secrets": {"secrets": (Secret(SECRET), Secret(OTHER))},
    "a secret with a newline from its file": {"secrets": (Secret(f"{SECRET}\n"),)},
    "with a query": {"url": f"{URL}?token=x"},
}
BAD = {
    "in clear": ({"url": "http://192.0.2.7/hook"}, "url: is reached without TLS"),
    "in clear to a name that looks like this machine": ({"url": "http://localhost.example.com/"}, "url: is reached"),
    "no address": ({"url": "hooks.example.com"}, "url: must be an address"),
    "another scheme": ({"url": "ftp://hooks.example.com/"}, "url: must be an address"),
    "no host": ({"url": "https:///hook"}, "url: must be an address"),
    "a user": ({"url": "https://ann:pass@hooks.example.com/"}, "url: has a user or a fragment"),
    "a fragment": ({"url": f"{URL}#x"}, "url: has a user or a fragment"),
    "a line break": ({"url": "https://hooks.example.com/\r\nx: y"}, "url: must be an address"),
    "no name": ({"name": ""}, "name: is 1 to 64 letters"),
    "a name with a blank": ({"name": "my crm"}, "name: is 1 to 64 letters"),
    "a name without end": ({"name": "x" * 65}, "name: is 1 to 64 letters"),
    "no secret": ({"secrets": ()}, "secrets: is empty"),
    "a secret of another form": ({"secrets": (Secret("topsecret"),)}, "secrets: entry 0 does not begin with whsec_"),
    "a secret that is no base64": ({"secrets": (Secret("whsec_!!!!"),)}, "secrets: entry 0 is not base64"),
    "a short second one": ({"secrets": (Secret(SECRET), Secret("whsec_YWJj"))}, "secrets: entry 1 is not 24 to 64"),
    "an authority that is not there": ({"ca_file": "/nowhere/ca.pem"}, "ca_file: cannot be read"),
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD)
def test_good_options(changes):
    assert options(**changes).name == "crm"


@pytest.mark.parametrize(("changes", "fault"), BAD.values(), ids=BAD)
def test_bad_options(changes, fault):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its words are looked at below
        options(**changes)
    assert str(caught.value).startswith(fault)
    for secret in ("ann:pass", "topsecret", "whsec_YWJj", "token=x"):
        assert secret not in str(caught.value)


def test_nothing_shows_a_secret():
    made = options(url=f"{URL}?token=x")
    assert made.shown == f"{URL}?***"
    for secret in (SECRET, "token=x"):
        assert secret not in repr(made)


def test_two_of_one_name():
    assert [at for at, _ in check((options(), options(name="b"), options()))] == [2]


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_each_secret_has_signed(secret):
    import time

    body = body_of(EVENT)
    headers = headers_of(options(secrets=(Secret(SECRET), Secret(OTHER))), message_id(EVENT), body, time.time())
    assert Webhook(secret).verify(body, headers)["data"]["id"] == 7
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"allowed", b"refused"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, {**headers, "webhook-id": "evt_other"})


def test_the_vector_of_the_specification():
    """github.com/standard-webhooks/standard-webhooks, the tests of its libraries."""
    made = options(secrets=(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),))
    headers = headers_of(made, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330.9)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_message():
    assert json.loads(body_of(EVENT)) == {
        "type": "hook.allowed",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "data": json.loads(EVENT.json),
    }
    note = Note(7, "events.gap", text="why")
    assert json.loads(body_of(note)) == {"type": "events.gap", "timestamp": note.told["at"], "data": note.told}


def test_the_same_event_has_the_same_id_whoever_sends_it():
    assert message_id(EVENT) == message_id(Event(7, EVENT.record)) == f"evt_{EVENT.record.id}"
    assert message_id(Note(7, "events.gap")) == "note_7"
