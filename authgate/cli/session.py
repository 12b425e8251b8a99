"""``authgate session``."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from authgate import admin
from authgate.admin import shown
from authgate.cli.common import config_option, json_option, print_json, print_table, run, settings
from authgate.errors import Refused
from authgate.model import Session

if TYPE_CHECKING:
    pass


@click.group()
def session() -> None:
    """Show and end the live sessions: the connections that were let in and are not over."""


@session.command("list")
@click.option("--user", metavar="NAME", help="Those of a user, or of users by a pattern: '*' any characters, '?' one.")
@click.option("--node", metavar="ID", help="Those of a node: the media server's nodeId.")
@click.option("--app", metavar="APPKEY", help="Those of an application.")
@click.option("--token", metavar="JTI", help="Those that a token opened.")
@json_option
@config_option
def list_sessions(user: str | None, node: str | None, app: str | None, token: str | None, as_json: bool) -> None:
    """List the live sessions; those that were opened under older rules go on as the media server was told then."""
    config = settings()
    older = _older()
    meant = admin.Meant(user=user, node=node, app_key=app, token_id=token)
    found = [shown.session(each, older=older(each)) for each in run(config, lambda store: admin.sessions(store, meant))]
    if as_json:
        print_json(found)
        return
    heads = ("node", "session", "user", "app", "since", "expires", "rules", "ending")
    rows = [{**each, "ending": ending_text(each["ending"])} for each in found]
    print_table(heads, ([each[head] for head in heads] for each in rows))
    if any(each["rules"] == "older" for each in found):
        click.echo("rules: older ones were told to the media server; end these with: authgate session end --older")


@session.command()
@click.argument("id", metavar="SESSION")
@click.option("--node", metavar="ID", help="Of a node: the media server's nodeId.")
@json_option
@config_option
def show(id: str, node: str | None, as_json: bool) -> None:
    """Show a live session with its streams and calls."""
    config, older = settings(), _older()
    meant = admin.Meant(session=id, node=node)
    found = run(config, lambda store: admin.sessions(store, meant))
    if not found:
        raise Refused(f"no live session {id!r}" + (f" on node {node!r}" if node is not None else ""))
    streams = run(config, lambda store: admin.streams(store, meant))
    calls = run(config, lambda store: admin.calls(store, meant))
    rows = [
        {
            **shown.session(each, older=older(each)),
            "streams": [shown.stream(one) for one in streams if one.key[:2] == each.key],
            "calls": [shown.call(one) for one in calls if one.key[:2] == each.key],
        }
        for each in found
    ]
    if as_json:
        print_json(rows)
        return
    for each in rows:
        parts = {"ending": ending_text(each["ending"]), "streams": len(each["streams"]), "calls": len(each["calls"])}
        print_table(("field", "value"), ((name, _text(value)) for name, value in {**each, **parts}.items()))
        for one in each["streams"]:
            click.echo(f"stream {one['media']}: {one['name']} {one['status']} since {one['since']}")
        for one in each["calls"]:
            click.echo(f"call {one['call']}: {one['caller']} to {one['callee']} {one['status']} since {one['since']}")


@session.command()
@click.argument("id", required=False, metavar="[SESSION]")
@click.option("--node", metavar="ID", help="Those of a node: the media server's nodeId.")
@click.option("--user", metavar="NAME", help="Those of a user, or of users by a pattern: '*' any characters, '?' one.")
@click.option("--app", metavar="APPKEY", help="Those of an application.")
@click.option("--token", metavar="JTI", help="Those that a token opened.")
@click.option("--older", is_flag=True, help="Those that were opened under older rules.")
@config_option
def end(id: str | None, node: str | None, user: str | None, app: str | None, token: str | None, older: bool) -> None:
    """End live sessions: their clients are refused from their next hook on, and have to connect again.

    A media server that a [[wcs]] section covers is told to hang up on them, in the background, until it has. Of others
    the sessions are forgotten: they obey for the methods for which they were told FAIL when the session was opened, and
    a stream that runs goes on until it ends, unless keep-alives are judged.

    Whoever must not come back has to be kept out as well: authgate ban add, user disable or token revoke.
    """
    config = settings()
    only = _older() if older else None
    meant = admin.Meant(user=user, node=node, session=id, app_key=app, token_id=token, only=only)
    tell_ended(run(config, lambda store: admin.end_sessions(store, meant, admin.reached(config.wcs))), "session")


def tell_ended(ended: admin.Ended, noun: str) -> None:
    """Say what came of ending some."""
    if ended.ordered:
        click.echo(
            f"ending {ended.ordered}: the media server is being told; authgate {noun} list shows how far that is"
        )
    if ended.closed or not ended.ordered:
        click.echo(f"ended {ended.closed}")


def ending_text(fields: dict[str, Any] | None) -> str | None:
    """The same for people."""
    if fields is None:
        return None
    tried = f", tried {fields['tries']} times: {fields['error']}" if fields["tries"] else ""
    return f"{fields['reason']}{tried}"


def _older() -> Callable[[Session], bool]:
    from authgate.wiring import is_current  # here, so that help needs less

    current = is_current(settings())
    return lambda each: not current(each.app_key, each.config)


def _text(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
