"""Who may not go on is found and ordered to end: by what the judge says of each session, and by nothing else."""

import time
from dataclasses import replace

import pytest

from authgate.errors import SourceError
from authgate.guessing import Block, GuessingOptions
from authgate.issuance import Revocation
from authgate.model import Issued, Principal, Session, User
from authgate.sessions import SessionOptions
from authgate.wcs import WcsNodes

from .conftest import ANN, NOW

STORED = Principal("ann", "passwords", stored_user=True, generation=7)
USER = User("ann", "Ann", generation=7)
TOKEN = Principal(
    "ann", "token", token_id="jti-1", issued=Issued("ann", "jti-1", "https://id.example.com", "kid-1", NOW - 5)
)


async def change(world, **fields):
    await world.store.users.change("ann", fields)


CHANGES = {
    "disabled": ({"enabled": False}, "user_disabled"),
    "another password": ({"hash": "another"}, "session_revoked"),
    "expired": ({"expires_at": int(NOW)}, "user_expired"),
    "not valid yet": ({"not_before": int(NOW) + 9}, "user_not_yet_valid"),
    "other grants": ({"grants": ("play:*",)}, None),
    "other notes": ({"notes": "x"}, None),
    "still valid": ({"expires_at": int(NOW) + 9}, None),
}


@pytest.mark.parametrize(("fields", "reason"), CHANGES.values(), ids=CHANGES)
async def test_a_user_that_was_changed(world, fields, reason):
    await world.store.users.add(USER)
    await world.opened("a", client=STORED)
    await world.opened("b", client=replace(STORED, user="bob", stored_user=False, generation=None))
    await world.watcher.look()
    assert await world.ending() == {}
    await change(world, **fields)
    await world.watcher.look()
    assert await world.ending() == ({"a": reason} if reason else {})
    assert world.ordered == bool(reason)
    await world.watcher.look()
    assert world.tally["live_sessions_to_end"] == bool(reason)


async def test_a_user_that_was_deleted(world):
    await world.store.users.add(USER)
    await world.opened("a", client=STORED)
    await world.store.users.delete("ann")
    await world.watcher.look()
    assert await world.ending() == {"a": "user_disabled"}


async def test_a_token_that_has_expired_for_longer_than_the_grace(world):
    await world.opened("a", client=replace(ANN, expires_at=int(NOW) + 10))
    for seconds, found in ((39.5, {}), (1, {"a": "session_expired"})):
        world.later(seconds)
        await world.watcher.look()
        assert await world.ending() == found


async def test_a_token_that_may_be_outlived(world):
    world.options = SessionOptions(insecure_outlive_token=True)
    await world.opened("a", client=replace(ANN, expires_at=int(NOW) + 10))
    world.later(10_000)
    await world.watcher.look()
    await world.watcher.walk()
    assert await world.ending() == {}


async def test_whoever_is_at_a_node_that_cannot_be_told_is_left_to_its_hooks(world):
    await world.store.users.add(replace(USER, enabled=False, max_sessions=0))
    await world.opened("a", client=STORED, node="elsewhere")
    await world.opened("b", client=TOKEN, node="elsewhere")
    world.bans.users.add("ann")
    await world.watcher.look()
    await world.watcher.walk()
    await world.nodes.close()
    world.nodes = WcsNodes([])
    await world.watcher.look()
    await world.watcher.walk()
    assert await world.ending() == {}


async def test_an_end_may_be_put_off(world):
    world.options = SessionOptions(end_after=20)
    await world.store.users.add(replace(USER, enabled=False))
    await world.opened("a", client=STORED)
    await world.watcher.look()
    assert await world.store.sessions.to_end(int((NOW + 19) * 1000), 10) == []
    assert len(await world.store.sessions.to_end(int((NOW + 20) * 1000), 10)) == 1


async def test_a_limit_that_was_lowered_ends_the_newest(world):
    await world.store.users.add(replace(USER, max_sessions=4))
    for each in "abcd":
        world.later(1)
        await world.opened(each, client=STORED)
    await world.watcher.look()
    assert await world.ending() == {}
    await change(world, max_sessions=2)
    await world.watcher.look()
    assert await world.ending() == dict.fromkeys("cd", "sessions_exceeded")
    await world.watcher.look()
    assert world.tally["live_sessions_to_end"] == 2


