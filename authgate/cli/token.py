"""``authgate token``."""

import time
from typing import TYPE_CHECKING

import click

from authgate import admin
from authgate.cli.common import (
    config_option,
    duration,
    hasher,
    iso,
    json_option,
    print_fields,
    print_json,
    read_input,
    run,
    settings,
)
from authgate.cli.explain import explain

if TYPE_CHECKING:
    from authgate.admin import TokenReport

_MOST = 1 << 20  # bytes read from standard input; no verifier takes a token as long as that


@click.group()
def token() -> None:
    """Issue and explain tokens."""


@token.command("issue")
@click.argument("name")
@click.option("--ttl", type=duration, default="1h", show_default=True, metavar="TIME", help="As 90s, 15m, 1h or 7d.")
@click.option("--verifier", metavar="NAME", help="For which verifier, where several take tokens.")
@config_option
def issue_token(name: str, ttl: int, verifier: str | None) -> None:
    """Print a token for the user NAME, and nothing else."""
    config = settings()
    click.echo(run(config, lambda store: admin.issue_token(store, config.verifiers, name, ttl, time.time(), verifier)))


@token.command()
@click.argument("text", metavar="TOKEN|-")
@json_option
@config_option
def check(text: str, as_json: bool) -> None:
    """Say what a client comes to that offers this token; with '-', read it from standard input."""
    offered = (read_input(_MOST) if text == "-" else text).strip()
    config = settings()
    report = run(config, lambda store: admin.check_token(store, hasher(config), config.verifiers, offered, time.time()))
    why = explain(report, offered, config.verifiers)
    fields = {**_fields(report), "explanation": why}
    if as_json:
        print_json(fields)
    else:
        print_fields({**fields, "grants": ", ".join(report.grants or ())})
    if not report.valid:
        raise SystemExit(1)


def _fields(report: "TokenReport") -> dict[str, object]:
    expires_at = report.expires_at
    return {
        "valid": report.valid,
        "reason": report.reason.value,
        "verifier": report.verifier.name if report.verifier else None,
        "jti": report.token_id,
        "subject": report.subject,
        "expires": None if expires_at is None else iso(expires_at * 1000),
        "grants": None if report.grants is None else list(report.grants),
    }
