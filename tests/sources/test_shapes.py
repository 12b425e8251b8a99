"""The very sections of docs/sources.md, over tables as WordPress, Django and Laravel make them, through the hooks."""

import asyncio
import re
import tomllib
from pathlib import Path

import pytest

from authgate.verifiers import password as passwords
from tests.sources import makers
from tests.sources.shapes import DJANGO, LARAVEL, WORDPRESS
from tests.sources.world import PATIENCE, Foreign, configuration, running

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
BLOCKS = [block for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "[[user_sources]]" in block]

pytestmark = pytest.mark.parametrize("backend", ["mariadb", "postgresql"], indirect=True)

RULES = """
[policies]
call = "grant"

[[rules]]
name = "staff only"
methods = ["playStream"]
groups = ["editors"]
policy = { type = "session" }
"""


def section(name, backend):
    """The section of the page for a system on an engine, without its address."""
    found = {}
    for block in BLOCKS:
        [source] = tomllib.loads(block)["user_sources"]
        found[source["name"], source["url"].partition(":")[0]] = block
    if (name, backend) == ("wordpress", "postgresql"):
        said = re.search(r"On PostgreSQL write `(WHERE [^`]+)`", PAGE)[1]
        return re.sub(r"WHERE u\.user_login = :name", said, found["wordpress", "mariadb"])
    return found[name, backend]


@pytest.fixture
async def started(foreign_url, backend, tmp_path):
    """Makes the tables of a system, and starts authgate with the section of the page."""
    contexts = []

    async def start(name, tables, more=RULES):
        foreign = Foreign(foreign_url)
        await foreign.run(tables[backend])
        text = re.sub(r"(?m)^url = .*$", f'url = "{foreign_url}"\ntimeout = {PATIENCE}', section(name, backend))
        assert foreign_url in text
        head = configuration(tmp_path).read_text()
        given = tomllib.loads(text).get("hashing", {}).get("legacy")
        text = text.replace('[hashing]\nlegacy = ["phpass"]\n', "")
        if given:
            head = head.replace("[hashing]\n", f"[hashing]\nlegacy = {given}\n")
        (tmp_path / "authgate.toml").write_text(f"{head}{more}\n{text}")
        context = running(tmp_path / "authgate.toml")
        world = await context.__aenter__()
        contexts.append(context)
        return world, foreign

    yield start
    for context in contexts:
        await context.__aexit__(None, None, None)


async def published(world, login, password, *names):
    """The reasons for publishing under these names, in a session that a password opens."""
    session = f"session of {login}"
    assert await world.connect(login, password, session) == "ok"
    return [await world.publish(session, name) for name in names]


WP_USER = (
    "INSERT INTO wp_users (user_login, user_pass, user_status, display_name) VALUES (:login, :hash, :status, :display)"
)
WP_ROLE = (
    "INSERT INTO wp_usermeta (user_id, meta_key, meta_value)"
    " SELECT ID, :key, :value FROM wp_users WHERE user_login = :login"
)


def capabilities(role):
    """As PHP serialises the roles of a user."""
    return f'a:1:{{s:{len(role)}:"{role}";b:1;}}'


async def test_wordpress(started):
    world, wp = await started("wordpress", WORDPRESS)
    people = {
        "Admin": (makers.wordpress("new secret"), 0, "administrator"),
        "author": (makers.phpass("old secret"), 0, "author"),
        "reader": (makers.phpass("old secret"), 0, "subscriber"),
        "spammer": (makers.wordpress("new secret"), 1, "administrator"),
        "nobody-special": (makers.wordpress("new secret"), 0, None),
    }
    for login, (stored, status, role) in people.items():
        await wp.run(WP_USER, login=login, hash=stored, status=status, display=login.title())
        await wp.run(WP_ROLE, login=login, key="nickname", value="administrator")
        if role:
            await wp.run(WP_ROLE, login=login, key="wp_capabilities", value=capabilities(role))
    assert await published(world, "admin", "new secret", "anything") == ["ok"]
    assert await published(world, "author", "old secret", "author-1", "anything") == ["ok", "grant_missing"]
    assert await published(world, "READER", "old secret", "reader-1") == ["grant_missing"]
    assert await published(world, "nobody-special", "new secret", "x") == ["grant_missing"]
    assert await world.connect("spammer", "new secret") == "user_disabled"
    for login, (stored, _, _) in people.items():
        for wrong in ("wrong", "old secret " if "$P$" in stored else "New secret", stored, ""):
            assert await world.connect(login, wrong) == "password_wrong", (login, wrong)
    await wp.run("UPDATE wp_users SET user_pass = :hash WHERE user_login = 'author'", hash=makers.wordpress("fresh"))
    assert [await world.connect("author", each) for each in ("old secret", "fresh")] == ["password_wrong", "ok"]


