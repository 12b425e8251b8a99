"""What changes in a source takes effect: at once for passwords, and in time for tokens and live sessions."""

import time

import jwt
import pytest

from authgate.admin import add_stream_key, generate_key, revoke_user, sign_address
from authgate.config import load
from authgate.errors import Refused
from authgate.issuance import Wanted
from tests.sources.world import configuration, hashed, running, source

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

OTHER = "another password"
ISSUED = '[[verifiers]]\ntype = "issued"\nmaster_keys = ["0123456789abcdef0123456789abcdef"]\n'
TOKENS = '[[verifiers]]\ntype = "token"\nkey = "0123456789abcdef0123456789abcdef"\n'
COLUMNS = {"enabled": "active", "disabled": "banned", "not_before": "since", "expires_at": "until", "grants": "may"}


@pytest.fixture
async def world(foreign, tmp_path):
    """Authgate whose sessions ask the source again for each hook, with ``ann`` in the source."""
    await foreign.person("ann", await hashed(), active="1")
    path = configuration(tmp_path, TOKENS, source(foreign.url, columns=COLUMNS, recheck=0))
    async with running(path) as world:
        yield world


async def token(world, user="ann", **wanted):
    return (await world.service.issuer.issue(Wanted(user, 3600, **wanted), time.time())).text.reveal()


CHANGES = {
    "disabled": ("active = '0'", "user_disabled"),
    "enabled no more": ("active = NULL", "user_disabled"),
    "banned": ("banned = '2026-01-01'", "user_disabled"),
    "expired": ("until = '2026-01-01T00:00Z'", "user_expired"),
    "not yet": ("since = '2999-01-01T00:00Z'", "user_not_yet_valid"),
    "no more to be understood": ("until = 'soon'", "user_disabled"),
    "of another name": ("login = 'bob'", "user_disabled"),
    "with grants that are none": ("may = 'shout:*'", "user_disabled"),
}


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES)
async def test_a_user_who_is_kept_out_by_its_source(world, foreign, change, reason):
    shown = await token(world)
    assert await world.connect("ann", session="by password") == "ok"
    assert await world.show(shown, "by token") == "ok"
    assert [await world.publish(each) for each in ("by password", "by token")] == ["ok", "ok"]
    await foreign.run(f"UPDATE people SET {change}")
    assert [await world.publish(each) for each in ("by password", "by token")] == [reason, reason]
    gone = change.startswith("login")
    unclear = "soon" in change or "shout" in change  # then nothing is known of its password either
    assert await world.connect("ann") == ("user_unknown" if gone else "password_wrong" if unclear else reason)
    assert await world.show(shown) == ("user_unknown" if gone else reason)


async def test_a_user_who_is_let_in_again_goes_on(world, foreign):
    assert await world.connect("ann", session="s") == "ok"
    await foreign.run("UPDATE people SET active = '0'")
    assert await world.publish("s") == "user_disabled"
    await foreign.run("UPDATE people SET active = '1'")
    assert await world.publish("s") == "ok"


async def test_another_password_ends_what_was_opened_with_the_one_before(world, foreign):
    shown = await token(world)
    assert await world.connect("ann", session="by password") == "ok"
    assert await world.show(shown, "by token") == "ok"
    await foreign.run("UPDATE people SET password = :hash", hash=await hashed(OTHER))
    assert [await world.publish(each) for each in ("by password", "by token")] == ["session_revoked"] * 2
    assert await world.connect("ann") == "password_wrong"
    assert await world.connect("ann", OTHER, "again") == "ok"
    assert await world.publish("again") == "ok"


async def test_a_token_does_not_tell_what_its_users_hash_is_drawn_to(world):
    said = jwt.decode(await token(world), options={"verify_signature": False})
    assert "authgate_gen" not in said


async def test_revoking_a_user_ends_its_sessions_and_tokens(world):
    shown = await token(world)
    assert await world.connect("ann", session="by password") == "ok"
    assert await world.show(shown, "by token") == "ok"
    assert not await revoke_user(world.store, "ann"), "it is not in the store"
    await world.store.watch.look()
    assert await world.publish("by password") == "session_revoked"
    assert await world.publish("by token") == "token_revoked"
    assert await world.show(shown) == "token_revoked"
    assert await world.connect("ann", session="again") == "ok"
    assert await world.publish("again") == "ok"


