"""``authgate source``."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import click

from authgate import admin
from authgate.cli.common import (
    config_option,
    iso,
    json_option,
    plain,
    print_fields,
    print_json,
    print_table,
    run,
    settings,
)
from authgate.errors import Refused
from authgate.names import canonical

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.admin import SourceReport
    from authgate.config import Config
    from authgate.sources import SourceOptions

_HEADS = ("place", "name", "address", "adopt", "adopted", "note")


@click.group()
def source() -> None:
    """Show and check the sources of users beside the store."""


@source.command("list")
@json_option
@config_option
def list_sources(as_json: bool) -> None:
    """List where users are looked for, in order, and how many of each source the store has adopted."""
    config = settings()
    rows = _rows(config, run(config, admin.adopted))
    if as_json:
        print_json([dict(zip(_HEADS, row, strict=True)) for row in rows])
    else:
        print_table(_HEADS, rows)


@source.command()
@click.argument("name")
@click.option("--user", metavar="USER", help="Ask for this user, and show what is made of the answer.")
@json_option
@config_option
def check(name: str, user: str | None, as_json: bool) -> None:
    """Ask the source NAME for a user that nobody is, or for USER, and say what is wrong.

    Of a password hash its scheme is shown, and nothing else. Exit status 1: something is wrong, or USER is kept out.
    """
    config = settings()
    logging.getLogger("authgate").addHandler(logging.NullHandler())  # what is worth telling is in the report
    report = asyncio.run(admin.check_source(_named(config, name), config.hashing, user))
    fields = {**_fields(report), "faults": list(report.faults), "kept_out": list(report.kept_out)}
    if as_json:
        print_json(fields)
    else:
        print_fields({key: ", ".join(value) if isinstance(value, list) else value for key, value in fields.items()})
    if report.faults or report.kept_out:
        raise SystemExit(1)


@source.command()
@click.argument("name")
@click.option("--user", metavar="USER", help="Only this one.")
@config_option
def release(name: str, user: str | None) -> None:
    """Make users that were adopted from the source NAME the store's own: they stay when it is taken away.

    They have no password until they are given one: authgate user password.
    """
    count = run(settings(), lambda store: admin.release(store, name, user))
    click.echo(f"released {canonical(user)}" if user is not None else f"released {count} users")


def _named(config: "Config", name: str) -> "SourceOptions":
    for each in config.user_sources:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in config.user_sources) or "none"
    raise Refused(f"there is no user source {name!r}", f"the configuration has: {known}")


def _rows(config: "Config", adopted: dict[str, int]) -> list[tuple[Any, ...]]:
    from authgate.config.show import address_shown, store_shown
    from authgate.sources.options import STORE, in_order

    sources = {each.name: each for each in config.user_sources}
    rows: list[tuple[Any, ...]] = []
    for place, name in enumerate(in_order(config.users, config.user_sources), 1):
        if name == STORE:
            rows.append((place, name, store_shown(config), None, None, None))
        else:
            each = sources[name]
            rows.append((place, name, address_shown(each.url), each.adopt, adopted.get(name, 0), None))
    for name, count in sorted(adopted.items()):
        if name not in sources:
            note = f"not in the configuration: its users are refused; to keep them: authgate source release {name}"
            rows.append((None, name, None, None, count, note))
    return rows


def _fields(report: "SourceReport") -> dict[str, Any]:
    found, form = report.user, report.hash
    fields: dict[str, Any] = {
        "source": report.name,
        "asked_for": f"{report.asked} (made up)" if report.made_up else report.asked,
        "only_reads": report.read_only,
        "milliseconds": round(report.seconds * 1000, 1),
        "rows": report.rows if report.rows < 2 else "more than one",
        "unused_columns": list(report.unused),
    }
    if found is None:
        return fields
    return fields | {
        "user": found.name,
        "known_as": plain(found.origin.known_as) if found.origin else None,
        "display": found.display,
        "hash": None if form is None else form.scheme or "unknown form",
        "weak": form.weak if form is not None else "",
        "enabled": found.enabled,
        "grants": None if found.grants is None else list(found.grants),
        "groups": sorted(found.groups),
        "not_before": _time(found.not_before),
        "expires_at": _time(found.expires_at),
    }


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else iso(seconds * 1000)
