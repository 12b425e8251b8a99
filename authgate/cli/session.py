"""``authgate session``."""

from typing import Any

import click

from authgate import admin
from authgate.cli.common import config_option, iso, json_option, print_json, print_table, run, settings
from authgate.model import Session


@click.group()
def session() -> None:
    """Show the live sessions: the connections that were let in and are not over."""


@session.command("list")
@click.option("--user", metavar="NAME")
@json_option
@config_option
def list_sessions(user: str | None, as_json: bool) -> None:
    """List the live sessions."""
    found = [_fields(each) for each in run(settings(), lambda store: admin.sessions(store, user))]
    if as_json:
        print_json(found)
    else:
        heads = ("node", "session", "user", "app", "since", "expires")
        print_table(heads, ([each[head] for head in heads] for each in found))


def _fields(each: Session) -> dict[str, Any]:
    client = each.client
    return {
        "node": each.key.node,
        "session": each.key.session,
        "user": client and client.user,
        "app": each.app_key,
        "since": iso(each.opened_at),
        "expires": iso(client.expires_at * 1000) if client and client.expires_at is not None else None,
        "verifier": client and client.verifier,
        "grants": list(client.grants) if client and client.grants is not None else None,
    }
