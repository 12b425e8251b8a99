"""``authgate user``."""

from typing import TYPE_CHECKING, Any

import click

from authgate import admin
from authgate.admin.grants import checked
from authgate.cli.common import (
    config_option,
    grants_given,
    grants_options,
    grants_shown,
    hasher,
    iso,
    json_option,
    note_claims,
    print_fields,
    print_json,
    print_table,
    read_password,
    run,
    settings,
)
from authgate.model import User
from authgate.names import canonical

if TYPE_CHECKING:
    from authgate.store import Store

_stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input: its first line."
)


@click.group()
def user() -> None:
    """Add, show and change users."""


@user.command()
@click.argument("name")
@click.option("--display", metavar="TEXT", help="The name as people write it; without it, NAME as given.")
@_stdin_option
@click.option("--no-password", is_flag=True, help="No password: this user can log in with tokens only.")
@grants_options
@config_option
def add(
    name: str,
    display: str | None,
    password_stdin: bool,
    no_password: bool,
    grants: tuple[str, ...],
    no_grants: bool,
    default_grants: bool,
) -> None:
    """Add a user, with a password from a prompt."""
    said, granted = grants_given(grants, no_grants, default_grants)
    granted = checked(granted if said else None)  # before anybody types a password
    if password_stdin and no_password:
        raise click.UsageError("--password-stdin and --no-password exclude each other")
    config = settings()
    canonical(name)  # before anybody types a password
    password = None if no_password else read_password(password_stdin)
    added = run(config, lambda store: admin.add_user(store, hasher(config), name, display, password, granted))
    note_claims(config, granted)
    click.echo(f"added {added.name}")


@user.command("list")
@json_option
@config_option
def list_users(as_json: bool) -> None:
    """List all users."""
    users = run(settings(), admin.users)
    if as_json:
        print_json([_fields(each) for each in users])
    else:
        rows = [(each.name, each.display, each.enabled, each.hash is not None, iso(each.created_at)) for each in users]
        print_table(("name", "display", "enabled", "password", "created"), rows)


@user.command()
@click.argument("name")
@json_option
@config_option
def show(name: str, as_json: bool) -> None:
    """Show one user."""

    async def look(store: "Store") -> tuple[User, list[str]]:
        return await admin.user(store, name), await admin.groups_of(store, name)

    found, groups = run(settings(), look)
    fields = {**_fields(found), "groups": groups}
    if as_json:
        print_json(fields)
    else:
        print_fields({**fields, "grants": grants_shown(found.grants), "groups": ", ".join(groups)})


@user.command("set")
@click.argument("name")
@click.option("--display", metavar="TEXT", help="The name as people write it.")
@click.option("--no-password", is_flag=True, help="Take the password away: tokens only.")
@grants_options
@config_option
def set_user(
    name: str,
    display: str | None,
    no_password: bool,
    grants: tuple[str, ...],
    no_grants: bool,
    default_grants: bool,
) -> None:
    """Change what is known about a user, and what it is granted: its list is replaced as a whole."""
    said, granted = grants_given(grants, no_grants, default_grants)
    if display is None and not no_password and not said:
        raise click.UsageError(
            "nothing to set: give --display, --no-password, --grant, --no-grants or --default-grants"
        )
    granted = checked(granted)

    async def change(store: "Store") -> None:
        await admin.change_user(store, name, display=display, drop_password=no_password)
        if said:
            await admin.set_grants(store, name, granted)

    config = settings()
    run(config, change)
    note_claims(config, granted)
    click.echo(f"changed {canonical(name)}")


@user.command()
@click.argument("name")
@_stdin_option
@config_option
def password(name: str, password_stdin: bool) -> None:
    """Set a user's password, from a prompt."""
    config = settings()
    run(config, lambda store: admin.user(store, name))  # no prompt for a user who is not there
    fresh = read_password(password_stdin, "New password")
    run(config, lambda store: admin.set_password(store, hasher(config), name, fresh))
    click.echo(f"set the password of {canonical(name)}")


@user.command()
@click.argument("name")
@config_option
def disable(name: str) -> None:
    """Keep a user out: logins, tokens and live sessions are refused from now on."""
    run(settings(), lambda store: admin.set_enabled(store, name, enabled=False))
    click.echo(f"disabled {canonical(name)}")


@user.command()
@click.argument("name")
@config_option
def enable(name: str) -> None:
    """Let a disabled user in again."""
    run(settings(), lambda store: admin.set_enabled(store, name, enabled=True))
    click.echo(f"enabled {canonical(name)}")


@user.command()
@click.argument("name")
@config_option
def delete(name: str) -> None:
    """Delete a user; the records stay."""
    run(settings(), lambda store: admin.delete_user(store, name))
    click.echo(f"deleted {canonical(name)}")


def _fields(each: User) -> dict[str, Any]:
    return {
        "name": each.name,
        "display": each.display,
        "enabled": each.enabled,
        "password": each.hash is not None,
        "grants": None if each.grants is None else list(each.grants),
        "created_at": iso(each.created_at),
        "updated_at": iso(each.updated_at),
        "generation": each.generation,
        "cut_off_at": iso(each.cut_off_at),
    }
