"""What the store takes over from a source, and that nobody lives on in it whom the source has let go."""

import asyncio
import time
from dataclasses import replace

import jwt
import pytest

from authgate.admin import add_group, delete_user, join, release, set_enabled, set_grants, set_password
from authgate.errors import Refused, StoreError
from authgate.explain import dry
from authgate.issuance import Wanted
from authgate.model import Authority, Credentials, Origin, Secret
from authgate.sources.mapping import version_of
from authgate.verifiers import password as passwords
from tests.sources.test_order import ordered
from tests.sources.world import PASSWORD, configuration, hashed, hashing, running, source

ONLY_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
OTHER = "another password"
KEY = "0123456789abcdef0123456789abcdef"
TOKENS = f'[[verifiers]]\ntype = "token"\nkey = "{KEY}"\n'
COLUMNS = {"enabled": "active", "display": "shown", "grants": "may", "groups": "teams", "expires_at": "until"}


@pytest.fixture
async def start(foreign, tmp_path):
    """Starts authgate with ``ann`` in the source; each start finds the store of the one before."""
    await foreign.person("Ann", await hashed(), active="1", shown="Ann of the Hills", may="play:*", teams="them")
    contexts = []

    async def begin(adopt, *sections, tokens="", **options):
        while contexts:
            await contexts.pop().__aexit__(None, None, None)
        options = {"query": BY_LOGIN, "columns": COLUMNS, "recheck": 0, "adopt": adopt, **options}
        text = source(foreign.url, **options) if adopt else ""
        context = running(configuration(tmp_path, TOKENS + tokens, *sections, text))
        world = await context.__aenter__()
        contexts.append(context)
        return world

    yield begin
    for context in contexts:
        await context.__aexit__(None, None, None)


BY_LOGIN = (
    "SELECT login AS name, password AS hash, active, shown, may, teams, until FROM people WHERE lower(login) = :name"
)


async def row(world, name="ann"):
    return await world.store.users.find(name)


async def settled():
    """Come back when hashes are renewed that were to be."""
    await asyncio.gather(*passwords._renewals)


async def token(world, user="ann"):
    return (await world.service.issuer.issue(Wanted(user, 3600), time.time())).text.reveal()


async def test_nobody_is_adopted_who_is_not_to_be(start):
    world = await start("no")
    assert await world.connect("ann") == "ok"
    await settled()
    assert await row(world) is None


@pytest.mark.parametrize("backend", ["sqlite", "postgresql", "mariadb"], indirect=True)
async def test_a_linked_user_has_a_row_without_a_password(start, foreign):
    world = await start("link")
    for password in ("wrong", ""):
        assert await world.connect("ann", password) == "password_wrong"
    assert await world.show("nonsense") == "token_invalid"
    assert await row(world) is None, "it has proven nothing yet"
    assert await world.connect("ann", session="s") == "ok"
    await settled()
    ann = await row(world)
    assert ann is not None
    assert (ann.display, ann.hash, ann.enabled, ann.grants) == ("Ann of the Hills", None, True, None)
    assert ann.origin is not None
    assert (ann.origin.source, ann.origin.known_as, ann.origin.linked) == ("old", "Ann", True)
    assert await world.publish("s") == "ok"
    assert await world.connect("ANN") == "ok"
    assert await row(world) == ann


GONE = {
    "disabled": ("UPDATE people SET active = '0'", "user_disabled"),
    "expired": ("UPDATE people SET until = '2026-01-01'", "user_expired"),
    "deleted": ("DELETE FROM people", "user_disabled"),
    "there twice": ("INSERT INTO people SELECT * FROM people", "user_disabled"),
    "renamed": ("UPDATE people SET login = 'eve'", "user_disabled"),
}


@pytest.mark.parametrize("users", ["required", "optional"])
@pytest.mark.parametrize(("change", "reason"), GONE.values(), ids=GONE)
@ONLY_SQLITE
async def test_attack_a_linked_user_does_not_live_on_when_the_source_lets_it_go(start, foreign, change, reason, users):
    world = await start("link", tokens=f'users = "{users}"\n')
    assert await world.connect("ann", session="s") == "ok"
    shown = await token(world)
    assert await world.show(shown, "t") == "ok"
    await foreign.run(change)
    assert await world.connect("ann") in (reason, "password_wrong")
    assert await world.show(shown) == reason
    assert [await world.publish("s"), await world.publish("t")] == [reason, reason]


@ONLY_SQLITE
async def test_attack_a_token_does_not_stand_for_a_deleted_user_because_users_are_optional(start, foreign):
    world = await start("link", tokens='users = "optional"\n')
    assert await world.connect("ann") == "ok"
    shown = jwt.encode({"sub": "ann", "exp": int(time.time()) + 60}, KEY)
    assert await world.show(shown) == "ok"
    await foreign.run("DELETE FROM people")
    assert await world.show(shown) == "user_disabled"


