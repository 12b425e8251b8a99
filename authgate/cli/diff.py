"""``authgate config diff``: what another configuration would change."""

import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from authgate.cli.common import (
    config_option,
    duration,
    json_option,
    plain,
    print_json,
    print_table,
    run,
    settings,
)

if TYPE_CHECKING:
    from authgate.config import Config
    from authgate.explain import Change, Differs, Replay, SessionsTold, ToldOtherwise, Verdict
    from authgate.model import Record
    from authgate.store import Store

_PAGE = 1_000  # rows that are read at once
_SHOWN = 40  # kinds of changes that people are shown
_STEP = 5_000  # records between two lines of progress


@dataclass(frozen=True, slots=True)
class Found:
    """All that another configuration would change."""

    options: "list[Differs]"
    told: "list[ToldOtherwise]"
    sessions: "SessionsTold"
    replay: "Replay"
    records: int  # that were read
    more: bool  # whether there are more of that time


@click.command()
@click.argument("new", metavar="NEW.toml", type=click.Path(path_type=Path))
@click.option("--records", "seconds", type=duration, default="24h", show_default=True, metavar="TIME")
@click.option("--limit", type=click.IntRange(0), default=100_000, show_default=True, help="At most this many records.")
@json_option
@config_option
def diff(new: Path, seconds: int, limit: int, as_json: bool) -> None:
    """Say what would change with the configuration NEW.toml: options, what the media server is told, and verdicts.

    The recorded hooks of the last 24 hours are judged by both configurations, with the clients that sent them then
    and what the store says of those now. Credentials are not checked again, and targets are not asked.
    """
    import os

    from authgate.config import load

    before, after = settings(), load(new, os.environ)
    since = max(0, int((time.time() - seconds) * 1000))
    found = run(before, lambda store: _compared(before, after, store, since, limit))
    if as_json:
        print_json(_tree(found))
    else:
        _print(found)


async def _compared(before: "Config", after: "Config", store: "Store", since: int, limit: int) -> Found:
    from authgate.cli.judging import dry_in_force
    from authgate.explain import Replay, differing, sessions_told, told_otherwise

    async with dry_in_force(before, store) as old, dry_in_force(after, store) as new:
        sessions = sessions_told(await store.sessions.count_by_config(), old, new)
        replay, read, more = Replay(old, new), 0, False
        async for record in _records(store, since):
            if read >= limit:
                more = True
                break
            await replay.add(record)
            read += 1
            if read % _STEP == 0:
                _progress(read)
        return Found(differing(before, after), told_otherwise(old, new), sessions, replay, read, more)


async def _records(store: "Store", since: int) -> "AsyncIterator[Record]":
    """The records since a time, newest first, without holding more than a page of them."""
    before = ""
    while page := await store.records.page(since, before, _PAGE):
        for each in page:
            yield each
        before = page[-1].id


def _progress(read: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{read:,} records judged again", err=True, nl=False)


def _print(found: Found) -> None:
    if sys.stderr.isatty() and found.records >= _STEP:
        click.echo(err=True)
    _heading("options")
    for each in found.options:
        click.echo(f"  {plain(each.key)} {each.how}")
    if not found.options:
        click.echo("  none differs")
    _heading("what the media server is told (sessions that are opened from then on)")
    if found.told:
        rows = [(each.app_key or "*", each.method, each.setting, *_listed(each)) for each in found.told]
        print_table(("app", "method", "setting", "now", "then"), rows)
    else:
        click.echo("  the same")
    told = found.sessions
    _heading("live sessions")
    click.echo(f"  {told.older_then} of {told.live} would carry an older restClientConfig; {told.older_now} do now")
    _print_replay(found)


def _print_replay(found: Found) -> None:
    replay = found.replay
    _heading("verdicts")
    shown = replay.changes.most_common(_SHOWN)
    if shown:
        heads = ("count", "method", "app", "user", "subject", "now", "then")
        print_table(heads, [(count, *change[:4], _said(change.before), _said(change.after)) for change, count in shown])
    if len(replay.changes) > _SHOWN:
        click.echo(f"  and {len(replay.changes) - _SHOWN} more kinds; --json has them")
    changed = sum(replay.changes.values())
    click.echo(f"  {changed} of {replay.judged} verdicts would change, of {found.records} records")
    if found.more:
        click.echo("  there are older records of that time; --limit says how many are judged")
    if replay.other_rule:
        click.echo(f"  {replay.other_rule} stay as they are, by another rule")
    for why, count in replay.unknown.most_common():
        click.echo(f"  {count} cannot be told: {plain(why)}")
    if replay.not_reproduced:
        click.echo(f"  {replay.not_reproduced} were judged otherwise at the time than the rules in force would now")


def _heading(text: str) -> None:
    click.echo(f"{text}:")


def _said(verdict: "Verdict") -> str:
    said = "allowed" if verdict.allowed else verdict.reason
    changed = f", changes {', '.join(verdict.changed)}" if verdict.changed else ""
    changed += f" ({', '.join(verdict.otherwise)} to something else)" if verdict.otherwise else ""
    return f"{said}{changed} ({verdict.rule})"


def _listed(each: "ToldOtherwise") -> tuple[str, str]:
    """Both values; of lists, only what one of them lacks."""
    before, after = each.before.split(","), each.after.split(",")
    only_before = [name for name in before if name and name not in after]
    only_after = [name for name in after if name and name not in before]
    return ", ".join(only_before), ", ".join(only_after)


def _tree(found: Found) -> dict[str, Any]:
    replay = found.replay
    return {
        "options": [{"key": each.key, "how": each.how} for each in found.options],
        "restClientConfig": [
            {
                "app": each.app_key or None,
                "method": each.method,
                "setting": each.setting,
                "now": each.before,
                "then": each.after,
            }
            for each in found.told
        ],
        "sessions": {
            "live": found.sessions.live,
            "older_now": found.sessions.older_now,
            "older_then": found.sessions.older_then,
        },
        "records": found.records,
        "more": found.more,
        "judged": replay.judged,
        "changed": sum(replay.changes.values()),
        "changes": [_change(change, count) for change, count in replay.changes.most_common()],
        "other_rule": replay.other_rule,
        "unknown": dict(replay.unknown),
        "not_reproduced": replay.not_reproduced,
    }


def _change(change: "Change", count: int) -> dict[str, Any]:
    return {
        "count": count,
        "method": change.method,
        "app": change.app_key,
        "user": change.user or None,
        "subject": change.subject,
        "now": _verdict(change.before),
        "then": _verdict(change.after),
    }


def _verdict(verdict: "Verdict") -> dict[str, Any]:
    return {
        "allowed": verdict.allowed,
        "reason": verdict.reason,
        "rule": verdict.rule,
        "changed": list(verdict.changed),
        "otherwise": list(verdict.otherwise),
    }
