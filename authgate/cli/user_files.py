"""``authgate user import`` and ``authgate user export``."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from authgate.cli.common import config_option, hasher, json_option, plain, print_json, run, settings
from authgate.errors import Refused

if TYPE_CHECKING:
    from authgate.admin.imports import Imported

F = TypeVar("F", bound=Callable[..., Any])
STREAM = "-"
SHOWN = 100  # bad rows that are shown; the rest is counted
_FORMATS = ("csv", "jsonl", "htpasswd")


def _format_option(command: F) -> F:
    return click.option(
        "--format",
        "form",
        type=click.Choice(_FORMATS),
        help="Without it, by the name's ending: .csv, .jsonl, .ndjson or .htpasswd.",
    )(command)


@click.command("import")
@click.argument("file")
@_format_option
@click.option(
    "--existing",
    type=click.Choice(("refuse", "skip", "update")),
    default="refuse",
    show_default=True,
    help="What becomes of a user who is there already and is otherwise: a bad row, left alone, or changed in what "
    "the file names.",
)
@click.option(
    "--all-or-nothing/--only-good",
    "all_or_nothing",
    default=True,
    help="Write nothing where any row is bad, or the good ones.  [default: all-or-nothing]",
)
@click.option("--rejects", type=click.Path(path_type=Path), metavar="FILE", help="Write every bad row's line and why.")
@click.option("--create-groups", is_flag=True, help="Add groups that are not there, without a list of grants.")
@click.option("--all-hashes", is_flag=True, help="Take hashes too that [hashing] does not let anybody log in with.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@json_option
@config_option
def import_users(file: str, form: str | None, rejects: Path | None, as_json: bool, **given: Any) -> None:
    """Import users from FILE, or from standard input (-): CSV with a header, JSON lines or htpasswd.

    All of it is checked before anything is written. Done twice, it changes nothing the second time. Exit status 1
    where a row was bad.
    """
    from authgate import userfiles
    from authgate.admin.imports import ImportOptions, Watched
    from authgate.admin.imports import import_users as imported
    from authgate.admin.wanted import Existing

    read = userfiles.READERS[form or _form(file)]
    config = settings()
    options = ImportOptions(
        existing=Existing(given["existing"]),
        only_good=not given["all_or_nothing"],
        dry_run=given["dry_run"],
        create_groups=given["create_groups"],
        all_hashes=given["all_hashes"],
        sources=[each.name for each in config.user_sources],
        policy=config.passwords,
    )
    with ExitStack() as stack:
        source, size = stack.enter_context(_source(file))
        bad = _BadRows(stack.enter_context(_rejects(rejects)) if rejects else None)
        bar = stack.enter_context(Bar())
        seen = 0

        def count(length: int) -> None:
            nonlocal seen
            seen += length
            bar.step("reading", seen, size)

        rows = read(userfiles.numbered(source, count))
        watched = Watched(bad.tell, bar.step)
        hashes = hasher(config)
        done = run(config, lambda store: imported(store, hashes, config.hashing, rows, options, watched))
        hashes.close()
    bad.count_the_rest()
    if as_json:
        print_json(done.shown())
    else:
        _tell(done, options.dry_run)
    if done.bad:
        raise SystemExit(1)


@click.command("export")
@click.argument("file", default=STREAM)
@_format_option
@click.option("--hashes/--no-hashes", default=None, help="With the password hashes, or without.  [default: hashes]")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@config_option
def export_users(file: str, form: str | None, hashes: bool | None, force: bool) -> None:
    """Export all users to FILE, which nobody else may read, or to standard output (-), as `user import` reads them.

    Without --no-hashes it holds the password hashes: keep it as you keep the store.
    """
    from authgate import userfiles

    form = form or ("csv" if file == STREAM else _form(file))
    if file == STREAM and hashes is None and sys.stdout.isatty():
        raise click.UsageError("password hashes would be shown on this terminal: say --hashes or --no-hashes")
    if form == "htpasswd" and hashes is False:
        raise click.UsageError("htpasswd is names and hashes: it cannot be without hashes")
    writer = userfiles.WRITERS[form](hashes=hashes is not False)
    config = settings()
    with _target(file, force) as target:
        count, left_out = run(config, lambda store: _export(store, writer, target))
    if hashes is None:
        click.echo(
            "note: password hashes are in it, keep it as you keep the store; --no-hashes leaves them out", err=True
        )
    if form == "htpasswd":
        click.echo(f"note: htpasswd holds names and hashes only; {left_out} users are left out", err=True)
    if file != STREAM:
        click.echo(f"exported {count}")


async def _export(store: Any, writer: Any, target: BinaryIO) -> tuple[int, int]:
    from authgate.admin.imports import export_users

    count = left_out = 0
    target.write(writer.head.encode())
    async for user, groups in export_users(store):
        text = writer.text(user, groups)
        if text is None:
            left_out += 1
        else:
            target.write(text.encode())
            count += 1
    target.flush()
    return count, left_out


class _BadRows:
    """Shows the first bad rows, and writes all of them where they are asked for."""

    def __init__(self, rejects: IO[str] | None) -> None:
        self._rejects = rejects
        self._count = 0
        if rejects:
            rejects.write("line,reason\n")

    def tell(self, line: int, why: str) -> None:
        """One row."""
        self._count += 1
        if self._count <= SHOWN:
            click.echo(f"line {line}: {plain(why)}", err=True)
        if self._rejects:
            quoted = plain(why).replace('"', '""')
            self._rejects.write(f'{line},"{quoted}"\n')

    def count_the_rest(self) -> None:
        """How many were not shown."""
        if self._count > SHOWN:
            advice = "" if self._rejects else "; --rejects FILE writes them all"
            click.echo(f"and {self._count - SHOWN:,} more bad rows{advice}", err=True)


class Bar:
    """A progress bar for each thing that is done one after the other, on a terminal only."""

    def __init__(self) -> None:
        self._what = ""
        self._seen = 0
        self._bar: Any = None
        self._on = sys.stderr.isatty()

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def step(self, what: str, seen: int, total: int) -> None:
        """So much of it is done; nothing is shown where nobody knows how much it is."""
        if not self._on or not total:
            return
        if what != self._what:
            self._end()
            self._what, self._seen = what, 0
            self._bar = click.progressbar(
                length=total, label=what.ljust(8), file=sys.stderr, update_min_steps=max(1, total // 500)
            )
            self._bar.__enter__()
        self._bar.update(min(seen, total) - self._seen)
        self._seen = min(seen, total)

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


def _tell(done: "Imported", dry_run: bool) -> None:
    if not dry_run and not done.written:
        click.echo(f"nothing was written: {done.bad:,} of the rows are bad; --only-good imports the others", err=True)
        return
    begin = "would have been " if dry_run else ""
    parts = [
        f"{begin}added {done.added:,}",
        f"changed {done.changed:,}",
        f"unchanged {done.unchanged:,}",
        f"skipped {done.skipped:,}",
        f"bad {done.bad:,}",
    ]
    click.echo(", ".join(parts))
    for count, what in (
        (done.groups, "groups that were not there and were added"),
        (done.passwords, "passwords in clear in the file, which is to be deleted"),
        (done.weak, "weak hashes, each renewed at its user's next login"),
        (done.untried, "hashes that let nobody log in as [hashing] stands"),
    ):
        if count:
            click.echo(f"note: {what}: {count:,}", err=True)


def _form(file: str) -> str:
    from authgate import userfiles

    form = userfiles.ENDINGS.get(Path(file).suffix.lower()) or userfiles.ENDINGS.get(Path(file).name.lower())
    if form is None:
        raise click.UsageError(f"the name does not say what is in it; give --format {'|'.join(_FORMATS)}")
    return form


@contextmanager
def _source(file: str) -> Iterator[tuple[BinaryIO, int]]:
    """What is read, and how many bytes it has; 0: nobody knows."""
    if file == STREAM:
        yield sys.stdin.buffer, 0
        return
    try:
        with Path(file).open("rb") as source:
            yield source, os.fstat(source.fileno()).st_size
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from None


@contextmanager
def _rejects(path: Path) -> Iterator[IO[str]]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as rejects:
            yield rejects
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None


@contextmanager
def _target(file: str, force: bool) -> Iterator[BinaryIO]:
    """Where an export goes: a file gets its name once it is whole."""
    if file == STREAM:
        yield sys.stdout.buffer
        return
    path = Path(file)
    if path.exists() and not force:
        raise Refused(f"there is a file {path} already; --force overwrites it")
    if path.exists() and not path.is_file():
        raise Refused(f"{path} is no file")
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as target:  # 0600
            try:
                yield target  # type: ignore[misc]  # a wrapper that does all that a file does
                target.flush()
                os.fsync(target.fileno())
                if force:
                    Path(target.name).replace(path)
                else:
                    os.link(target.name, path)
            finally:
                with suppress(FileNotFoundError):
                    Path(target.name).unlink()
    except FileExistsError:
        raise Refused(f"there is a file {path} already; --force overwrites it") from None
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None
