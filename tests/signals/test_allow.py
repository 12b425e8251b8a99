"""Who may send what to whom, by the sections of a configuration."""

import pytest

from authgate.model import NO_AUTHORITY, Asks, Authority, Principal
from authgate.signals import NO_SIGNALS, Addressees, Asked, SignallingOptions, SignalOptions, Signals

SIGNALS = Signals(
    [
        SignalOptions("talk", apps=("chat",), join=("lobby", "team-*"), to=Addressees(rooms=("lobby",))),
        SignalOptions(
            "staff", ("chat",), groups=("staff",), join=("staff",), to=Addressees(app=True, streams=("cam-*",))
        ),
        SignalOptions("ann", users=("ann",), to=Addressees(users=("*",), sessions=True)),
    ],
    SignallingOptions(),
)
ANN, BOB = Principal("ann"), Principal("bob")
STAFF = Authority(groups=frozenset({"staff"}))

ALLOWED = {
    "anybody joins": ("chat", Asked("join", "room", "lobby"), BOB, NO_AUTHORITY),
    "an anonymous client joins": ("chat", Asked("join", "room", "team-1"), None, NO_AUTHORITY),
    "to a room": ("chat", Asked("send", "room", "lobby"), BOB, NO_AUTHORITY),
    "leaving": ("chat", Asked("leave", "room", "staff"), None, NO_AUTHORITY),
    "what asks for nothing": ("chat", Asked("nothing"), None, NO_AUTHORITY),
    "staff to everybody": ("chat", Asked("send", "app"), BOB, STAFF),
    "staff by its token": ("chat", Asked("send", "app"), Principal("bob", groups=frozenset({"staff"})), NO_AUTHORITY),
    "staff to a stream": ("chat", Asked("send", "stream", "cam-1"), BOB, STAFF),
    "one user in any application": ("other", Asked("send", "user", "bob"), ANN, NO_AUTHORITY),
    "one user to a session": ("other", Asked("send", "session", "x" * 26), ANN, NO_AUTHORITY),
}
REFUSED = {
    "another application": ("other", Asked("join", "room", "lobby"), BOB, NO_AUTHORITY),
    "a room that only staff joins": ("chat", Asked("join", "room", "staff"), BOB, NO_AUTHORITY),
    "a room that may be joined and not sent to": ("chat", Asked("send", "room", "team-1"), BOB, NO_AUTHORITY),
    "a room that may be read as another": ("chat", Asked("join", "room", "team-1/../staff"), BOB, NO_AUTHORITY),
    "everybody, of no staff": ("chat", Asked("send", "app"), BOB, NO_AUTHORITY),
    "everybody, anonymous": ("chat", Asked("send", "app"), None, NO_AUTHORITY),
    "everybody, of another application": ("other", Asked("send", "app"), BOB, STAFF),
    "another stream": ("chat", Asked("send", "stream", "secret"), BOB, STAFF),
    "a user, of another user": ("chat", Asked("send", "user", "ann"), BOB, STAFF),
    "a session, of another user": ("chat", Asked("send", "session", "x" * 26), BOB, STAFF),
    "a user, anonymous": ("chat", Asked("send", "user", "ann"), None, NO_AUTHORITY),
}
CASES = {name: (*row, True) for name, row in ALLOWED.items()} | {name: (*row, False) for name, row in REFUSED.items()}


@pytest.mark.parametrize(("app", "asked", "client", "authority", "allowed"), CASES.values(), ids=CASES)
def test_allow(app, asked, client, authority, allowed):
    assert SIGNALS.allow(asked, app, client, authority) is allowed


def test_by_default_nothing_is_delivered():
    assert not NO_SIGNALS.concern("chat")
    assert not NO_SIGNALS.allow(Asked("send", "app"), "chat", ANN, STAFF)
    assert not NO_SIGNALS.allow(Asked("join", "room", "lobby"), "chat", ANN, STAFF)


def test_groups_are_asked_for_where_a_section_names_some():
    assert SIGNALS.asks("chat") is Asks.AUTHORITY
    assert SIGNALS.asks("other") is Asks.CLIENT


FAULTS = {
    "nothing allowed": ({}, "to: neither it nor join"),
    "a pattern as an application": ({"apps": ("chat-*",), "join": ("a",)}, "apps: 'chat-*'"),
    "a group that nobody can be in": ({"groups": ("",), "join": ("a",)}, "groups: "),
    "a user pattern that is none": ({"users": ("",), "join": ("a",)}, "users: "),
    "a room pattern that is none": ({"join": ("a\\",)}, "join: "),
    "no name": ({"name": " ", "join": ("a",)}, "name: "),
}


@pytest.mark.parametrize(("given", "fault"), FAULTS.values(), ids=FAULTS)
def test_fault(given, fault):
    with pytest.raises(ValueError, match=fault.replace("*", r"\*")):
        SignalOptions(**({"name": "x"} | given))
