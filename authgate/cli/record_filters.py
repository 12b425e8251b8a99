"""The options by which commands say which records they are about."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from authgate.cli.common import moment
from authgate.model import Reason

_SEVERAL = (
    ("--user", "users", "NAME", "Who it was, or said to be."),
    ("--session", "sessions", "ID", "The media server's sessionId."),
    ("--node", "nodes", "ID", "The media server's nodeId."),
    ("--stream", "subjects", "NAME", "What it was about: the name of a stream, a callee, or a call."),
    ("--method", "methods", "HOOK", "As connect or publishStream."),
    ("--app", "apps", "APPKEY", None),
    ("--rule", "rules", "NAME", "That gave the verdict."),
    ("--status", "statuses", "STATUS", "Of the stream, call or connection, as PUBLISHING."),
)


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """Options that come to one value, ``wanted``; each may be given several times."""

    @wraps(command)
    def with_wanted(**given: Any) -> None:
        from authgate.wanted import asked

        named = {name: given.pop(name) for name in _NAMES}
        command(wanted=asked(**named), **given)

    ago = "As 15m, 1h or 7d ago, or 2026-01-31T12:00Z."
    options = [
        *(
            click.option(flag, name, multiple=True, metavar=metavar, help=text)
            for flag, name, metavar, text in _SEVERAL
        ),
        click.option("--allowed/--rejected", "allowed", default=None),
        click.option(
            "--reason",
            "reasons",
            multiple=True,
            type=click.Choice([reason.value for reason in Reason]),
            metavar="REASON",
        ),
        click.option("--since", type=moment, metavar="TIME", help=ago),
        click.option("--until", type=moment, metavar="TIME", help="The same; what is of then is left out."),
    ]
    found: Callable[..., None] = with_wanted
    for option in reversed(options):
        found = option(found)
    return found


_NAMES = (*(name for _, name, _, _ in _SEVERAL), "allowed", "reasons", "since", "until")
