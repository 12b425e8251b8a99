"""``authgate group``."""

from typing import TYPE_CHECKING

import click

from authgate import admin
from authgate.admin import shown
from authgate.cli.common import (
    config_option,
    grants_given,
    grants_options,
    grants_shown,
    iso,
    json_option,
    note_claims,
    plain,
    print_fields,
    print_json,
    print_table,
    run,
    settings,
)
from authgate.model import Group
from authgate.names import canonical

if TYPE_CHECKING:
    from authgate.store import Store


@click.group()
def group() -> None:
    """Add, show and change groups of users, and what they are granted."""


@group.command()
@click.argument("name")
@grants_options
@config_option
def add(name: str, grants: tuple[str, ...], no_grants: bool, default_grants: bool) -> None:
    """Add a group; without --grant or --no-grants it has no list of grants, and only rules speak of it."""
    said, granted = grants_given(grants, no_grants, default_grants)
    config = settings()
    added = run(config, lambda store: admin.add_group(store, name, granted if said else None))
    note_claims(config, granted)
    click.echo(f"added {added.name}")


@group.command("list")
@json_option
@config_option
def list_groups(as_json: bool) -> None:
    """List all groups."""
    groups = run(settings(), admin.groups)
    if as_json:
        print_json([shown.group(each) for each in groups])
    else:
        rows = [(each.name, each.members, grants_shown(each.grants), iso(each.created_at)) for each in groups]
        print_table(("name", "members", "grants", "created"), rows)


@group.command()
@click.argument("name")
@json_option
@config_option
def show(name: str, as_json: bool) -> None:
    """Show one group with its members."""

    async def look(store: "Store") -> tuple[Group, list[str]]:
        return await admin.group(store, name), await admin.members(store, name)

    found, members = run(settings(), look)
    if as_json:
        print_json({**shown.group(found), "members": members})
    else:
        print_fields({**shown.group(found), "grants": grants_shown(found.grants), "members": ", ".join(members)})


@group.command("set")
@click.argument("name")
@grants_options
@config_option
def set_group(name: str, grants: tuple[str, ...], no_grants: bool, default_grants: bool) -> None:
    """Change what a group is granted: its list is replaced as a whole."""
    said, granted = grants_given(grants, no_grants, default_grants)
    if not said:
        raise click.UsageError("nothing to set: give --grant, --no-grants or --default-grants")
    config = settings()
    run(config, lambda store: admin.set_group_grants(store, name, granted))
    note_claims(config, granted)
    click.echo(f"changed {canonical(name)}")


@group.command()
@click.argument("name", metavar="GROUP")
@click.argument("users", nargs=-1, required=True, metavar="USER...")
@config_option
def join(name: str, users: tuple[str, ...]) -> None:
    """Put users into a group."""

    async def put(store: "Store") -> tuple[int, list[str]]:
        return await admin.join(store, name, users), await admin.strangers(store, users)

    config = settings()
    joined, strangers = run(config, put)
    who = "a token or a source of users" if config.user_sources else "a token"
    for each in strangers:
        click.echo(f"note: {plain(each)} is not in the store; only {who} can let such a user in", err=True)
    click.echo(f"{joined} joined {canonical(name)}")


@group.command()
@click.argument("name", metavar="GROUP")
@click.argument("users", nargs=-1, required=True, metavar="USER...")
@config_option
def leave(name: str, users: tuple[str, ...]) -> None:
    """Take users out of a group."""
    left = run(settings(), lambda store: admin.leave(store, name, users))
    click.echo(f"{left} left {canonical(name)}")


@group.command()
@click.argument("name")
@config_option
def delete(name: str) -> None:
    """Delete a group; its members stay users."""
    run(settings(), lambda store: admin.delete_group(store, name))
    click.echo(f"deleted {canonical(name)}")
