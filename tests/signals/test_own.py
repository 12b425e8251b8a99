"""Our own deliveries are known again, and nothing that a client makes up."""

import uuid

import pytest

from authgate.signals import OwnOperations, Stamp, read, stamped
from authgate.signals.options import SignallingOptions
from authgate.signals.read import Asked

KEY = b"k" * 32
NOW = 1_700_000_000
OWN = OwnOperations(KEY, lambda: NOW)


def test_an_id_of_ours_is_known_in_every_process_and_new_each_time():
    made = {OWN.new() for _ in range(100)}
    assert len(made) == 100
    assert all(OwnOperations(KEY, lambda: NOW + 60).own(each) for each in made)
    assert all(str(uuid.UUID(each)) == each for each in made)


FORGED = {
    "nothing": "",
    "an id of the SDK": str(uuid.uuid4()),
    "an id of another secret": OwnOperations(b"x" * 32, lambda: NOW).new(),
    "one of ours with another end": OWN.new()[:-1] + "g",
    "one of ours in capitals": OWN.new().upper() + "A",
    "one of ours in braces": "{" + OWN.new() + "}",
    "one of ours with something behind it": OWN.new() + "\n",
    "one of ours from long ago": OwnOperations(KEY, lambda: NOW - 3600).new(),
    "one of ours from tomorrow": OwnOperations(KEY, lambda: NOW + 86_400).new(),
    "what is no ASCII": "é" * 36,
}


@pytest.mark.parametrize("operation", FORGED.values(), ids=FORGED)
def test_forged(operation):
    assert not OWN.own(operation)


def test_every_changed_digit_is_noticed():
    made = OWN.new()
    for at, digit in enumerate(made):
        if digit != "-":
            assert not OWN.own(made[:at] + ("0" if digit != "0" else "1") + made[at + 1 :])


STAMP = Stamp("m1", NOW * 1000, "room", "lobby", "s" * 26, "ann")


def test_what_arrives_says_who_sent_it():
    assert stamped(STAMP, body={"from": "me"}) == {
        "from": {
            "user": "ann",
            "id": "s" * 26,
            "server": False,
            "room": "lobby",
            "sent_to": "room",
            "at": NOW * 1000,
            "message": "m1",
        },
        "body": {"from": "me"},
    }


def test_what_the_server_sends_is_nobodys_else():
    shown = stamped(Stamp("m1", 0, "user", "bob"), body=1)["from"]
    assert (shown["server"], shown["user"], shown["id"], shown["room"]) == (True, None, None, None)


@pytest.mark.parametrize("arrived", [stamped(STAMP, body={"join": "x"}), stamped(STAMP, event={"left": {}})])
def test_what_arrives_asks_for_nothing_where_it_comes_back(arrived):
    assert read(arrived, 100, SignallingOptions()) == Asked("nothing")
