"""``authgate stream``."""

import click

from authgate import admin
from authgate.admin import shown
from authgate.cli.common import config_option, json_option, print_json, print_table, run, settings
from authgate.cli.session import ending_text, tell_ended


@click.group()
def stream() -> None:
    """Show and end the live streams: those that are being published or played."""


@stream.command("list")
@click.option("--user", metavar="NAME", help="Those of a user, or of users by a pattern: '*' any characters, '?' one.")
@click.option("--node", metavar="ID", help="Those of a node: the media server's nodeId.")
@click.option("--session", metavar="ID", help="Those of a session.")
@click.option("--app", metavar="APPKEY", help="Those of an application.")
@click.option("--name", metavar="PATTERN", help="Those with such a name: '*' any characters, '?' one.")
@click.option("--published/--played", default=None, help="Those that are published, or those that are played.")
@json_option
@config_option
def list_streams(
    user: str | None,
    node: str | None,
    session: str | None,
    app: str | None,
    name: str | None,
    published: bool | None,
    as_json: bool,
) -> None:
    """List the live streams, by the names that the media server has for them."""
    meant = admin.Meant(user=user, node=node, session=session, app_key=app, name=name, published=published)
    found = [shown.stream(each) for each in run(settings(), lambda store: admin.streams(store, meant))]
    if as_json:
        print_json(found)
        return
    heads = ("node", "session", "media", "name", "does", "status", "user", "app", "since", "ending")
    rows = ({**each, "ending": ending_text(each["ending"])} for each in found)
    print_table(heads, ([each[head] for head in heads] for each in rows))


@stream.command()
@click.argument("id", required=False, metavar="[MEDIASESSION]")
@click.option("--name", metavar="PATTERN", help="Those with such a name: '*' any characters, '?' one.")
@click.option("--user", metavar="NAME", help="Those of a user, or of users by a pattern: '*' any characters, '?' one.")
@click.option("--node", metavar="ID", help="Those of a node: the media server's nodeId.")
@click.option("--session", metavar="ID", help="Those of a session.")
@click.option("--app", metavar="APPKEY", help="Those of an application.")
@click.option("--published/--played", default=None, help="Those that are published, or those that are played.")
@config_option
def end(
    id: str | None,
    name: str | None,
    user: str | None,
    node: str | None,
    session: str | None,
    app: str | None,
    published: bool | None,
) -> None:
    """End live streams, by telling the media server; their sessions go on, and may begin others.

    That takes a [[wcs]] section for their node.
    """
    config = settings()
    meant = admin.Meant(user=user, node=node, session=session, app_key=app, media=id, name=name, published=published)
    tell_ended(run(config, lambda store: admin.end_streams(store, meant, admin.reached(config.wcs))), "stream")
