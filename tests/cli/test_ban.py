"""``authgate ban`` and ``authgate user unlock``."""

import json
import time

import pytest

from authgate.guessing import GuessingOptions

OPTIONS = GuessingOptions()


def listed(authgate):
    return [
        (each["kind"], each["user"], each["address"]) for each in json.loads(authgate("ban", "list", "--json").stdout)
    ]


@pytest.fixture
def lock(on_store):
    """Locks a user at an address, or one of them."""
    return lambda user, address: on_store(lambda store: store.blocks.lock(user, address, OPTIONS, time.time()))


BANS = {
    "an address": (["203.0.113.7"], "banned 203.0.113.7\n", ("ban", None, "203.0.113.7")),
    "a network": (["203.0.113.0/24"], "banned 203.0.113.0/24\n", ("ban", None, "203.0.113.0/24")),
    "a network of one": (["203.0.113.7/32"], "banned 203.0.113.7\n", ("ban", None, "203.0.113.7")),
    "IPv6": (["2001:DB8::1"], "banned 2001:db8::1\n", ("ban", None, "2001:db8::1")),
    "IPv4 in IPv6": (["::ffff:203.0.113.7"], "banned 203.0.113.7\n", ("ban", None, "203.0.113.7")),
    "everybody": (["0.0.0.0/0"], "banned 0.0.0.0/0\n", ("ban", None, "0.0.0.0/0")),
    "a user": (["--user", " ANN"], "banned user ann\n", ("ban", "ann", None)),
    "a user whom nobody knows": (["--user", "guest-1"], "banned user guest-1\n", ("ban", "guest-1", None)),
}


@pytest.mark.parametrize(("arguments", "told", "row"), BANS.values(), ids=BANS)
def test_add_list_and_remove(authgate, arguments, told, row):
    assert authgate("ban", "add", *arguments).stdout == told
    assert listed(authgate) == [row]
    assert authgate("ban", "remove", *arguments).stdout == told.replace("banned", "ended the ban of")
    assert listed(authgate) == []
    assert "neither banned nor locked" in authgate("ban", "remove", *arguments, status=1).stderr


WRONG = {
    "nothing": ([], 2, "give an address or a network, or --user NAME"),
    "both": (["203.0.113.7", "--user", "ann"], 2, "give an address or a network, or --user NAME"),
    "a name in place of an address": (["ann"], 1, "is no address"),
    "bits after the prefix": (["203.0.113.7/24"], 1, "has bits set after its prefix"),
    "an empty name": (["--user", ""], 1, "name"),
    "a time that is none": (["203.0.113.7", "--for", "soon"], 2, "is no time"),
    "a note that hides": (["203.0.113.7", "--note", "a\x1b[2J"], 1, "a note has at most"),
    "a note that is too long": (["203.0.113.7", "--note", "a" * 191], 1, "a note has at most"),
}


@pytest.mark.parametrize(("arguments", "status", "fault"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_banned(authgate, arguments, status, fault):
    assert fault in authgate("ban", "add", *arguments, status=status).stderr
    assert listed(authgate) == []


def test_for_a_while_and_why(authgate):
    before = time.time()
    authgate("ban", "add", "203.0.113.7", "--for", "1h", "--note", "a flood")
    (found,) = json.loads(authgate("ban", "list", "--json").stdout)
    assert found["note"] == "a flood"
    assert found["made_at"] < found["until"]
    assert "a flood" in authgate("ban", "list").stdout
    authgate("ban", "add", "203.0.113.7")  # and now for good
    assert "for good" in authgate("ban", "list").stdout
    assert time.time() - before < 3600


def test_a_ban_that_is_over_is_not_shown(authgate):
    authgate("ban", "add", "203.0.113.7", "--for", "0")
    assert listed(authgate) == []


@pytest.fixture
def ann(authgate):
    authgate("user", "add", "ann", "--password-stdin", stdin="secret-1\n")


def test_locks_are_listed_and_shown(authgate, ann, lock):
    lock("ann", "203.0.113.7")
    lock("ann", "")
    lock("", "2001:db8::/64")
    assert listed(authgate) == [("lock", None, "2001:db8::/64"), ("lock", "ann", None), ("lock", "ann", "203.0.113.7")]
    shown = json.loads(authgate("user", "show", "ann", "--json").stdout)
    assert [each["address"] for each in shown["locked"]] == [None, "203.0.113.7"]
    assert shown["locked"][0]["until"] in authgate("user", "show", "ann").stdout


def test_unlock_ends_every_lock_of_the_user_and_no_other(authgate, ann, lock):
    for user, address in (("ann", "203.0.113.7"), ("ann", ""), ("bob", "203.0.113.7"), ("", "203.0.113.7")):
        lock(user, address)
    authgate("ban", "add", "--user", "ann")
    assert authgate("user", "unlock", "Ann").stdout == "unlocked ann\n"
    assert listed(authgate) == [("ban", "ann", None), ("lock", None, "203.0.113.7"), ("lock", "bob", "203.0.113.7")]
    assert authgate("user", "unlock", "ann").stdout == "ann was not locked; counts from 0\n"
    assert "there is no user 'nobody'" in authgate("user", "unlock", "nobody", status=1).stderr


def test_locks_of_names_that_nobody_has_are_not_listed_and_end_with_those_of_their_address(authgate, lock):
    lock("\n1a2b", "203.0.113.7")
    assert listed(authgate) == []
    ended = authgate("ban", "remove", "203.0.113.7").stdout
    assert ended == "ended the lock of a name that nobody has from 203.0.113.7\n"
    assert "is neither banned nor locked" in authgate("ban", "remove", "203.0.113.7", status=1).stderr


def test_a_user_of_a_source_whom_the_store_does_not_know_is_unlocked(authgate, path, lock):
    lock("kim", "203.0.113.7")
    lock("kim", "")
    assert "there is no user 'kim'" in authgate("user", "unlock", "kim", status=1).stderr
    query = 'query = "SELECT name, hash FROM people WHERE name = :name"'
    source = f'[[user_sources]]\nname = "website"\nurl = "sqlite:///website.db"\n{query}\n'
    path.write_text(f"{path.read_text()}\n{source}")
    assert authgate("user", "unlock", "Kim").stdout == "unlocked kim\n"
    assert listed(authgate) == []


def test_removing_an_address_ends_its_locks_too(authgate, lock):
    lock("ann", "2001:db8::/64")
    lock("", "2001:db8::/64")
    lock("ann", "")
    told = authgate("ban", "remove", "2001:db8::5").stdout
    assert told == "ended the lock of 2001:db8::/64\nended the lock of user ann from 2001:db8::/64\n"
    assert listed(authgate) == [("lock", "ann", None)]


def test_a_banned_user_is_shown_as_such(authgate, ann):
    authgate("ban", "add", "--user", "ann")
    assert json.loads(authgate("user", "show", "ann", "--json").stdout)["banned"] == "for good"
