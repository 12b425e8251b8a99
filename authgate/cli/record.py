"""``authgate record``."""

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from authgate import admin
from authgate.admin import shown
from authgate.cli.common import config_option, iso, json_option, print_json, print_table, run, settings
from authgate.cli.following import follow
from authgate.cli.past import show
from authgate.cli.record_filters import filters
from authgate.cli.record_stream import stream

if TYPE_CHECKING:
    from authgate.store import Store
    from authgate.wanted import RecordFilter


@click.group()
def record() -> None:
    """Show the audit trail: one record for each hook that was answered."""


record.add_command(show)
record.add_command(follow)
record.add_command(stream)


@record.command("list")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="At most this many.")
@filters
@json_option
@config_option
def list_records(limit: int, wanted: "RecordFilter", as_json: bool) -> None:
    """List the newest records that match all that is given, newest first; of what is given twice, one of both."""
    found = run(settings(), lambda store: admin.records(store, wanted, limit=limit))
    if as_json:
        print_json([shown.record(*each) for each in found])
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
        for _, each in found
    )
    print_table(heads, rows)


@record.command("export")
@filters
@config_option
def export(wanted: "RecordFilter") -> None:
    """Write all records that match, oldest first, to standard output: a JSON object a line, with the facts of each."""
    try:
        run(settings(), lambda store: _export(store, wanted))
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end


async def _export(store: "Store", wanted: "RecordFilter") -> None:
    target, dumps = sys.stdout.buffer, json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
    async for page in admin.all_records(store, wanted):
        lines = [dumps(shown.whole_record(seq, each)) for seq, each in page]
        target.write(("\n".join(lines) + "\n").encode("ascii"))
