"""What the commands share: the settings, the store, and how things are printed."""

import asyncio
import json
import os
import re
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from getpass import GetPassWarning
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from authgate import admin
from authgate.admin.shown import iso as iso
from authgate.errors import SourceError, StoreError

if TYPE_CHECKING:
    from authgate.config import Config
    from authgate.passwords import Hasher
    from authgate.store import Store

PATIENCE = 10.0  # seconds that one read or write may take, at least: no hook waits for a command

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def _remember(ctx: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    if path is not None:
        ctx.find_root().obj = path


def config_option(command: F) -> F:
    """``--config PATH`` after the verb too; there it counts for more."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        callback=_remember,
        expose_value=False,
        metavar="PATH",
        help="The configuration file.",
    )(command)


def json_option(command: F) -> F:
    """``--json``: for machines."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def grants_options(command: F) -> F:
    """``--grant``, ``--no-grants`` and ``--default-grants``: three ways to say what a list of grants is."""
    for option in (
        click.option("--default-grants", is_flag=True, help="No list of grants: the default policies speak."),
        click.option("--no-grants", is_flag=True, help="An empty list of grants: nothing is allowed."),
        click.option(
            "--grant", "grants", multiple=True, metavar="GRANT", help="As 'publish:room-*' or '!play:secret'; several."
        ),
    ):
        command = option(command)
    return command


def grants_given(grants: Sequence[str], no_grants: bool, default_grants: bool) -> tuple[bool, Sequence[str] | None]:
    """Whether anything was said about grants, and the list; None is no list.

    Raises:
        UsageError: more than one thing was said.
    """
    if bool(grants) + no_grants + default_grants > 1:
        raise click.UsageError("--grant, --no-grants and --default-grants exclude each other")
    return bool(grants) or no_grants or default_grants, None if default_grants else grants


def note_claims(config: "Config", grants: Sequence[str] | None) -> None:
    """Say which placeholders of grants no verifier has a value for: what allows by those allows nothing."""
    kept = {claim for each in config.verifiers if each.type != "password" for claim in each.claims}
    for claim in dict.fromkeys(found for text in grants or () for found in _CLAIMS.findall(text)):
        if claim not in kept:
            click.echo(f"note: no verifier keeps the claim {plain(claim)}; see its option claims", err=True)


_CLAIMS = re.compile(r"\{claim\.([^{}]+)\}")


def grants_shown(grants: Sequence[str] | None) -> str:
    """A list of grants for people."""
    if grants is None:
        return "no list: the default policies speak"
    return ", ".join(grants) or "an empty list: nothing is allowed"


def config_path() -> Path | None:
    """The path given on the command line."""
    path: Path | None = click.get_current_context().find_root().obj
    return path


def settings() -> "Config":
    """The settings.

    Raises:
        ConfigError: with every fault.
    """
    from authgate.config import load  # here, so that help needs no settings

    return load(config_path(), os.environ)


def run(config: "Config", action: Callable[["Store"], Awaitable[T]], *, newest: bool = True) -> T:
    """What an action of ``authgate.admin`` gives back, done on a store that is at the newest revision.

    Raises:
        Refused: the store is not at the newest revision, or as the action says.
        StoreError: the store is away or too slow.
    """
    from authgate.store import Store

    async def on_store() -> T:
        store = Store(config.store, PATIENCE)
        try:
            if newest:
                await admin.demand_newest(store)
            return await action(store)
        finally:
            await store.close()

    try:
        return asyncio.run(on_store())
    except SourceError:
        raise
    except StoreError as error:
        from authgate.config.show import store_shown

        advice = (
            f"store.url is {store_shown(config)}: see that it is right, that the database runs and that it lets us in"
        )
        raise StoreError(f"{error}; {advice}") from error


def hasher(config: "Config") -> "Hasher":
    """What hashes passwords."""
    from authgate.passwords import Hasher

    return Hasher(config.hashing)


def read_password(from_input: bool, prompt: str = "Password") -> str:
    """A password from standard input (its first line) or, twice, from a prompt."""
    if from_input:
        line = sys.stdin.buffer.readline()
        return _text(line.removesuffix(b"\n").removesuffix(b"\r"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)
            answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True)
    except GetPassWarning:
        raise click.UsageError("there is no terminal to ask for a password; use --password-stdin") from None
    return answer


def read_input(most: int) -> str:
    """Standard input, as far as this many bytes."""
    return _text(sys.stdin.buffer.read(most))


def _text(given: bytes) -> str:
    """What is not UTF-8 becomes lone surrogates, which are refused wherever they come."""
    return given.decode("utf-8", "surrogateescape")


def duration(text: str) -> int:
    """Seconds, from ``90s``, ``15m``, ``1h``, ``7d``, ``2w``, or a bare number of seconds."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no time such as 90, 90s, 15m, 1h or 7d")
    return int(found[1]) * _SECONDS[found[2].lower()]


def moment(text: str) -> int:
    """Milliseconds since the epoch, from a duration ago or an ISO 8601 time; UTC where it does not say."""
    if _DURATION.fullmatch(text.strip()):
        return int((time.time() - duration(text)) * 1000)
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is neither a time such as 1h or 7d nor one such as 2026-01-31T12:00Z"
        ) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"([0-9]{1,9})([smhdw]?)", re.IGNORECASE)


def print_json(value: Any) -> None:
    """One JSON value; an indented one, since people read it too."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=True))


def print_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns under their heads, nothing in them that a terminal would obey."""
    table = Table(heads)
    table.add(rows)
    table.close()


class Table:
    """The same for more rows than are to be held at once: a column gets wider where a later part of them needs it."""

    def __init__(self, heads: Sequence[str]) -> None:
        self._lines = [tuple(head.upper() for head in heads)]
        self._widths = [0] * len(heads)

    def add(self, rows: Iterable[Sequence[object]]) -> None:
        """Print some rows, below the heads where they are the first."""
        self._lines += [tuple(plain(_shown(cell)) for cell in row) for row in rows]
        for line in self._lines:
            self._widths = [max(width, len(cell)) for width, cell in zip(self._widths, line, strict=True)]
        self.close()

    def close(self) -> None:
        """Print the heads where there were no rows."""
        for line in self._lines:
            padded = (cell.ljust(width) for cell, width in zip(line, self._widths, strict=True))
            click.echo("  ".join(padded).rstrip())
        self._lines = []


def print_fields(fields: dict[str, object]) -> None:
    """One field a line."""
    width = max(map(len, fields))
    for name, value in fields.items():
        click.echo(f"{name.ljust(width)}  {plain(_shown(value))}")


def plain(text: str) -> str:
    """Text with everything escaped that a terminal could obey, or that nobody would see."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _shown(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
