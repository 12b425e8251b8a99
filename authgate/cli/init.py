"""``authgate init DIR``."""

import shlex
from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a configuration that is there; tokens made with it end.")
def init(folder: Path, force: bool) -> None:
    """Write DIR/authgate.toml with fresh secrets, readable by you alone."""
    from authgate.config import starter  # here, so that help needs no settings

    path = starter.write(folder, force=force)
    authgate = f"authgate --config {shlex.quote(str(path))}"
    click.echo(f"wrote {path} (mode 0600: it holds a fresh token key)")
    click.echo("it verifies tokens and passwords, and keeps its store in authgate.db beside it")
    click.echo("\nnext:")
    for command in ("db upgrade", "user add ann", "serve", "token issue ann"):
        click.echo(f"  {authgate} {command}")
