"""``authgate message``."""

import click

from authgate import admin
from authgate.cli.common import config_option, run, settings
from authgate.errors import Refused


@click.group()
def message() -> None:
    """Send messages to clients, in the server's own name."""


@message.command()
@click.option("--json", "payload", required=True, metavar="PAYLOAD", help="What to send: any JSON; - reads it.")
@click.option("--user", metavar="NAME", help="To all sessions of a user.")
@click.option("--session", metavar="ID", help="To one session, by its sessionId or the id that its messages carry.")
@click.option("--node", metavar="ID", help="Of the session, where several nodes have one of this id.")
@click.option("--stream", metavar="NAME", help="To all who publish or play a stream.")
@click.option("--room", metavar="NAME", help="To all in a room; needs --app.")
@click.option("--app", metavar="APPKEY", help="Only there; alone: to everybody there.")
@config_option
def send(
    payload: str,
    user: str | None,
    session: str | None,
    node: str | None,
    stream: str | None,
    room: str | None,
    app: str | None,
) -> None:
    """Queue a message, which the running server delivers; what nobody delivers within signalling.ttl is given up."""
    body = _read(payload)
    config = settings()
    whom = {"user": user, "session": session, "node": node, "app": app, "stream": stream, "room": room}
    reachable = bool(config.wcs)
    id = run(config, lambda store: admin.send_message(store, config.signalling, body, reachable=reachable, **whom))
    click.echo(f"queued {id}")


def _read(payload: str) -> object:
    """The value that was given, read as strictly as what clients send."""
    from authgate.cli.common import read_input
    from authgate.strictjson import read_object

    text = read_input(1 << 20) if payload == "-" else payload
    try:
        found = read_object(b'{"body":' + text.encode("utf-8", "surrogateescape") + b"}")
    except ValueError as fault:
        raise Refused(f"the payload {fault}") from None
    if len(found) > 1:
        raise Refused("the payload is not JSON")
    return found["body"]
