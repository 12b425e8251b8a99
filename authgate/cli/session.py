"""``authgate session``."""

from collections.abc import Callable
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
    """List the live sessions; those that were opened under older rules go on as the media server was told then."""
    config = settings()
    older = _older()
    found = [_fields(each, older) for each in run(config, lambda store: admin.sessions(store, user))]
    if as_json:
        print_json(found)
        return
    heads = ("node", "session", "user", "app", "since", "expires", "rules")
    print_table(heads, ([each[head] for head in heads] for each in found))
    if any(each["rules"] == "older" for each in found):
        click.echo("rules: older ones were told to the media server; end these with: authgate session end --older")


@session.command()
@click.argument("id", required=False, metavar="[SESSION]")
@click.option("--node", metavar="ID", help="Those of a node: the media server's nodeId.")
@click.option("--user", metavar="NAME", help="Those of a user.")
@click.option("--app", metavar="APPKEY", help="Those of an application.")
@click.option("--older", is_flag=True, help="Those that were opened under older rules.")
@config_option
def end(id: str | None, node: str | None, user: str | None, app: str | None, older: bool) -> None:
    """Forget live sessions: their clients are refused from their next hook on, and have to connect again.

    The media server obeys that for the methods for which it was told FAIL when the session was opened. A stream that
    runs goes on until it ends, unless keep-alives are judged.
    """
    config = settings()
    only = _older() if older else None
    ended = run(
        config, lambda store: admin.end_sessions(store, user=user, node=node, session=id, app_key=app, only=only)
    )
    click.echo(f"ended {ended}")


def _older() -> Callable[[Session], bool]:
    from authgate.wiring import is_current  # here, so that help needs less

    current = is_current(settings())
    return lambda each: not current(each.app_key, each.config)


def _fields(each: Session, older: Callable[[Session], bool]) -> dict[str, Any]:
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
        "groups": sorted(client.groups) if client else [],
        "origin": each.origin or None,
        "rules": "older" if older(each) else "current",
    }
