"""``authgate alias``."""

import re

import click

from authgate import admin
from authgate.cli.common import config_option, iso, json_option, print_json, print_table, read_input, run, settings
from authgate.hooks.fields import SECRET_FIELDS
from authgate.hooks.subject import without_secrets

_MOST = 1 << 16  # bytes read from standard input


@click.group()
def alias() -> None:
    """Change the tables that rewrites look names up in."""


@alias.command()
@click.argument("table")
@click.argument("name")
@click.argument("value", metavar="VALUE|-")
@click.option("--replace", is_flag=True, help="Replace the value that the name has.")
@config_option
def add(table: str, name: str, value: str, replace: bool) -> None:
    """Put VALUE under NAME of a table; with '-', read it from standard input, as others can see a command's words."""
    text = read_input(_MOST).removesuffix("\n").removesuffix("\r") if value == "-" else value
    run(settings(), lambda store: admin.add_alias(store, table, name, text, replace=replace))
    click.echo(f"added {name} to {table}")


@alias.command("list")
@click.argument("table", required=False)
@click.option("--reveal", is_flag=True, help="Print passwords, and users and queries in addresses, too.")
@json_option
@config_option
def list_aliases(table: str | None, reveal: bool, as_json: bool) -> None:
    """List all aliases, or those of one table."""
    config = settings()
    secret = {
        str(getattr(rewrite, "store", None))
        for rule in config.rules
        for rewrite in rule.rewrites
        if rewrite.field in SECRET_FIELDS
    }
    found = run(config, lambda store: admin.aliases(store, table))
    rows = []
    for each in found:
        masked = "***" if each.table in secret else _masked(each.value)
        rows.append((each.table, each.name, each.value if reveal else masked, iso(each.created_at)))
    heads = ("table", "name", "value", "created")
    if as_json:
        print_json([dict(zip(heads, row, strict=True)) for row in rows])
    else:
        print_table(heads, rows)


@alias.command()
@click.argument("table")
@click.argument("name")
@config_option
def remove(table: str, name: str) -> None:
    """Take NAME out of a table."""
    run(settings(), lambda store: admin.remove_alias(store, table, name))
    click.echo(f"removed {name} from {table}")


def _masked(value: str) -> str:
    """A value without what is secret in an address; one of SIP may hold a password too (RFC 3261, 19.1.1)."""
    before, _, rest = _SIP.sub("", value).rpartition("@")
    if "://" in value or ":" not in before:
        return without_secrets(value)
    return f"***@{without_secrets(rest)}"


_SIP = re.compile(r"\Asips?:", re.IGNORECASE)