@ONLY_SQLITE
async def test_both_must_let_a_linked_user_in(start):
    world = await start("link")
    assert await world.connect("ann", session="s") == "ok"
    await set_enabled(world.store, "ann", enabled=False)
    assert await world.connect("ann") == "user_disabled"
    assert await world.publish("s") == "user_disabled"


@ONLY_SQLITE
async def test_both_say_what_a_linked_user_may_do(start):
    world = await start("link")
    assert await world.connect("ann") == "ok"
    await set_grants(world.store, "ann", ["publish:cam"])
    await add_group(world.store, "staff", ["message:*"])
    await join(world.store, "staff", ["ann"])
    found = await world.service.directory.authorities.of("ann")
    assert found == Authority(frozenset({"staff", "them"}), ("publish:cam", "message:*", "play:*"))


@pytest.mark.parametrize("backend", ["sqlite", "postgresql", "mariadb"], indirect=True)
async def test_another_password_in_the_source_cuts_a_linked_user_off(start, foreign):
    world = await start("link")
    assert await world.connect("ann", session="s") == "ok"
    shown = await token(world)
    assert await world.show(shown, "t") == "ok"
    await foreign.run("UPDATE people SET password = :hash", hash=await hashed(OTHER))
    assert await world.publish("s") == "session_revoked"
    assert await world.publish("t") == "session_revoked"
    assert await world.show(shown) == "token_revoked"
    assert await world.connect("ann") == "password_wrong"
    assert await world.connect("ann", OTHER, "u") == "ok"
    assert await world.publish("u") == "ok"
    assert await world.show(shown) == "token_revoked", "still, though the store knows the new password by now"
    assert await world.publish("s") == "session_revoked"
    fresh = await token(world)
    assert await world.show(fresh) == "ok"


@ONLY_SQLITE
async def test_a_worker_that_looked_before_does_not_refuse_what_came_after(start, foreign, tmp_path):
    world = await start("link", recheck=3600)
    async with running(tmp_path / "authgate.toml") as other:
        assert await world.connect("ann", session="s") == "ok"
        await foreign.run("UPDATE people SET password = :hash", hash=await hashed(OTHER))
        assert await other.connect("ann", OTHER, session="t") == "ok"
        assert await world.publish("t") == "ok"
        assert await world.show(await token(other)) == "ok"
        assert await world.publish("s") == "session_revoked"


@ONLY_SQLITE
async def test_many_first_logins_at_once_make_one_row(start):
    world = await start("link")
    sessions = [f"s{number}" for number in range(8)]
    assert set(await asyncio.gather(*(world.connect("ann", session=each) for each in sessions))) == {"ok"}
    assert set(await asyncio.gather(*(world.publish(each) for each in sessions))) == {"ok"}


@ONLY_SQLITE
async def test_a_name_that_the_store_has_is_not_adopted(start, caplog):
    world = await start("link", ordered("old", "store"))
    await world.add("ann", OTHER)
    before = await row(world)
    assert await world.connect("ann", session="s") == "ok"
    assert await row(world) == before
    assert "user ann of user source old is not adopted: the name is taken" in caplog.text
    assert await world.publish("s") == "ok"


@ONLY_SQLITE
async def test_attack_a_linked_user_of_a_source_that_was_taken_away_is_refused(start, caplog):
    world = await start("link")
    assert await world.connect("ann", session="s") == "ok"
    shown = await token(world)
    world = await start("")
    assert await world.connect("ann") == "password_wrong"
    assert await world.show(shown) == "user_disabled"
    assert await world.publish("s") == "user_disabled"
    assert "user ann is refused: user source old is not asked any more" in caplog.text


@ONLY_SQLITE
async def test_released_it_is_the_stores_own(start):
    world = await start("link")
    assert await world.connect("ann") == "ok"
    assert await world.store.adopted.counts() == {"old": 1}
    world = await start("")
    with pytest.raises(Refused, match="there is no user 'bob' that was adopted from user source 'old'"):
        await release(world.store, "old", "bob")
    assert await release(world.store, "old", "Ann") == 1
    assert await release(world.store, "old") == 0
    assert await world.connect("ann") == "password_wrong"
    with hashing() as hasher:
        await set_password(world.store, hasher, "ann", OTHER)
    assert await world.connect("ann", OTHER) == "ok"


@ONLY_SQLITE
async def test_a_password_here_would_be_of_no_use_to_a_linked_user(start):
    world = await start("link")
    assert await world.connect("ann") == "ok"
    told = "was adopted from user source 'old', and has the password of there"
    with hashing() as hasher, pytest.raises(Refused, match=told):
        await set_password(world.store, hasher, "ann", OTHER)
    assert await world.connect("ann") == "ok"


@ONLY_SQLITE
async def test_attack_who_is_deleted_here_and_not_there_begins_anew(start):
    world = await start("link")
    assert await world.connect("ann", session="s") == "ok"
    await set_grants(world.store, "ann", ["publish:*"])
    await delete_user(world.store, "ann")
    assert await world.publish("s") == "user_disabled"
    assert await world.connect("ann") == "ok"
    assert (await row(world)).grants is None


