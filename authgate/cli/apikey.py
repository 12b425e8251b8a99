"""``authgate apikey``."""

import time
from typing import TYPE_CHECKING

import click

from authgate import admin
from authgate.cli.common import config_option, duration, iso, json_option, print_json, print_table, run, settings
from authgate.cli.issuing import note_idle_grants
from authgate.errors import Refused

if TYPE_CHECKING:
    from authgate.api_keys import ApiKey


@click.group()
def apikey() -> None:
    """Make and revoke the keys by which applications ask for tokens, or administer the server over HTTP."""


@apikey.command()
@click.argument("name")
@click.option(
    "--user",
    "users",
    multiple=True,
    metavar="PATTERN",
    help="Whose tokens it may ask for, as 'guest-*'; several. '*' is everybody.",
)
@click.option(
    "--admin",
    "administers",
    multiple=True,
    metavar="SCOPE",
    help="What it may do over the listener of [admin], as users:read; several. An unknown one is told which there are.",
)
@click.option(
    "--grant",
    "grants",
    multiple=True,
    metavar="GRANT",
    help="What its tokens may grant at most, as 'publish:room-*'; several. Without it, whatever their users may do.",
)
@click.option("--app", "apps", multiple=True, metavar="KEY", help="For which applications; several. Without it, any.")
@click.option(
    "--max-ttl",
    type=duration,
    default="1h",
    show_default=True,
    metavar="TIME",
    help="How long its tokens may live, as 90s, 15m, 1h or 7d.",
)
@click.option("--once-only", is_flag=True, help="Only tokens that are good for one session or one stream.")
@click.option(
    "--rate", type=int, default=60, show_default=True, metavar="N", help="Requests a minute, of each server process."
)
@click.option("--expires", type=duration, metavar="TIME", help="When it ends, from now on; without it, never.")
@config_option
def add(
    name: str,
    users: tuple[str, ...],
    administers: tuple[str, ...],
    grants: tuple[str, ...],
    apps: tuple[str, ...],
    max_ttl: int,
    once_only: bool,
    rate: int,
    expires: int | None,
) -> None:
    """Print a new key, and nothing else. It is shown this once."""
    from authgate.api_keys import ApiScope

    if not users and not administers:
        raise click.UsageError("say whose tokens it may ask for (--user), or what it may administer (--admin)")
    try:
        scope = ApiScope(users, grants or None, apps, max_ttl, once_only, rate, tuple(dict.fromkeys(administers)))
    except ValueError as fault:
        raise Refused(str(fault)) from None
    config = settings()
    expires_at = None if expires is None else int(time.time()) + expires
    key = run(config, lambda store: admin.add_api_key(store, name, scope, expires_at))
    click.echo(key.reveal())
    click.echo("note: the key is shown this once; keep it where only its application can read it", err=True)
    if users and not config.issuing.tokens:
        click.echo("note: issuing.tokens is off, so the server issues no tokens for keys", err=True)
    if administers and config.admin.listen is None:
        click.echo("note: admin.listen is not set, so nothing can be administered by keys", err=True)
    if grants:
        note_idle_grants(config)


@apikey.command("list")
@json_option
@config_option
def list_keys(as_json: bool) -> None:
    """List the keys, and what each may ask for."""
    found = run(settings(), admin.api_keys)
    rows = [_fields(each) for each in found]
    if as_json:
        print_json(rows)
        return
    limits = ("grants", "apps", "max_ttl", "once_only", "rate")
    heads = ("prefix", "name", "users", "admin", *limits, "expires", "last_used")
    print_table(heads, [[_joined(row[head]) for head in heads] for row in rows])


@apikey.command()
@click.argument("prefix")
@config_option
def revoke(prefix: str) -> None:
    """Remove a key, by the part of it that 'apikey list' shows. Tokens that it got stay good until they expire."""
    run(settings(), lambda store: admin.revoke_api_key(store, prefix))
    click.echo(f"revoked {prefix}")


def _fields(key: "ApiKey") -> dict[str, object]:
    scope = key.scope
    return {
        "prefix": key.prefix,
        "name": key.name,
        "users": list(scope.users),
        "grants": None if scope.grants is None else list(scope.grants),
        "apps": list(scope.apps),
        "max_ttl": scope.max_ttl,
        "once_only": scope.once_only,
        "rate": scope.rate,
        "admin": list(scope.admin),
        "created": iso(key.created_at),
        "expires": None if key.expires_at is None else iso(key.expires_at * 1000),
        "last_used": iso(key.last_used_at),
    }


def _joined(cell: object) -> object:
    return ", ".join(map(str, cell)) if isinstance(cell, list) else cell
