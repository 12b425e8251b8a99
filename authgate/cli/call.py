"""``authgate call``."""

import click

from authgate import admin
from authgate.admin import shown
from authgate.cli.common import config_option, json_option, print_json, print_table, run, settings


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
    found = [shown.call(each) for each in run(settings(), lambda store: admin.calls(store, meant))]
    if as_json:
        print_json(found)
        return
    heads = ("node", "session", "call", "caller", "callee", "status", "user", "app", "since")
    print_table(heads, ([each[head] for head in heads] for each in found))
