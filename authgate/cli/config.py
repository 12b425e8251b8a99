"""``authgate config``."""

import json
from collections.abc import Iterator
from typing import Any

import click

from authgate.cli.common import config_option, json_option, plain, print_json, settings


@click.group()
def config() -> None:
    """Check and show the configuration."""


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