async def test_a_moved_user_has_a_modern_hash_and_is_the_stores_own(start, foreign):
    await foreign.run("UPDATE people SET password = :hash", hash=OLD_HASH)
    world = await start("move")
    assert await world.connect("ann", session="s") == "ok"
    await settled()
    ann = await row(world)
    assert ann is not None
    assert (ann.origin, ann.display) == (None, "Ann of the Hills")
    assert ann.hash.startswith("$argon2id$")
    assert await world.publish("s") == "ok", "its session goes on"
    await foreign.run("DELETE FROM people")
    assert await world.connect("ann") == "ok"
    assert await world.publish("s") == "ok"


OLD_HASH = "$2b$05$smXt9VKnykxjD1eedL1.buvYklUw78t8p0jnclot4Fhl2uCb4Qztm"


@ONLY_SQLITE
async def test_a_hash_that_is_good_enough_moves_as_it_is(start, foreign):
    stored = await hashed()
    await foreign.run("UPDATE people SET password = :hash", hash=stored)
    world = await start("move")
    assert await world.connect("ann") == "ok"
    await settled()
    assert (await row(world)).hash == stored


@ONLY_SQLITE
async def test_a_wrong_password_moves_nobody(start):
    world = await start("move")
    assert await world.connect("ann", "wrong") == "password_wrong"
    await settled()
    assert await row(world) is None


@ONLY_SQLITE
async def test_a_linked_user_moves_when_that_is_wanted(start):
    world = await start("link")
    assert await world.connect("ann", session="s") == "ok"
    world = await start("move")
    assert await world.publish("s") == "ok"
    assert await world.connect("ann") == "ok"
    await settled()
    ann = await row(world)
    assert (ann.origin, ann.hash is not None) == (None, True)


@ONLY_SQLITE
async def test_a_password_that_changed_meanwhile_is_not_taken_over(start):
    world = await start("link")
    assert await world.connect("ann") == "ok"
    adopted = world.store.adopted
    assert not await adopted.take_over("ann", "old", version_of("old", "another"), await hashed(OTHER))
    assert not await adopted.take_over("ann", "other", version_of("old", "another"), await hashed(OTHER))
    assert (await row(world)).origin is not None


@ONLY_SQLITE
async def test_a_move_that_fails_is_made_up_for_at_the_next_login(start, monkeypatch):
    world = await start("move")

    async def fail(*_):
        raise StoreError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(world.store.adopted, "take_over", fail)
        assert await world.connect("ann", session="s") == "ok"
        await settled()
    assert (await row(world)).origin is not None
    assert await world.publish("s") == "ok"
    assert await world.connect("ann") == "ok"
    await settled()
    assert (await row(world)).origin is None


@ONLY_SQLITE
async def test_trying_a_hook_adopts_nobody(start):
    world = await start("move")
    outside = dry(world.service.gateway.in_force.judge.outside)
    verifier = next(each for each in world.service.config.verifiers if each.type == "password")
    outcome = await verifier.verify(Credentials(login="ann", password=Secret(PASSWORD)), outside.means(1.0))
    assert outcome.user == "ann"
    await settled()
    assert await row(world) is None


TYPED = {"parameter": "typed", "query": BY_LOGIN.replace("lower(login)", "login")}


@ONLY_SQLITE
async def test_a_name_as_it_was_typed(start):
    world = await start("link", **TYPED)
    assert await world.connect("ann") == "user_unknown", "the table has it otherwise"
    assert await world.connect("Ann", session="s") == "ok"
    assert (await row(world)).origin.known_as == "Ann"
    assert await world.publish("s") == "ok", "nobody types anything there"
    assert await world.show(await token(world)) == "ok"
    assert await world.connect("ann") == "ok", "by now it is known what the table calls it"


@ONLY_SQLITE
async def test_attack_another_with_nearly_the_same_name_does_not_become_the_first(start, foreign):
    world = await start("link", **TYPED)
    await foreign.person("ANN", await hashed(OTHER), active="1")
    assert await world.connect("Ann") == "ok"
    assert await world.connect("ANN", OTHER) == "password_wrong"
    assert await world.connect("ANN") == "ok", "it is Ann's name, however it is typed"


@ONLY_SQLITE
async def test_a_row_is_of_the_source_and_the_name_that_it_was_made_for(start):
    world = await start("link")
    assert await world.connect("ann") == "ok"
    user = await world.service.directory.users.find("ann", "ann")
    for origin in (Origin("other", "Ann", user.origin.version), Origin("old", "ANN", user.origin.version)):
        assert await world.store.adopted.link(replace(user, origin=origin)) is None
        assert await world.store.adopted.relink("ann", origin) is None
    assert await world.store.adopted.link(replace(user, origin=None)) is None
    assert await world.store.adopted.link(replace(user, name="x" * 191)) is None
