"""Who of several has a user: the first in the order, with its password, its grants and its word on the user."""

import asyncio

import pytest

from authgate.admin import add_group, join
from authgate.model import Authority
from tests.sources.shapes import SIMPLE
from tests.sources.world import Foreign, configuration, hashed, running, source

OURS, THEIRS = "the store's own", "the website's"
ONLY_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
COLUMNS = {"enabled": "active", "grants": "may", "groups": "teams"}


def ordered(*order):
    return f"[users]\norder = {list(order)!r}\n".replace("'", '"')


@pytest.fixture
async def both(foreign, tmp_path):
    """Starts authgate with an ``ann`` in the source and another in the store."""
    await foreign.person("ann", await hashed(THEIRS), active="1", may="play:theirs", teams="them")
    await foreign.person("bob", await hashed(THEIRS), active="1", may="play:theirs")
    running_ones = []

    async def start(*sections, **options):
        options = {"columns": COLUMNS, "recheck": 0, **options}
        path = configuration(tmp_path, *sections, source(foreign.url, **options))
        context = running(path)
        world = await context.__aenter__()
        running_ones.append(context)
        await world.add("ann", OURS, ("play:ours",))
        return world

    yield start
    for context in running_ones:
        await context.__aexit__(None, None, None)


async def authority(world, name):
    return await world.service.directory.authorities.of(name)


ORDERS = {
    "by default the store": ((), OURS, THEIRS, True),
    "the store": ((ordered("store", "old"),), OURS, THEIRS, True),
    "the source": ((ordered("old", "store"),), THEIRS, OURS, True),
    "the source instead of the store": ((ordered("old"),), THEIRS, OURS, False),
}


@pytest.mark.parametrize(("sections", "right", "wrong", "has_store"), ORDERS.values(), ids=ORDERS)
async def test_the_first_decides_and_nobody_after_it_is_asked(both, sections, right, wrong, has_store):
    world = await both(*sections)
    await world.add("carol", OURS)
    assert await world.connect("ann", right) == "ok"
    assert await world.connect("ann", wrong) == "password_wrong"
    assert await world.connect("bob", THEIRS) == "ok"
    assert await world.connect("carol", OURS) == ("ok" if has_store else "user_unknown")
    assert await world.connect("nobody", THEIRS) == "user_unknown"


@ONLY_SQLITE
async def test_attack_who_is_disabled_by_the_first_does_not_get_in_by_the_next(both, foreign):
    world = await both(ordered("old", "store"))
    await foreign.run("UPDATE people SET active = '0' WHERE login = 'ann'")
    assert await world.connect("ann", THEIRS) == "user_disabled"
    assert await world.connect("ann", OURS) == "password_wrong"


@ONLY_SQLITE
async def test_attack_who_is_ambiguous_in_the_first_does_not_get_in_by_the_next(both, foreign):
    world = await both(ordered("old", "store"))
    await foreign.person("ann", await hashed(THEIRS), active="1")
    assert {await world.connect("ann", each) for each in (THEIRS, OURS)} == {"password_wrong"}


@ONLY_SQLITE
async def test_what_a_user_may_do(both):
    world = await both(ordered("store", "old"))
    assert await authority(world, "ann") == Authority(frozenset(), ("play:ours",))
    assert await authority(world, "bob") == Authority(frozenset(), ("play:theirs",))
    await add_group(world.store, "staff", ("publish:*",))
    await join(world.store, "staff", ["bob", "guest"])
    assert await authority(world, "bob") == Authority(frozenset({"staff"}), ("publish:*", "play:theirs"))
    assert await authority(world, "guest") == Authority(frozenset({"staff"}), ("publish:*",)), (
        "who comes by token alone"
    )


@ONLY_SQLITE
async def test_attack_registering_under_the_name_of_a_user_of_the_store_brings_none_of_its_grants(both):
    world = await both(ordered("old", "store"))
    await add_group(world.store, "staff", ("publish:*",))
    await join(world.store, "staff", ["ann"])
    assert await authority(world, "ann") == Authority(frozenset({"them"}), ("play:theirs",))


@ONLY_SQLITE
async def test_rules_see_the_groups_and_grants_of_a_source(both):
    world = await both(
        '[policies]\ncall = "deny"\n'
        '[[rules]]\nname = "them"\nmethods = ["publishStream"]\ngroups = ["them"]\npolicy = { type = "session" }\n'
        '[[rules]]\nname = "granted"\nmethods = ["playStream"]\npolicy = { type = "grant", action = "play" }\n',
        ordered("old", "store"),
    )
    assert await world.connect("ann", THEIRS, "s") == "ok"
    assert await world.publish("s") == "ok"
    assert await world.connect("bob", THEIRS, "t") == "ok"
    assert await world.publish("t") == "policy_denied"
    assert (await world.hook("playStream", "t", name="theirs")).allowed
    assert not (await world.hook("playStream", "t", name="ours")).allowed


@ONLY_SQLITE
async def test_two_sources(foreign, tmp_path, databases):
    other = Foreign(databases.make())
    await other.run(SIMPLE)
    for place, password in ((foreign, "first"), (other, "second")):
        await place.person("ann", await hashed(password))
    await other.person("bob", await hashed("second"))
    sections = (source(foreign.url, name="one"), source(other.url, name="two"))
    async with running(configuration(tmp_path, *sections)) as world:
        assert [await world.connect("ann", each) for each in ("first", "second")] == ["ok", "password_wrong"]
        assert await world.connect("bob", "second") == "ok"
    async with running(configuration(tmp_path, ordered("two", "one"), *sections)) as world:
        assert [await world.connect("ann", each) for each in ("first", "second")] == ["password_wrong", "ok"]


@ONLY_SQLITE
async def test_a_password_is_looked_up_everywhere_whoever_has_it(both, monkeypatch):
    """So that the time tells nothing of names."""
    world = await both(ordered("store", "old"))
    looks = []
    old = world.service.directory.sources["old"]

    async def look(key, before=old._memory._look):
        looks.append(key[0])
        return await before(key)

    monkeypatch.setattr(old._memory, "_look", look)
    for name in ("ann", "bob", "nobody"):
        await world.connect(name, "wrong")
    assert looks == ["ann", "bob", "nobody"]


@ONLY_SQLITE
async def test_who_is_looked_for_at_once_is_found(both, foreign):
    world = await both(pool=2)
    for number in range(30):
        await foreign.person(f"u{number}", await hashed(), active="1")
    assert set(await asyncio.gather(*(world.connect(f"u{number}") for number in range(30)))) == {"ok"}


@ONLY_SQLITE
async def test_the_hash_of_a_source_is_not_renewed(both, monkeypatch):
    world = await both()
    renewed = []

    async def renew(_password, stored):
        renewed.append(stored)

    monkeypatch.setattr(world.service.hasher, "renewed", renew)
    assert await world.connect("bob", THEIRS) == "ok"
    assert await world.connect("ann", OURS) == "ok"
    ann = await world.store.users.find("ann")
    assert renewed == [ann.hash]
    assert await world.store.users.find("bob") is None
