"""``authgate call``."""

from typing import Any

import click

from authgate import admin
from authgate.cli.common import config_option, iso, json_option, print_json, print_table, run, settings
from authgate.model import Call


@click.group()
def call() -> None:
    """Show the calls that go on."""


@call.command("list")
@click.option("--user", metavar="NAME", help="Those of a user, or of users by a pattern: '*' any characters, '?' one.")
@click.option("--node", metavar="ID", help="Those of a node: the media server's nodeId.")
@click.option("--session", metavar="ID", help="Those of a session.")
@click.option("--app", metavar="APPKEY", help="Those of an application.")
@json_option
@config_option
def list_calls(user: str | None, node: str | None, session: str | None, app: str | None, as_json: bool) -> None:
    """List the calls; to end one, end its session."""
    meant = admin.Meant(user=user, node=node, session=session, app_key=app)
    found = [call_fields(each) for each in run(settings(), lambda store: admin.calls(store, meant))]
    if as_json:
        print_json(found)
        return
    heads = ("node", "session", "call", "caller", "callee", "status", "user", "app", "since")
    print_table(heads, ([each[head] for head in heads] for each in found))


def call_fields(each: Call) -> dict[str, Any]:
    """A call, for machines."""
    return {
        "node": each.key.node,
        "session": each.key.session,
        "call": each.key.call,
        "caller": each.caller,
        "callee": each.callee,
        "incoming": each.incoming,
        "status": each.status,
        "user": each.user,
        "app": each.app_key,
        "since": iso(each.since),
        "seen": iso(each.seen_at),
    }
