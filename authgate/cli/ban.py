"""``authgate ban``."""

from typing import TYPE_CHECKING

import click

from authgate import admin
from authgate.admin import shown
from authgate.cli.common import config_option, duration, iso, json_option, print_json, print_table, run, settings

if TYPE_CHECKING:
    from authgate.guessing import Block

_user_option = click.option("--user", metavar="NAME", help="A user, in place of an address.")


@click.group()
def ban() -> None:
    """Keep addresses and users out, and show who is locked after wrong passwords."""


@ban.command()
@click.argument("address", required=False)
@_user_option
@click.option("--for", "seconds", type=duration, metavar="TIME", help="How long, as 1h or 7d; without it, for good.")
@click.option("--note", default="", metavar="TEXT", help="Why, for people.")
@config_option
def add(address: str | None, user: str | None, seconds: int | None, note: str) -> None:
    """Ban ADDRESS, such as 203.0.113.7 or 203.0.113.0/24, or a user: from every worker within a second."""
    _one(address, user)
    made = run(settings(), lambda store: admin.ban(store, user=user, address=address, seconds=seconds, note=note))
    until = f" until {iso(made.expires_at)}" if made.expires_at is not None else ""
    click.echo(f"banned {_whom(made)}{until}")


@ban.command("list")
@json_option
@config_option
def list_bans(as_json: bool) -> None:
    """List the bans and the locks in force."""
    found = run(settings(), admin.blocks)
    if as_json:
        print_json([shown.block(each) for each in found])
    else:
        rows = [
            (each.kind, each.user, each.address, iso(each.made_at), iso(each.expires_at) or "for good", each.note)
            for each in found
        ]
        print_table(("kind", "user", "address", "made", "until", "note"), rows)


@ban.command()
@click.argument("address", required=False)
@_user_option
@config_option
def remove(address: str | None, user: str | None) -> None:
    """End the ban of ADDRESS or of a user, and its locks; wrong passwords count from 0."""
    _one(address, user)
    for each in run(settings(), lambda store: admin.lift(store, user=user, address=address)):
        click.echo(f"ended the {each.kind} of {_whom(each)}")


def _one(address: str | None, user: str | None) -> None:
    if (address is None) == (user is None):
        raise click.UsageError("give an address or a network, or --user NAME")


def _whom(block: "Block") -> str:
    from authgate.guessing import of_nobody

    user = "a name that nobody has" if of_nobody(block.user) else block.user and f"user {block.user}"
    return " from ".join(part for part in (user, block.address) if part)
