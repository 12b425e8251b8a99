"""A source hangs, goes away and comes back: whom it may know is refused on purpose, nobody else is held up."""

import asyncio
import time

import pytest
from sqlalchemy import make_url

from authgate.issuance import Wanted
from authgate.model import Secret
from authgate.sources.options import SourceOptions
from authgate.sources.source import Source
from tests.sources.test_order import OURS, THEIRS, ordered
from tests.sources.world import PATIENCE, QUERY, configuration, hashed, running, source
from tests.store.proxy import Proxy
from tests.store.samples import eventually

pytestmark = pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)

TIMEOUT = 0.5
TOKENS = '[[verifiers]]\ntype = "token"\nkey = "0123456789abcdef0123456789abcdef"\n'


@pytest.fixture
async def proxy(foreign):
    url = make_url(foreign.url)
    proxy = Proxy(url.host, url.port)
    await proxy.start()
    yield proxy
    proxy.thaw()
    await proxy.stop()


@pytest.fixture
async def far(foreign, proxy, tmp_path):
    """Starts authgate with the source behind the proxy; ``ann`` is in both, ``bob`` in the source, ``carol`` here."""
    await foreign.person("ann", await hashed(THEIRS), active="1")
    await foreign.person("bob", await hashed(THEIRS), active="1")
    url = make_url(foreign.url).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    contexts = []

    async def start(*sections, **options):
        options = {"columns": {"enabled": "active"}, "timeout": PATIENCE, "retry_after": 0.05, **options}
        context = running(configuration(tmp_path, TOKENS, *sections, source(url, **options)))
        world = await context.__aenter__()
        contexts.append(context)
        for name in ("ann", "carol"):
            await world.add(name, OURS)
        return world

    yield start
    for context in contexts:
        await context.__aexit__(None, None, None)


async def away(world):
    return world.service.directory.sources["old"].away


async def test_away_and_back(far, proxy):
    world = await far()
    assert await world.connect("bob", THEIRS) == "ok"
    await proxy.stop()
    assert await world.connect("bob", THEIRS) == "store_unavailable"
    assert await world.connect("nobody", THEIRS) == "store_unavailable", "it may know this one"
    assert await world.connect("ann", OURS) == "ok", "who comes before it is not touched"
    assert world.service.directory.states() == [{"name": "old", "state": "away"}]
    assert await world.service.faults() == [], "others can still be let in"
    await proxy.start()
    await eventually(False, away, world)
    assert await world.connect("bob", THEIRS) == "ok"
    assert await world.connect("bob", OURS) == "password_wrong"


async def test_attack_nobody_falls_through_to_another_password_while_the_source_is_away(far, proxy):
    world = await far(ordered("old", "store"))
    assert await world.connect("ann", THEIRS) == "ok"
    await proxy.stop()
    for name, password in (("ann", OURS), ("ann", THEIRS), ("carol", OURS), ("ann", "wrong")):
        assert await world.connect(name, password) == "store_unavailable"


async def test_unless_an_option_that_says_so_lets_them(far, proxy):
    world = await far(ordered("old", "store"), insecure_skip_while_away=True)
    await proxy.stop()
    assert await world.connect("carol", OURS) == "ok"
    assert await world.connect("ann", OURS) == "ok"
    assert await world.connect("ann", THEIRS) == "password_wrong"
    assert await world.connect("bob", THEIRS) == "user_unknown"


async def test_a_source_that_hangs_is_given_up_in_time_and_then_at_once(far, proxy):
    world = await far(timeout=TIMEOUT)
    assert await world.connect("bob", THEIRS) == "ok"
    proxy.freeze()
    began_at = time.monotonic()
    first = await asyncio.gather(*(world.connect(f"u{number}", THEIRS) for number in range(50)))
    assert set(first) <= {"store_unavailable", "overloaded"}
    assert time.monotonic() - began_at < 10 * TIMEOUT
    await eventually(True, away, world)
    assert await world.connect("bob", THEIRS) == "store_unavailable"
    proxy.thaw()
    await eventually(False, away, world)
    assert await world.connect("bob", THEIRS) == "ok"


async def test_tokens_of_the_stores_users_do_not_wait_for_a_source_that_hangs(far, proxy):
    world = await far()
    token = (await world.service.issuer.issue(Wanted("carol", 60), time.time())).text.reveal()
    proxy.freeze()
    held = [asyncio.create_task(world.connect(f"u{number}", THEIRS)) for number in range(20)]
    await asyncio.sleep(0.05)
    assert await world.show(token) == "ok"
    assert not any(task.done() for task in held), "they wait, and it did not"
    proxy.thaw()
    await asyncio.gather(*held)


async def test_sessions_go_on_for_as_long_as_the_last_look_serves(far, proxy):
    world = await far(recheck=3600)
    assert await world.connect("bob", THEIRS, "s") == "ok"
    await proxy.stop()
    assert await world.publish("s") == "ok"


async def test_and_no_longer(far, proxy):
    world = await far(recheck=0)
    assert await world.connect("bob", THEIRS, "s") == "ok"
    await proxy.stop()
    assert await world.publish("s") == "store_unavailable"
    await proxy.start()
    await eventually(False, away, world)
    assert await world.publish("s") == "ok", "it was not ended meanwhile"


@pytest.mark.parametrize("skips", [False, True])
async def test_attack_an_adopted_user_is_not_passed_over_while_nobody_can_vouch_for_it(far, proxy, skips):
    world = await far(adopt="link", insecure_skip_while_away=skips, recheck=0)
    assert await world.connect("bob", THEIRS, "s") == "ok"
    await proxy.stop()
    assert await world.connect("bob", THEIRS) == "store_unavailable"
    assert await world.publish("s") == "store_unavailable"


async def test_a_pool_that_cannot_be_emptied_leaves_no_connection_open(foreign, proxy, monkeypatch):
    async def for_ever(_):
        await asyncio.sleep(60)

    url = make_url(foreign.url).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    old = Source(SourceOptions("old", Secret(url), f"{QUERY} WHERE login = :name", timeout=TIMEOUT))
    assert await old.find("bob", "bob", fresh=True) is None
    assert proxy.open
    monkeypatch.setattr(type(old._engine), "dispose", for_ever)
    await old.close()
    await eventually(0, connections, proxy)


async def connections(proxy):
    return proxy.open
