"""``authgate user lint``."""

import json
from typing import TYPE_CHECKING, Any

import click

from authgate.admin.lint import Finding, Lint
from authgate.cli.common import config_option, hasher, json_option, plain, run, settings

if TYPE_CHECKING:
    from authgate.store import Store


@click.command()
@json_option
@config_option
@click.pass_context
def lint(ctx: click.Context, as_json: bool) -> None:
    """Name the users whose password hash lets nobody in, or protects badly, and say what to do.

    Exit status: 1 where there is a hash that no password opens.
    """
    config = settings()

    async def look(store: "Store") -> Lint:
        made = hasher(config)
        try:
            lint = Lint(store, made, config.hashing, config.server.deadline)
            await _show(lint, as_json)
            return lint
        finally:
            made.close()

    seen = run(config, look)
    click.echo(_summary(seen), err=True)
    ctx.exit(1 if seen.refused else 0)


async def _show(lint: Lint, as_json: bool) -> None:
    """Print each as it is found: there may be a million."""
    between = "[\n"
    async for each in lint.findings():
        if as_json:
            click.echo(between + json.dumps(_fields(each)), nl=False)
            between = ",\n"
        else:
            click.echo(plain(f"{each.user}: {each.scheme or '-'}, {each.fault}: {each.why}; {each.advice}"))
    if as_json:
        click.echo("[]" if between.startswith("[") else "\n]")


def _fields(each: Finding) -> dict[str, Any]:
    return {
        "name": each.user,
        "scheme": each.scheme or None,
        "fault": each.fault.value,
        "why": each.why,
        "advice": each.advice,
    }


def _summary(seen: Lint) -> str:
    schemes = ", ".join(f"{count} {scheme}" for scheme, count in seen.schemes.most_common()) or "no password"
    faults = ", ".join(f"{count} {fault}" for fault, count in sorted(seen.faults.items())) or "nothing to do"
    return f"{seen.users} users: {schemes}; {faults}"
