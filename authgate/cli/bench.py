"""``authgate bench``."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from authgate.cli.common import config_option, json_option, plain, print_json, print_table, settings

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.bench.figures import Findings
    from authgate.bench.running import Latency


@click.command()
@click.option("--seconds", type=click.FloatRange(0.1, 600), help="Of each round.  [default: 3; 10 with --url]")
@click.option("--connections", type=click.IntRange(1, 4096), default=64, show_default=True, help="At once.")
@click.option("--workers", type=click.IntRange(1, 256), help="This many processes instead of [server] workers.")
@click.option("--users", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True, help="In its own store.")
@click.option("--logins/--no-logins", default=True, help="Measure passwords too, where a verifier takes some.")
@click.option("--app", default="defaultApp", show_default=True, metavar="KEY", help="The appKey of the hooks.")
@click.option("--url", metavar="URL", help="Measure the latency of this running server instead, gently.")
@click.option("--rate", type=click.FloatRange(1, 1000), help="Hooks a second with --url.  [default: 50]")
@click.option(
    "--tell-others", is_flag=True, help="With --url: also where webhooks, targets, signals or a stream hear of it."
)
@json_option
@config_option
def bench(
    seconds: float | None,
    connections: int,
    workers: int | None,
    users: int,
    logins: bool,
    app: str,
    url: str | None,
    rate: float | None,
    tell_others: bool,
    as_json: bool,
) -> None:
    """Measure how many hooks this machine answers, without harm to the server and the store that are in use.

    The configuration is served by a server of its own, on a free port of 127.0.0.1, with a scratch database beside the
    store; both are gone afterwards, also where this command is interrupted or killed. Nobody else is asked or told.
    It takes the machine's cores meanwhile: with a server beside it that is in use, choose a quiet hour.

    With --url a server that runs is sent a few hooks, by a user that is added and removed again.
    """
    if url is None and (rate is not None or tell_others):
        raise click.UsageError("--rate and --tell-others go with --url")
    config = settings()
    with _stopped_in_order():
        if url is not None:
            from authgate.bench import running

            wish = running.Gently(url, seconds or 10.0, rate or 50.0, app, tell_others)
            _print_latency(running.measure(config, wish, _say), as_json)
        else:
            from authgate.bench import scratch

            processes = workers or config.server.workers
            found = scratch.measure(
                config, scratch.Wish(seconds or 3.0, connections, processes, users, app, logins), _say
            )
            _print_findings(found, as_json)


def _print_findings(found: "Findings", as_json: bool) -> None:
    from authgate.bench.figures import HEADS

    if as_json:
        print_json(found.shown())
        return
    print_table(HEADS, found.rows())
    if found.memory:
        click.echo(f"memory of each worker: {', '.join(f'{each / 1e6:.0f} MB' for each in found.memory)}")
    for line in found.advice():
        click.echo(line)
    for line in found.notes:
        click.echo(f"note: {plain(line)}")


def _print_latency(found: "Latency", as_json: bool) -> None:
    listing = f"authgate record list --node '{found.node}'"
    if as_json:
        print_json(asdict(found) | {"records": listing})
        return
    heads = ("hook", "hooks", "p50 ms", "p99 ms", "p99.9 ms", "refused")
    points = [(each, (each.p50, each.p99, each.p999)) for each in found.figures]
    rows = [
        (each.what, each.hooks, *(f"{value:.1f}" for value in times), each.refused + each.failed)
        for each, times in points
    ]
    print_table(heads, rows)
    click.echo(f"its user is gone; its records remain: {plain(listing)}")


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """In it, whoever tells this process to stop has it put away what it made first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stops = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, _stop) for each in stops}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _stop(number: int, _: object) -> None:
    sys.exit(128 + number)


def _say(text: str) -> None:
    click.echo(plain(text), err=True)
