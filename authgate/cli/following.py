"""``authgate record follow``."""

import asyncio
import os
import select
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from authgate.cli.common import config_option, iso, moment, plain, run, settings

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.feed import Event, Filter
    from authgate.store import Store

EVERY = 0.25  # seconds between two looks
PAUSE = 1.0  # seconds until a store that is away is asked again
_PAGE = 500
_WIDTHS = (24, 15, 21, 12, 12, 8, 22)  # of the columns; what is wider moves the others


def _several(name: str, metavar: str, help_: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(f"--{name}", f"{name}s", multiple=True, metavar=metavar, help=help_)


@click.command()
@_several("kind", "KIND", "As session.opened, or a family: session, stream, call, hook. Several.")
@_several("method", "HOOK", "As connect or publishStream. Several.")
@_several("app", "APPKEY", "Several.")
@_several("user", "NAME", "Several.")
@_several("node", "ID", "The media server's nodeId. Several.")
@_several("session", "ID", "The media server's sessionId. Several.")
@_several("stream", "NAME", "Several.")
@click.option("--allowed/--rejected", "allowed", default=None)
@_several("reason", "REASON", "Several.")
@click.option("--since", type=moment, metavar="TIME", help="As 15m, 1h or 7d ago, or 2026-01-31T12:00Z.")
@click.option("--after", type=click.IntRange(0), metavar="ID", help="Behind this event; 0: all that are kept.")
@click.option("--json", "as_json", is_flag=True, help="Print an event a line, as JSON.")
@config_option
def follow(since: int | None, after: int | None, allowed: bool | None, as_json: bool, **named: tuple[str, ...]) -> None:
    """Print what is recorded as it is recorded, until Ctrl-C.

    Without --since and --after it begins with what happens from now on.
    """
    from authgate.feed import Filter

    if since is not None and after is not None:
        raise click.UsageError("--since and --after exclude each other")
    verdicts = () if allowed is None else ("allowed" if allowed else "rejected",)
    try:
        wanted = Filter(**named, verdicts=verdicts)
    except ValueError as fault:
        raise click.UsageError(str(fault).replace("\n", "; ")) from None
    with suppress(KeyboardInterrupt, BrokenPipeError):
        run(settings(), lambda store: _follow(store, wanted, since, after, as_json))
    _let_go()


async def _follow(store: "Store", wanted: "Filter", since: int | None, after: int | None, as_json: bool) -> None:
    from authgate.errors import StoreError
    from authgate.feed import Event

    at = await _begin(store, since, after)
    if not as_json:
        click.echo(_row(("AT", "KIND", "METHOD", "APP", "USER", "VERDICT", "REASON", "ABOUT")))
    away = False
    while not _unread():
        try:
            rows = await store.records.after(at, _PAGE)
        except StoreError as error:
            if not away:
                click.echo(f"waiting for the store: {plain(str(error))}", err=True)
            away = True
            await asyncio.sleep(PAUSE)
            continue
        if away:
            click.echo("the store is back", err=True)
        away = False
        events = [Event(seq, record) for seq, record in rows]
        _print([each for each in events if wanted.wants(each) and each.record.at >= (since or 0)], as_json)
        at = events[-1].id if events else at
        if len(events) < _PAGE:
            await asyncio.sleep(EVERY)


async def _begin(store: "Store", since: int | None, after: int | None) -> int:
    """The id to begin behind."""
    newest = await store.records.newest_seq()
    if since is not None:
        first = await store.records.first_seq(since)
        return newest if first is None else first - 1
    if after is None:
        return newest
    if after > newest:
        click.echo(f"there is no event {after}, the newest is {newest}: beginning there", err=True)
        return newest
    oldest = await store.records.oldest_seq()
    if after and oldest is not None and oldest > after + 1:
        click.echo(f"the events from {after + 1} to {oldest - 1} are not in the store any more", err=True)
    return after


def _print(events: "Sequence[Event]", as_json: bool) -> None:
    """Print events, all of them at once: who reads them on a terminal sees whole lines."""
    if not events:
        return
    if as_json:
        click.echo(b"\n".join(each.json for each in events))
        return
    click.echo("\n".join(_row(_cells(each)) for each in events))


def _cells(event: "Event") -> tuple[str, ...]:
    record = event.record
    verdict = "allowed" if record.allowed else "rejected"
    about = " ".join(filter(None, (record.status, record.subject, record.key.session)))
    at = iso(record.at) or ""
    return (at, event.kind, record.method, record.app_key, record.user or "-", verdict, record.reason.value, about)


def _row(cells: Sequence[str]) -> str:
    padded = (plain(cell).ljust(width) for cell, width in zip(cells, (*_WIDTHS, 0), strict=True))
    return "  ".join(padded).rstrip()


def _unread() -> bool:
    """Whether nobody reads what is printed any more: then nobody waits for an event that tells so."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(found & select.POLLERR for _, found in poll.poll(0))
    except (OSError, ValueError):  # it is no file at all
        return False


def _let_go() -> None:
    """Print nothing more where nobody reads it: what is still to be written would fail once more at the end."""
    with suppress(OSError, ValueError):
        if _unread():
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