async def test_a_thousand_sessions_of_one_user_are_found_in_one_look(world):
    await world.store.users.add(USER)
    for start in (0, 600):
        await world.opened(*(f"s{number}" for number in range(start, start + 600)), client=STORED)
    await change(world, enabled=False)
    await world.watcher.look()
    assert world.tally["live_sessions_to_end"] == 1200
    assert await world.store.upkeep.suspects(["n1"], int(NOW * 1000), 30, 10) == []


REVOCATIONS = {
    "the token": (Revocation("jti", "jti-1"), True),
    "another token": (Revocation("jti", "jti-2"), False),
    "all of the user until then": (Revocation("user", "ann", before=int(NOW * 1000)), True),
    "all of the user before": (Revocation("user", "ann", before=int(NOW * 1000) - 60_000), False),
    "all of the issuer": (Revocation("issuer", "https://id.example.com"), True),
    "all of the key": (Revocation("key", "kid-1"), True),
}


@pytest.mark.parametrize(("revocation", "falls"), REVOCATIONS.values(), ids=REVOCATIONS)
async def test_what_was_revoked(world, revocation, falls):
    await world.opened("a", client=TOKEN)
    await world.opened("b", client=ANN)
    await world.watcher.walk()
    assert await world.ending() == {}
    await world.store.revocations.add(revocation)
    await world.store.watch.look()
    await world.watcher.walk()
    assert await world.ending() == ({"a": "token_revoked"} if falls else {})


async def test_whoever_is_banned(world):
    await world.opened("/203.0.113.7:52791/192.0.2.10:8443", "/203.0.113.8:52791/192.0.2.10:8443", "x")
    await world.opened("bobs", client=Principal("bob"))
    await world.opened("/203.0.113.7:1/192.0.2.10:8443", client=None)
    world.bans.users.add("bob")
    world.bans.addresses.add("203.0.113.7")
    await world.watcher.walk()
    assert await world.ending() == dict.fromkeys(
        ("/203.0.113.7:1/192.0.2.10:8443", "/203.0.113.7:52791/192.0.2.10:8443", "bobs"), "banned"
    )


async def test_nobody_is_walked_over_without_a_reason(world):
    await world.store.watch.look()
    await world.watcher.walk()
    await world.opened("bobs", client=Principal("bob"))
    world.bans.users.add("bob")
    await world.watcher.walk()
    assert await world.ending() == {}
    now = int(time.time() * 1000)
    await world.store.blocks.lock("eve", "", GuessingOptions(), time.time())
    await world.store.watch.look()
    await world.watcher.walk()
    assert await world.ending() == {}  # of locks there may be many, and they end no session
    await world.store.blocks.ban(Block("ban", "eve", "", now, None))
    await world.store.watch.look()
    await world.watcher.walk()
    assert await world.ending() == {"bobs": "banned"}


async def test_more_than_a_page_is_walked_over(world):
    await world.opened(*(f"s{number:04}" for number in range(600)), client=TOKEN)
    await world.opened(*(f"t{number:04}" for number in range(600)))
    await world.store.revocations.add(Revocation("jti", "jti-1"))
    await world.store.watch.look()
    await world.watcher.walk()
    assert world.tally["live_sessions_to_end"] == 600


async def test_a_user_of_another_source_is_asked_for_there(world):
    client = Principal("eve", "passwords", stored_user=True, generation=-5)
    await world.opened("a", "b", client=client)
    gone = "a"

    async def as_of_now(session: Session) -> Session:
        if session.key.session == "b":
            raise SourceError("the website is away")
        return replace(session, user_enabled=session.key.session != gone, user_generation=-5)

    world.as_of_now = as_of_now
    await world.watcher.look()
    assert await world.ending() == {}
    await world.watcher.walk()
    assert await world.ending() == {"a": "user_disabled"}  # and nobody, because a source is away


async def test_an_anonymous_session_goes_on(world):
    await world.opened("a", client=None)
    world.later(1_000_000)
    await world.watcher.look()
    await world.watcher.walk()
    assert await world.ending() == {}
