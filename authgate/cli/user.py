"""``authgate user``."""

from typing import TYPE_CHECKING, Any

import click

from authgate import admin
from authgate.admin import shown
from authgate.admin.user_fields import checked
from authgate.cli.common import (
    config_option,
    grants_options,
    grants_shown,
    hasher,
    json_option,
    note_claims,
    print_fields,
    print_json,
    read_password,
    run,
    settings,
)
from authgate.cli.user_files import export_users, import_users
from authgate.cli.user_lint import lint
from authgate.cli.user_list import list_users
from authgate.cli.user_options import fields_given, fields_options
from authgate.model import User
from authgate.names import canonical

if TYPE_CHECKING:
    from authgate.config import Config
    from authgate.guessing import Block
    from authgate.store import Store

_stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input: its first line."
)


@click.group()
def user() -> None:
    """Add, show and change users."""


user.add_command(import_users)
user.add_command(export_users)


user.add_command(lint)
user.add_command(list_users)


@user.command()
@click.argument("name")
@fields_options
@grants_options
@click.option("--disabled", is_flag=True, help="Not let in, until it is enabled.")
@_stdin_option
@click.option("--generate-password", "generate", is_flag=True, help="Make up a password, and print it this once.")
@click.option("--no-password", is_flag=True, help="No password: this user can log in with tokens only.")
@json_option
@config_option
def add(
    name: str,
    groups: tuple[str, ...],
    disabled: bool,
    password_stdin: bool,
    generate: bool,
    no_password: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Add a user, with a password from a prompt; shown as NAME is written here, unless --display says otherwise."""
    fields = checked(fields_given(enabled=False if disabled else None, **given))  # before anybody types a password
    if password_stdin + generate + no_password > 1:
        raise click.UsageError("--password-stdin, --generate-password and --no-password exclude each other")
    config = settings()
    canonical(name)  # before anybody types a password
    password = None if no_password else _new_password(config, password_stdin, generate)
    policy = config.passwords

    async def put(store: "Store") -> User:
        return await admin.add_user(store, hasher(config), name, None, password, fields, groups, policy)

    added = run(config, put)
    note_claims(config, fields.get("grants"))
    _tell(f"added {added.name}", added.name, password if generate else None, as_json)


@user.command()
@click.argument("name")
@json_option
@config_option
def show(name: str, as_json: bool) -> None:
    """Show one user."""

    async def look(store: "Store") -> "tuple[User, list[str], int, list[Block]]":
        found = await admin.user(store, name)
        sessions = await store.sessions.count(found.name)
        return found, await admin.groups_of(store, name), sessions, await admin.blocks(store, found.name)

    found, groups, sessions, blocks = run(settings(), look)
    fields = {**shown.user(found), "groups": groups, "sessions": sessions, **shown.blocked(blocks)}
    if as_json:
        print_json(fields)
    else:
        locked = ", ".join(f"until {each['until']} {each['address'] or 'everywhere'}" for each in fields["locked"])
        told = {"grants": grants_shown(found.grants), "groups": ", ".join(groups), "locked": locked}
        print_fields({**fields, **told})


@user.command("set")
@click.argument("name")
@fields_options
@click.option("--no-group", "no_groups", multiple=True, metavar="GROUP", help="A group to be taken out of; several.")
@grants_options
@click.option("--enabled/--disabled", default=None, help="Let in, or not any more.")
@click.option("--no-password", is_flag=True, help="Take the password away: tokens only.")
@config_option
def set_user(name: str, groups: tuple[str, ...], no_groups: tuple[str, ...], no_password: bool, **given: Any) -> None:
    """Change what is known about a user, and what it may do: a list of grants is replaced as a whole.

    All of it is changed at once, or nothing.
    """
    fields = fields_given(**given)
    if no_password:
        fields["hash"] = None
    if not fields and not groups and not no_groups:
        raise click.UsageError(
            "nothing to set: give an option such as --grant or --expires; authgate user set --help lists them"
        )
    if both := {canonical(each) for each in groups} & {canonical(each) for each in no_groups}:
        raise click.UsageError(f"--group and --no-group both name {min(both)}")
    config = settings()
    run(config, lambda store: admin.change_user(store, name, fields, join=groups, leave=no_groups))
    note_claims(config, fields.get("grants"))
    click.echo(f"changed {canonical(name)}")


@user.command()
@click.argument("name")
@_stdin_option
@click.option("--generate", is_flag=True, help="Make up a password, and print it this once.")
@json_option
@config_option
def password(name: str, password_stdin: bool, generate: bool, as_json: bool) -> None:
    """Set a user's password, from a prompt."""
    if password_stdin and generate:
        raise click.UsageError("--password-stdin and --generate exclude each other")
    config = settings()
    run(config, lambda store: admin.user(store, name))  # no prompt for a user who is not there
    fresh = _new_password(config, password_stdin, generate, "New password")
    run(config, lambda store: admin.set_password(store, hasher(config), name, fresh, config.passwords))
    _tell(f"set the password of {canonical(name)}", canonical(name), fresh if generate else None, as_json)


def _new_password(config: "Config", from_input: bool, generate: bool, prompt: str = "Password") -> str:
    if not generate:
        return read_password(from_input, prompt)
    from authgate.passwords import generated

    return generated(config.passwords.min_length)


def _tell(done: str, name: str, generated: str | None, as_json: bool) -> None:
    """Say what was done; a password that was made up stands alone on standard output."""
    if as_json:
        print_json({"name": name} | ({} if generated is None else {"password": generated}))
    elif generated is None:
        click.echo(done)
    else:
        click.echo(generated)
    if generated is not None:
        click.echo(f"note: {done}; the password is shown this once", err=True)


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


@user.command()
@click.argument("name")
@config_option
def unlock(name: str) -> None:
    """Let a user try passwords again after too many wrong ones, and count them from 0. A ban goes on."""
    config = settings()
    ended = run(config, lambda store: admin.unlock(store, name, elsewhere=bool(config.user_sources)))
    click.echo(f"unlocked {canonical(name)}" if ended else f"{canonical(name)} was not locked; counts from 0")