async def test_tokens_find_users_of_sources(world, foreign):
    foreign_token = await token(world)
    assert await world.show(foreign_token) == "ok"
    await foreign.run("DELETE FROM people")
    assert await world.show(foreign_token) == "user_unknown"


async def test_attack_a_user_of_the_store_does_not_inherit_the_sessions_of_one_of_a_source(world):
    assert await world.connect("ann", session="s") == "ok"
    await world.add("ann", OTHER)
    assert await world.publish("s") == "session_revoked"


async def test_a_session_of_a_source_that_is_taken_away_is_over(world, foreign, tmp_path):
    assert await world.connect("ann", session="s") == "ok"
    (tmp_path / "authgate.toml").rename(tmp_path / "before.toml")
    configuration(tmp_path, TOKENS)
    prepared = world.service.prepare(load(tmp_path / "authgate.toml", {}))
    await world.service.adopt(prepared).close()
    assert await world.publish("s") == "user_disabled"
    assert await world.connect("ann") == "user_unknown"


async def test_within_its_time_a_look_serves_sessions_and_tokens_and_never_passwords(foreign, tmp_path):
    await foreign.person("ann", await hashed(), active="1")
    path = configuration(tmp_path, TOKENS, source(foreign.url, columns=COLUMNS, recheck=3600))
    async with running(path) as world:
        shown = await token(world)
        assert await world.connect("ann", session="s") == "ok"
        await foreign.run("UPDATE people SET active = '0'")
        assert [await world.publish("s"), await world.show(shown)] == ["ok", "ok"]
        assert await world.connect("ann") == "user_disabled"
        assert [await world.publish("s"), await world.show(shown)] == ["user_disabled", "user_disabled"]


async def test_a_session_that_was_opened_after_another_worker_looked_goes_on_there(foreign, tmp_path):
    """Each worker remembers for itself."""
    await foreign.person("ann", await hashed(), active="1")
    path = configuration(tmp_path, TOKENS, source(foreign.url, columns=COLUMNS, recheck=3600))
    async with running(path) as one, running(path) as other:
        assert await one.connect("ann", session="s") == "ok"
        await foreign.run("UPDATE people SET password = :hash", hash=await hashed(OTHER))
        assert await other.connect("ann", OTHER, session="t") == "ok"
        assert await one.publish("t") == "ok", "though it remembers the password of before"
        assert await one.publish("s") == "session_revoked"


async def test_grants_change_in_time(foreign, tmp_path):
    await foreign.person("ann", await hashed(), may="publish:a")
    rules = '[policies]\ncall = "grant"\n'
    path = configuration(tmp_path, rules, source(foreign.url, columns={"grants": "may"}, recheck=0))
    async with running(path) as world:
        assert await world.connect("ann", session="s") == "ok"
        assert [await world.publish("s", name) for name in "ab"] == ["ok", "grant_missing"]
        await foreign.run("UPDATE people SET may = 'publish:b'")
        assert [await world.publish("s", name) for name in "ab"] == ["grant_missing", "ok"]


async def test_stream_keys_and_signed_addresses_are_for_users_of_sources_too(foreign, tmp_path):
    await foreign.person("ann", await hashed(), active="1")
    await foreign.person("eve", await hashed(), active="0")
    path = configuration(tmp_path, ISSUED, source(foreign.url, columns=COLUMNS, recheck=0))
    async with running(path) as world:
        verifier = next(each for each in world.service.config.verifiers if each.type == "issued")
        users = world.service.directory.users
        await generate_key(world.store, verifier, None)
        wanted = Wanted("ann", 60, streams=("cam",))
        key, row = await add_stream_key(world.store, verifier, wanted, "publish", users)
        address = await sign_address(world.store, verifier, wanted, time.time(), users)
        assert row.generation is None
        assert [await world.show(each) for each in (key, address)] == ["ok", "ok"]
        with pytest.raises(Refused, match=r"is disabled.*see user source old"):
            await add_stream_key(world.store, verifier, Wanted("eve", 60, streams=("cam",)), "publish", users)
        await foreign.run("UPDATE people SET active = '0'")
        assert [await world.show(each) for each in (key, address)] == ["user_disabled", "user_disabled"]
