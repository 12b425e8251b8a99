"""``authgate db``."""

import click

from authgate import admin
from authgate.cli.common import config_option, json_option, print_json, run, settings


@click.group()
def db() -> None:
    """Migrate the store, or look at its revision."""


@db.command()
@config_option
def upgrade() -> None:
    """Bring the store to the newest revision; safe to run again, and by several at once."""
    before = run(settings(), admin.upgrade, newest=False)
    if before.current == before.newest:
        click.echo(f"the store is at revision {before.newest} already")
    else:
        click.echo(f"upgraded the store from {before.current or 'nothing'} to revision {before.newest}")


@db.command()
@json_option
@config_option
def current(as_json: bool) -> None:
    """Print the revision that the store is at."""
    found = run(settings(), admin.revision, newest=False)
    if as_json:
        print_json({"current": found.current, "newest": found.newest, "state": found.state.value})
    else:
        click.echo(found.current or "none")


@db.command()
@json_option
@config_option
def check(as_json: bool) -> None:
    """Say whether the store can be reached and is at the newest revision."""
    config = settings()
    found = run(config, admin.revision, newest=False)
    if as_json:
        print_json({"current": found.current, "newest": found.newest, "state": found.state.value})
    run(config, admin.demand_newest, newest=False)
    if not as_json:
        click.echo(f"the store is at the newest revision, {found.newest}")
