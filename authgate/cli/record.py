"""``authgate record``."""

from typing import Any

import click

from authgate import admin
from authgate.cli.common import config_option, iso, json_option, moment, print_json, print_table, run, settings
from authgate.cli.following import follow
from authgate.cli.past import show
from authgate.model import Reason, Record


@click.group()
def record() -> None:
    """Show the audit trail: one record for each hook that was answered."""


record.add_command(show)
record.add_command(follow)


@record.command("list")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="At most this many.")
@click.option("--user", metavar="NAME")
@click.option("--session", metavar="ID", help="The media server's sessionId.")
@click.option("--method", metavar="HOOK", help="As connect or publishStream.")
@click.option("--app", metavar="APPKEY")
@click.option("--allowed/--rejected", "allowed", default=None)
@click.option("--reason", type=click.Choice([reason.value for reason in Reason]), metavar="REASON")
@click.option("--since", type=moment, metavar="TIME", help="As 15m, 1h or 7d ago, or 2026-01-31T12:00Z.")
@json_option
@config_option
def list_records(
    limit: int,
    user: str | None,
    session: str | None,
    method: str | None,
    app: str | None,
    allowed: bool | None,
    reason: str | None,
    since: int | None,
    as_json: bool,
) -> None:
    """List the newest records that match all that is given, newest first."""
    found = run(
        settings(),
        lambda store: admin.records(
            store,
            limit=limit,
            user=user,
            session=session,
            method=method,
            app_key=app,
            allowed=allowed,
            reason=None if reason is None else Reason(reason),
            since=since,
        ),
    )
    if as_json:
        print_json([_fields(each) for each in found])
        return
    heads = ("at", "method", "app", "user", "verdict", "reason", "rule", "subject", "session", "id")
    rows = (
        (
            iso(each.at),
            each.method,
            each.app_key,
            each.user,
            "allowed" if each.allowed else "rejected",
            each.reason.value,
            each.rule,
            each.subject,
            each.key.session,
            each.id,
        )
        for each in found
    )
    print_table(heads, rows)


def _fields(each: Record) -> dict[str, Any]:
    return {
        "id": each.id,
        "at": iso(each.at),
        "node": each.key.node,
        "session": each.key.session,
        "app": each.app_key,
        "method": each.method,
        "user": each.user,
        "allowed": each.allowed,
        "reason": each.reason.value,
        "rule": each.rule,
        "status": each.status,
        "subject": each.subject,
    }
