"""``authgate config``."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from authgate import admin
from authgate.cli.common import config_option, json_option, plain, print_json, run, settings
from authgate.cli.diff import diff
from authgate.errors import AuthgateError, Refused

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.config import Config

_PATIENCE = 60.0  # seconds for the server to say what came of it


@click.group()
def config() -> None:
    """Check and show the configuration, and have the running server take it over."""


config.add_command(diff)


@config.command()
@json_option
@config_option
def check(as_json: bool) -> None:
    """Say whether the server could start with it, and what in it is weaker than it could be."""
    read = settings()
    warnings = read.warnings()
    if as_json:
        print_json({"file": str(read.source), "warnings": list(warnings)})
        return
    for warning in warnings:
        click.echo(f"warning: {plain(warning)}")
    click.echo(f"{plain(str(read.source))} can be used")


@config.command()
@json_option
@config_option
def show(as_json: bool) -> None:
    """Show every option as it is in force, with secrets masked."""
    from authgate.config import shown

    tree = shown(settings())
    if as_json:
        print_json(tree)
        return
    for key, value in _lines(tree):
        click.echo(f"{plain(key)} = {json.dumps(value)}")


@config.command()
@json_option
@config_option
def reload(as_json: bool) -> None:
    """Have the running server take the configuration over: as a whole, in every worker, or not at all."""
    from authgate.server import presence

    read = settings()
    outcome = presence.ask(read.store.spool, read.source, _PATIENCE)
    if outcome.faults:
        raise Refused("\n".join((*outcome.faults, f"the server goes on with configuration {outcome.revision}")))
    for warning in (*read.warnings(), *_key_warnings(read)):
        click.echo(f"warning: {plain(warning)}", err=True)
    older = _older_sessions(read)
    if as_json:
        told = {name: getattr(outcome, name) for name in ("generation", "revision", "workers", "at")}
        print_json(told | {"older_sessions": older})
        return
    workers = f"{outcome.workers} workers" if outcome.workers > 1 else "1 worker"
    click.echo(f"took over configuration {outcome.revision}, generation {outcome.generation}, in {workers}")
    if older:
        click.echo(
            f"live sessions that were opened under older rules: {older}; "
            "the media server goes by what it was told then; end them with: authgate session end --older"
        )


def _older_sessions(read: "Config") -> int | None:
    """How many live sessions carry another restClientConfig than they would get now; None: the store does not say."""
    from authgate.wiring import is_current

    current = is_current(read)
    try:
        return run(read, lambda store: admin.older_sessions(store, current))
    except AuthgateError as error:  # what was asked for is done all the same
        click.echo(
            f"warning: sessions that were opened under older rules are not counted: {plain(str(error))}", err=True
        )
        return None


def _key_warnings(read: "Config") -> list[str]:
    """What is wrong with our own keys under other master keys; nothing where the store does not say."""
    try:
        return run(read, lambda store: admin.key_warnings(store, read.verifiers, issuing=read.issuing.issues))
    except AuthgateError:  # which is told when the sessions are counted
        return []


def _lines(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """One line for each option, named as errors name it; lists of plain values on one line."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _lines(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for at, inner in enumerate(value):
            yield from _lines(inner, f"{key}[{at}]")
    else:
        yield key, value
