"""``authgate wcs``."""

import asyncio
from dataclasses import asdict

import click

from authgate import admin
from authgate.cli.common import config_option, json_option, print_json, print_table, run, settings
from authgate.errors import AuthgateError


@click.group()
def wcs() -> None:
    """See whether the media server's REST API can be used."""


@wcs.command()
@json_option
@config_option
def check(as_json: bool) -> None:
    """Ask each node of [[wcs]] for its connections and streams, and say what is wrong.

    Unknown are connections that are no live session of authgate's: of other applications, or that it has missed.

    Exit status 1: one cannot be reached, does not let authgate in, or answers what cannot be read.
    """
    config = settings()
    try:
        live = run(config, admin.known_sessions)
    except AuthgateError:  # the store is away, or not at the newest revision: that is for db check to say
        live = None
    reports = asyncio.run(admin.check_wcs(config.wcs, live))
    if as_json:
        print_json([asdict(each) for each in reports])
    else:
        heads = ("node", "url", "reachable", "authenticated", "connections", "unknown", "streams", "milliseconds")
        print_table(
            heads,
            [(*(getattr(each, head) for head in heads[:-1]), round(each.seconds * 1000)) for each in reports],
        )
        for each in reports:
            if each.fault:
                click.echo(f"{each.node}: {each.fault}", err=True)
    if any(each.fault for each in reports):
        raise SystemExit(1)
