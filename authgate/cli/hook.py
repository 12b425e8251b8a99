"""``authgate hook``."""

import time
from difflib import get_close_matches
from typing import IO, TYPE_CHECKING

import click

from authgate.cli.common import config_option, json_option, moment, plain, print_json, run, settings
from authgate.names import canonical

if TYPE_CHECKING:
    from authgate.cli.recording import Recording
    from authgate.config import Config
    from authgate.explain import Explanation
    from authgate.judge import Step
    from authgate.store import Store

_LATEST = 253_370_764_800_000  # the year 9999, in milliseconds since the epoch


@click.group()
def hook() -> None:
    """Try a hook: what would be answered, and why."""


def _moment(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """Seconds since the epoch."""
    if text is None:
        return None
    at = moment(text)
    if not 0 <= at < _LATEST:
        raise click.BadParameter(f"{text!r} is no time between the years 1970 and 9999")
    return at / 1000


@hook.command("try")
@click.argument("file", metavar="FILE|-", type=click.File("rb"))
@click.option("--method", metavar="HOOK", help="As connect or publishStream; a body alone does not say it.")
@click.option("--as", "user", metavar="USER", help="As if this user of the store had sent it.")
@click.option("--at", callback=_moment, metavar="TIME", help="As if it came then: 1h ago, or 2026-01-31T12:00Z.")
@click.option("--send", is_flag=True, help="Ask the targets that rules name; without it they are not asked.")
@json_option
@config_option
def try_hook(
    file: IO[bytes], method: str | None, user: str | None, at: float | None, send: bool, as_json: bool
) -> None:
    """Say what would be answered to the hook in FILE and why, step by step. Nothing is changed or recorded.

    FILE holds a hook's body, or a whole HTTP request as it was recorded. Exit status 0: it would be allowed.
    """
    from authgate.cli.explained import as_tree, print_explanation
    from authgate.cli.recording import HEAD_LENGTH, read

    config = settings()
    name = None if user is None else canonical(user)
    try:
        given = file.read(HEAD_LENGTH + config.server.max_body + 1)
    except OSError as fault:
        raise click.UsageError(f"{file.name}: {fault.strerror}") from None
    recorded = read(given, method, config.server.base)
    now = time.time() if at is None else at
    checks, found = run(config, lambda store: _tried(config, store, recorded, name, now, send))
    if as_json:
        print_json(as_tree(found, checks, recorded.notes))
    else:
        print_explanation(found, checks, recorded.notes)
    if not found.allowed:
        raise SystemExit(1)


async def _tried(
    config: "Config", store: "Store", recorded: "Recording", user: str | None, now: float, send: bool
) -> "tuple[tuple[Step, ...], Explanation]":
    from authgate.cli.judging import dry_in_force
    from authgate.errors import BadHook, Refused
    from authgate.explain import callers, explain, explain_stranger, explain_unread, refused, sent_by
    from authgate.hooks import reply
    from authgate.hooks.methods import METHODS, method
    from authgate.hooks.parse import parse

    delivery = recorded.delivery
    of = method(delivery.method)
    if not of.known and (near := get_close_matches(of.name.lower(), {name.lower(): name for name in METHODS}, 1)):
        meant = next(name for name in METHODS if name.lower() == near[0])
        click.echo(f"note: {plain(of.name)} is no method that is known; did you mean {meant}?", err=True)
    checks = callers(config.caller, delivery if recorded.whole else None)
    async with dry_in_force(config, store, send=send) as in_force:
        if user is not None and await in_force.judge.outside.users.find(user) is None:
            raise Refused(f"there is no user {user!r}")
        if len(delivery.body) > config.server.max_body:
            fault = f"the body has more than {config.server.max_body} bytes (server.max_body)"
            return checks, explain_unread(of, fault, reply.TOO_LARGE, in_force)
        if refused(checks):
            return checks, explain_stranger(of, in_force)
        try:
            hook = parse(delivery)
        except BadHook as fault:
            return checks, explain_unread(of, str(fault), reply.MALFORMED, in_force)
        sender = None if user is None else await sent_by(user, hook, now, in_force)
        return checks, await explain(hook, now, in_force, sender, config.rules)
