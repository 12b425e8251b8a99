"""``authgate wcs``."""

import asyncio
from dataclasses import asdict

import click

from authgate import admin
from authgate.cli.common import config_option, json_option, print_json, print_table, settings


@click.group()
def wcs() -> None:
    """See whether the media server's REST API can be used."""


@wcs.command()
@json_option
@config_option
def check(as_json: bool) -> None:
    """Ask each node of [[wcs]] for its connections and streams, and say what is wrong.

    Exit status 1: one cannot be reached, does not let authgate in, or answers what cannot be read.
    """
    reports = asyncio.run(admin.check_wcs(settings().wcs))
    if as_json:
        print_json([asdict(each) for each in reports])
    else:
        heads = ("node", "url", "reachable", "authenticated", "connections", "streams", "milliseconds")
        print_table(
            heads,
            [(*(getattr(each, head) for head in heads[:-1]), round(each.seconds * 1000)) for each in reports],
        )
        for each in reports:
            if each.fault:
                click.echo(f"{each.node}: {each.fault}", err=True)
    if any(each.fault for each in reports):
        raise SystemExit(1)
