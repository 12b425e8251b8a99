"""What a guess is counted under."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from authgate.guessing.counting import _delay, _item
from authgate.guessing.keys import Guess, Limit, Scope, _bucket, keys_of, neighbourhood, of_nobody
from authgate.guessing.options import GuessingOptions
from authgate.model import Secret
from authgate.store.tables import DIGEST_LENGTH

OPTIONS = GuessingOptions()
GUESS = Guess("ann", Secret("wrong"), True, "hash", "203.0.113.7", "app")


def keys(guess=GUESS, epoch=lambda _user, _address: 0, **options):
    return keys_of(guess, replace(OPTIONS, **options), epoch)


def ids(*arguments, **options):
    return {key.scope: key.id for key in keys(*arguments, **options)}


SCOPES = {
    "user, address and application": (GUESS, {}, "pair user app address"),
    "no address": (replace(GUESS, address=""), {}, "user app"),
    "an unknown user": (replace(GUESS, user="eve", exists=False), {}, "pair user app address"),
    "no possible user": (replace(GUESS, user="", exists=False), {}, "pair user app address"),
    "no limit of a pair": (
        GUESS,
        {"per_user_and_address": 0, "per_user_and_address_a_day": 0},
        "user app address",
    ),
    "no limit of a user": (GUESS, {"per_user": 0, "per_user_a_day": 0}, "pair app address"),
    "no limit of an address": (GUESS, {"per_address": 0, "per_address_a_day": 0}, "pair user app"),
    "a limit for a day alone": (GUESS, {"per_address": 0}, "pair user app address"),
    "no limit of an application": (GUESS, {"per_app": 0}, "pair user address"),
    "a proxy": (GUESS, {"shared_addresses": (ip_network("203.0.113.0/24"),)}, "pair user app"),
    "another proxy": (GUESS, {"shared_addresses": (ip_network("::/0"),)}, "pair user app address"),
}


@pytest.mark.parametrize(("guess", "options", "scopes"), SCOPES.values(), ids=SCOPES)
def test_scopes(guess, options, scopes):
    assert [key.scope.value for key in keys(guess, **options)] == scopes.split()


def test_limits():
    day = 86_400
    assert {key.scope.value: key.limits for key in keys(per_user=0)} == {
        "pair": (Limit(5, 300, locks=True), Limit(30, day)),
        "user": (Limit(100, day),),
        "app": (Limit(3000, 300),),
        "address": (Limit(100, 300, locks=True), Limit(1000, day)),
    }


# What differs -> the scopes that count it apart.
APART = {
    "another password": (replace(GUESS, password=Secret("other")), set()),
    "another hash": (replace(GUESS, stored=None), set()),
    "another user": (replace(GUESS, user="bob"), {"pair", "user"}),
    "another address": (replace(GUESS, address="203.0.113.8"), {"pair", "address"}),
    "another application": (replace(GUESS, app_key="other"), {"app"}),
    "an unknown user of the same name": (replace(GUESS, exists=False), {"pair", "user"}),
}


@pytest.mark.parametrize(("guess", "scopes"), APART.values(), ids=APART)
def test_counted_apart(guess, scopes):
    mine, others = ids(), ids(guess)
    assert {scope.value for scope in mine if mine[scope] != others[scope]} == scopes


NEIGHBOURS = {
    "one address": ("192.0.2.1", "192.0.2.1", True),
    "two addresses": ("192.0.2.1", "192.0.2.2", False),
    "one network of IPv6": ("2001:db8::1", "2001:db8::ffff:2", True),
    "another network of IPv6": ("2001:db8::1", "2001:db8:0:1::1", False),
}


@pytest.mark.parametrize(("one", "other", "same"), NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_neighbourhood(one, other, same):
    assert (neighbourhood(one) == neighbourhood(other)) is same
    assert (ids(replace(GUESS, address=one)) == ids(replace(GUESS, address=other))) is same


def test_a_password_that_was_typed_as_a_name_cannot_be_told_from_what_is_stored():
    """Names that nobody has share few counts: thousands of passwords lead to each."""
    names = [replace(GUESS, user=f"hunter{n}", exists=False) for n in range(3_000)]
    stored = {ids(each)[Scope.USER] for each in names}
    assert 2_500 < len(stored) < 3_000
    assert {key.user for each in names for key in keys(each)} == {"", *(_bucket(each.user) for each in names)}
    assert all(of_nobody(_bucket(each.user)) and len(_bucket(each.user)) == 5 for each in names)
    assert {key.shown for each in names for key in keys(each) if key.user} == {
        "a name that nobody has",
        f"a name that nobody has from {GUESS.address}",
    }


def test_every_count_has_room_in_the_store():
    longest = Limit(100_000, 7 * 86_400)
    assert len(_item(longest).key_for(keys()[0].id)) <= DIGEST_LENGTH
    assert len(_delay(7 * 86_400).key_for(keys()[0].id)) <= DIGEST_LENGTH


LOCKABLE = {
    "a user": (GUESS, {"pair", "user", "address"}),
    "an unknown one": (replace(GUESS, exists=False), {"pair", "user", "address"}),
    "one without an address": (replace(GUESS, address=""), {"user"}),
}


@pytest.mark.parametrize(("guess", "scopes"), LOCKABLE.values(), ids=LOCKABLE)
def test_lockable(guess, scopes):
    assert {key.scope.value for key in keys(guess) if key.lockable} == scopes


def test_counts_begin_anew_after_they_were_cleared():
    def epoch(user, _address):
        return 7 if user == "ann" else 0

    before, after = ids(), ids(epoch=epoch)
    assert {scope.value for scope in before if before[scope] != after[scope]} == {"pair", "user"}
