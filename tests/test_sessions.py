import json

import pytest

from authgate.hooks.parse import parse
from authgate.model import Begin, Close, Decision, Delivery, Issued, Open, Over, Principal, Reason, Session, SessionKey
from authgate.sessions import SessionOptions, change, client_of

NOW = 1_700_000_000
KEY = SessionKey("n", "s")
ANN = Principal("ann", "token", ("play:*",), NOW + 60, "jti")
STORED = Principal("ann", stored_user=True, generation=7)
ONCE = Principal("ann", issued=Issued("ann", "t", once=True))
OPENED = Session(KEY, "app", NOW * 1000, ANN)


def hook(method, **fields):
    return parse(Delivery(method, json.dumps({"nodeId": "n", "sessionId": "s", "appKey": "app", **fields}).encode()))


ALLOWED, REJECTED = Decision(Reason.OK), Decision(Reason.TOKEN_EXPIRED)
CHANGES = {
    "connect allowed": (hook("connect"), ALLOWED, ANN, Open(OPENED)),
    "connect without credentials": (hook("connect"), ALLOWED, None, Open(Session(KEY, "app", NOW * 1000))),
    "connect rejected": (hook("connect"), REJECTED, None, Close(KEY, NOW * 1000, Over.REJECTED)),
    "established": (
        hook("ConnectionStatusEvent", status="ESTABLISHED"),
        ALLOWED,
        None,
        Begin("n\ns\n", NOW * 1000),
    ),
    "a stream begun": (
        hook("StreamStatusEvent", status="PUBLISHING", mediaSessionId="m", name="x"),
        ALLOWED,
        None,
        Begin("n\ns\nm", NOW * 1000),
    ),
    "a stream that plays": (
        hook("StreamStatusEvent", status="PLAYING", name="x"),
        ALLOWED,
        None,
        Begin("n\ns\nx", NOW * 1000),
    ),
    "a stream that waits": (hook("StreamStatusEvent", status="PENDING", mediaSessionId="m"), ALLOWED, None, None),
    "a stream that failed": (hook("StreamStatusEvent", status="FAILED", mediaSessionId="m"), ALLOWED, None, None),
    "a call begun": (
        hook("CallStatusEvent", status="ESTABLISHED", callId="c"),
        ALLOWED,
        None,
        Begin("n\ns\nc", NOW * 1000),
    ),
    "a call that rings": (hook("CallStatusEvent", status="RING", callId="c"), ALLOWED, None, None),
    "a player, by a token for once": (
        hook("playHLS", mediaSessionId="m"),
        ALLOWED,
        ONCE,
        Begin("n\n\nm", NOW * 1000),
    ),
    "a player, by another token": (hook("playHLS", mediaSessionId="m"), ALLOWED, ANN, None),
    "a player turned away": (hook("playHLS", mediaSessionId="m"), REJECTED, ONCE, None),
    "disconnected": (hook("ConnectionStatusEvent", status="DISCONNECTED"), ALLOWED, None, Close(KEY, NOW * 1000)),
    "failed": (hook("ConnectionStatusEvent", status="FAILED"), ALLOWED, None, Close(KEY, NOW * 1000, Over.FAILED)),
    "no session": (hook("ConnectionStatusEvent", status="FAILED", sessionId=None), ALLOWED, None, None),
    "status of another type": (hook("ConnectionStatusEvent", status=["FAILED"]), ALLOWED, None, None),
    "another event": (hook("StreamStatusEvent", status="FAILED"), ALLOWED, None, None),
    "a call": (hook("publishStream"), ALLOWED, ANN, None),
}


@pytest.mark.parametrize(("hook", "decision", "client", "expected"), CHANGES.values(), ids=CHANGES)
def test_change(hook, decision, client, expected):
    assert change(hook, decision, client, NOW * 1000) == expected


STRICT, LAX = SessionOptions(), SessionOptions(insecure_outlive_token=True)
CLIENTS = {
    "live": (OPENED, NOW, STRICT, ANN),
    "token expired, within grace": (OPENED, NOW + 60 + 29, STRICT, ANN),
    "without an expiry": (Session(KEY, "app", 0, Principal("ann")), NOW, STRICT, Principal("ann")),
    "token expired long ago, which may be": (OPENED, NOW + 9999, LAX, ANN),
    "token expired": (OPENED, NOW + 60 + 30, STRICT, Reason.SESSION_EXPIRED),
    "token expired, no grace": (OPENED, NOW + 60, SessionOptions(grace=0), Reason.SESSION_EXPIRED),
    "unknown": (None, NOW, STRICT, Reason.SESSION_UNKNOWN),
    "anonymous": (Session(KEY, "app", 0), NOW, STRICT, Reason.SESSION_ANONYMOUS),
    "user disabled": (Session(KEY, "app", 0, ANN, user_enabled=False), NOW, STRICT, Reason.USER_DISABLED),
    "of the same generation": (Session(KEY, "app", 0, STORED, user_generation=7), NOW, STRICT, STORED),
    "of a generation before": (Session(KEY, "app", 0, STORED, user_generation=8), NOW, STRICT, Reason.SESSION_REVOKED),
    "of a generation that is yet to come": (
        Session(KEY, "app", 0, STORED, user_generation=6),
        NOW,
        STRICT,
        Reason.SESSION_REVOKED,
    ),
    "of no generation, as of a time when there were none": (
        Session(KEY, "app", 0, Principal("ann", stored_user=True), user_generation=8),
        NOW,
        STRICT,
        Principal("ann", stored_user=True),
    ),
    "user expired": (Session(KEY, "app", 0, ANN, user_expires_at=NOW), NOW, STRICT, Reason.USER_EXPIRED),
    "user expired, whatever tokens may": (
        Session(KEY, "app", 0, ANN, user_expires_at=NOW - 1),
        NOW,
        LAX,
        Reason.USER_EXPIRED,
    ),
    "user about to expire": (Session(KEY, "app", 0, ANN, user_expires_at=NOW + 1), NOW + 0.9, STRICT, ANN),
    "user not yet let in": (
        Session(KEY, "app", 0, ANN, user_not_before=NOW + 1),
        NOW + 0.9,
        STRICT,
        Reason.USER_NOT_YET_VALID,
    ),
    "user let in from now on": (Session(KEY, "app", 0, ANN, user_not_before=NOW), NOW, STRICT, ANN),
    "user disabled and expired": (
        Session(KEY, "app", 0, ANN, user_enabled=False, user_expires_at=NOW),
        NOW,
        STRICT,
        Reason.USER_DISABLED,
    ),
    "user disabled, token expired": (
        Session(KEY, "app", 0, Principal("ann", expires_at=1), user_enabled=False),
        NOW,
        LAX,
        Reason.USER_DISABLED,
    ),
}


@pytest.mark.parametrize(("session", "now", "options", "expected"), CLIENTS.values(), ids=CLIENTS)
def test_client_of(session, now, options, expected):
    assert client_of(session, now, options) == expected


def test_negative_grace_is_refused():
    with pytest.raises(ValueError, match="grace"):
        SessionOptions(grace=-1)
