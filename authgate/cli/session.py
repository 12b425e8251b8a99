"""``authgate session``."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from authgate import admin
from authgate.cli.common import config_option, iso, json_option, print_json, print_table, run, settings
from authgate.errors import Refused
from authgate.model import Ending, Session

if TYPE_CHECKING:
    from authgate.config import Config


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
    found = [_fields(each, older) for each in run(config, lambda store: admin.sessions(store, meant))]
    if as_json:
        print_json(found)
        return
    heads = ("node", "session", "user", "app", "since", "expires", "rules", "ending")
    shown = [{**each, "ending": ending_text(each["ending"])} for each in found]
    print_table(heads, ([each[head] for head in heads] for each in shown))
    if any(each["rules"] == "older" for each in found):
        click.echo("rules: older ones were told to the media server; end these with: authgate session end --older")


@session.command()
@click.argument("id", metavar="SESSION")
@click.option("--node", metavar="ID", help="Of a node: the media server's nodeId.")
@json_option
@config_option
def show(id: str, node: str | None, as_json: bool) -> None:
    """Show a live session with its streams and calls."""
    from authgate.cli.call import call_fields
    from authgate.cli.stream import stream_fields

    config, older = settings(), _older()
    meant = admin.Meant(session=id, node=node)
    found = run(config, lambda store: admin.sessions(store, meant))
    if not found:
        raise Refused(f"no live session {id!r}" + (f" on node {node!r}" if node is not None else ""))
    streams = run(config, lambda store: admin.streams(store, meant))
    calls = run(config, lambda store: admin.calls(store, meant))
    shown = [
        {
            **_fields(each, older),
            "streams": [stream_fields(one) for one in streams if one.key[:2] == each.key],
            "calls": [call_fields(one) for one in calls if one.key[:2] == each.key],
        }
        for each in found
    ]
    if as_json:
        print_json(shown)
        return
    for each in shown:
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
    tell_ended(run(config, lambda store: admin.end_sessions(store, meant, reached(config))), "session")


def reached(config: "Config") -> Callable[[str], bool]:
    """Tells of a nodeId whether a section of the configuration says how to reach that node."""
    return lambda node: any(each.covers(node) for each in config.wcs)


def tell_ended(ended: admin.Ended, noun: str) -> None:
    """Say what came of ending some."""
    if ended.ordered:
        click.echo(
            f"ending {ended.ordered}: the media server is being told; authgate {noun} list shows how far that is"
        )
    if ended.closed or not ended.ordered:
        click.echo(f"ended {ended.closed}")


def ending_fields(ending: Ending | None) -> dict[str, Any] | None:
    """How far the end of something is, for machines; None: it is not to be ended."""
    if ending is None:
        return None
    return {
        "since": iso(ending.at),
        "reason": ending.reason,
        "tries": ending.tries,
        "error": ending.error or None,
    }


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
        "token": client and client.token_id,
        "grants": list(client.grants) if client and client.grants is not None else None,
        "groups": sorted(client.groups) if client else [],
        "origin": each.origin or None,
        "seen": iso(each.seen_at) if each.seen_at is not None else None,
        "rules": "older" if older(each) else "current",
        "ending": ending_fields(each.ending),
    }
