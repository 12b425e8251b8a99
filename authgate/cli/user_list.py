"""``authgate user list``, and how a user is shown."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import click

from authgate import admin
from authgate.admin import shown
from authgate.cli.common import Table, config_option, iso, json_option, plain, run, settings
from authgate.model import User, UserQuery

if TYPE_CHECKING:
    from authgate.store import Store

_ORDERS = ("name", "created", "updated", "expires")
_HEADS = ("name", "display", "enabled", "expires", "password", "created")


@click.command("list")
@click.option("--enabled/--disabled", default=None, help="Those only.")
@click.option("--expired", is_flag=True, help="Those only whose time is over.")
@click.option("--without-password", is_flag=True, help="Those only who come by token.")
@click.option("--group", metavar="GROUP", help="Those only who are in it.")
@click.option("--name", metavar="PATTERN", help="Those only whose names are such, as 'guest-*'.")
@click.option(
    "--sort", "by", type=click.Choice(_ORDERS), default="name", show_default=True, help="What they are in the order of."
)
@click.option("--reverse", is_flag=True, help="The last first.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many; without it, all.")
@click.option("--after", metavar="NAME", help="Go on behind this user.")
@json_option
@config_option
def list_users(
    enabled: bool | None,
    expired: bool,
    without_password: bool,
    group: str | None,
    name: str | None,
    by: Literal["name", "created", "updated", "expires"],
    reverse: bool,
    limit: int | None,
    after: str | None,
    as_json: bool,
) -> None:
    """List the users, or those of them who are all that is asked for; --json prints each in a line of its own."""
    query = UserQuery(enabled, group, expired, without_password, name, by, reverse)

    async def print_each(store: "Store") -> User | None:
        """The last one printed, where there are more."""
        table = Table(_HEADS)
        last: User | None = None
        left = limit
        async for page in admin.users(store, query, after=after, limit=None if limit is None else limit + 1):
            these = page if left is None else page[:left]
            if as_json:
                await _print_lines(store, these)
            else:
                table.add([_row(each) for each in these])
            last = these[-1] if these else last
            if left is not None:
                if len(page) > left:
                    return last
                left -= len(these)
        if not as_json:
            table.close()
        return None

    last = run(settings(), print_each)
    if last is not None:
        click.echo(f"note: there are more; go on with --after {plain(last.name)}", err=True)


async def _print_lines(store: "Store", users: Sequence[User]) -> None:
    groups = await store.groups.of_each([each.name for each in users])
    lines = [json.dumps({**shown.user(each), "groups": groups.get(each.name, [])}) for each in users]
    if lines:  # at once: each of them alone would take longer to write than to look up
        click.echo("\n".join(lines))


def _row(each: User) -> tuple[object, ...]:
    password = f"of {each.origin.source}" if each.origin else each.hash is not None
    return (each.name, each.display, each.enabled, shown.of_seconds(each.expires_at), password, iso(each.created_at))