@pytest.mark.parametrize("adopt", ["link", "move"])
async def test_wordpress_adopted(started, tmp_path, adopt):
    _, wp = await started("wordpress", WORDPRESS, "")
    await wp.run(WP_USER, login="author", hash=makers.phpass("old secret"), status=0, display="The author")
    path = tmp_path / "authgate.toml"
    path.write_text(path.read_text().replace('name = "wordpress"', f'name = "wordpress"\nadopt = "{adopt}"'))
    async with running(path) as world:
        assert await world.connect("author", "old secret", "s") == "ok"
        assert await world.publish("s") == "ok"
        await wp.run("DELETE FROM wp_users")
        expected = {"link": "user_disabled", "move": "ok"}[adopt]
        await asyncio.gather(*passwords._renewals)
    async with running(path) as world:
        assert await world.publish("s") == expected
        if adopt == "move":
            assert await world.connect("author", "old secret") == "ok"
            assert (await world.store.users.find("author")).hash.startswith("$argon2id$")
        else:
            assert await world.connect("author", "old secret") == "password_wrong"


DJANGO_USER = (
    "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, email,"
    " date_joined) VALUES (:login, :hash, :super, :staff, :active, :first, '', '', '2026-01-01 00:00:00')"
)
DJANGO_GROUP = (
    "INSERT INTO auth_user_groups (user_id, group_id)"
    " SELECT u.id, g.id FROM auth_user u, auth_group g WHERE u.username = :login AND g.name = :group"
)


async def test_django(started):
    world, site = await started("django", DJANGO)
    for login, hashed, is_super, staff, active in (
        ("Root", makers.django("root's own"), True, True, True),
        ("staff", makers.django("staff's own", rounds=12_000), False, True, True),
        ("ann", makers.django("ann's own"), False, False, True),
        ("gone", makers.django("gone's own"), True, True, False),
        ("sso", "!4kXz9ExternalLoginOnly", False, False, True),
    ):
        values = {"login": login, "hash": hashed, "super": is_super, "staff": staff, "active": active}
        await site.run(DJANGO_USER, first="", **values)
    for group in ("Editors", "Readers"):
        await site.run("INSERT INTO auth_group (name) VALUES (:group)", group=group)
        await site.run(DJANGO_GROUP, login="ann", group=group)
    assert await published(world, "root", "root's own", "anything") == ["ok"]
    assert await published(world, "staff", "staff's own", "staff-1", "anything") == ["ok", "grant_missing"]
    assert await published(world, "ann", "ann's own", "ann-1") == ["grant_missing"]
    assert (await world.hook("playStream", "session of ann", name="x")).rule == "staff only"
    assert (await world.hook("playStream", "session of staff", name="x")).rule != "staff only"
    found = await world.service.directory.authorities.of("ann")
    assert (found.groups, found.grants) == ({"editors", "readers"}, ("play:*",))
    assert await world.connect("gone", "gone's own") == "user_disabled"
    for login, wrong in (
        ("ann", "staff's own"),
        ("sso", "!4kXz9ExternalLoginOnly"),
        ("sso", ""),
        ("root", "Root's own"),
    ):
        assert await world.connect(login, wrong) == "password_wrong"
    assert await world.connect("nobody", "x") == "user_unknown"


LARAVEL_USER = (
    "INSERT INTO users (name, email, password, email_verified_at, deleted_at)"
    " VALUES (:name, :email, :hash, {verified}, {deleted})"
)


async def test_laravel(started):
    world, shop = await started("laravel", LARAVEL)
    now, never = "'2026-01-01 00:00:00'", "NULL"
    for name, email, verified, deleted in (
        ("Ann", "Ann@Example.com", now, never),
        ("Unverified", "new@example.com", never, never),
        ("Deleted", "gone@example.com", now, now),
    ):
        statement = LARAVEL_USER.format(verified=verified, deleted=deleted)
        await shop.run(statement, name=name, email=email, hash=makers.laravel(f"{name}'s own"))
    await shop.run("INSERT INTO roles (name, guard_name) VALUES ('Editors', 'web')")
    await shop.run(
        "INSERT INTO model_has_roles (role_id, model_type, model_id)"
        " SELECT r.id, :model, u.id FROM roles r, users u WHERE u.name = 'Ann'",
        model="App\\Models\\User",
    )
    assert await world.connect("ann@example.com", "Ann's own", "s") == "ok"
    assert (await world.hook("playStream", "s", name="x")).rule == "staff only"
    user = await world.service.directory.users.find("ann@example.com")
    assert (user.display, user.groups) == ("Ann", {"editors"})
    assert await world.connect("new@example.com", "Unverified's own") == "user_disabled"
    assert await world.connect("gone@example.com", "Deleted's own") == "user_disabled"
    assert await world.connect("ann@example.com", "Unverified's own") == "password_wrong"
    assert await world.connect("Ann", "Ann's own") == "user_unknown"
