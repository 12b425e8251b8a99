"""argv, and only here: a noun, then a verb. A noun's file is imported when it is used, so that help is fast."""

import importlib
from pathlib import Path
from typing import IO, Any

import click

import authgate
from authgate.errors import AuthgateError, ConfigError, StoreError

# Each noun with the line that help shows for it; authgate/cli/NOUN.py holds a command of that name.
_NOUNS = {
    "init": "Write a starter configuration with fresh secrets.",
    "serve": "Answer the media server's hooks.",
    "db": "Migrate the store, or look at its revision.",
    "user": "Add, show and change users.",
    "hash": "See what password hashes cost on this machine.",
    "source": "Show and check the sources of users beside the store.",
    "ban": "Keep addresses and users out, and show who is locked.",
    "group": "Add, show and change groups of users, and what they are granted.",
    "alias": "Change the tables that rewrites look names up in.",
    "token": "Issue, explain and revoke tokens.",
    "key": "Show, refresh and rotate keys.",
    "streamkey": "Make, show and revoke the short keys of encoders and players.",
    "apikey": "Make, show and revoke the keys of applications that issue tokens.",
    "config": "Check and show the configuration.",
    "rule": "Show the rules, and what they tell the media server.",
    "hook": "Try a hook: what would be answered, and why.",
    "record": "Show the audit trail.",
    "session": "Show and end the live sessions.",
    "stream": "Show and end the live streams.",
    "call": "Show the calls that go on.",
    "message": "Send messages to clients.",
    "webhook": "See how far webhooks have come.",
    "bench": "Measure how many hooks this machine answers.",
    "wcs": "See whether the media server's REST API can be used.",
}


class Failure(click.ClickException):
    """Trouble that is told in a line on standard error: exit 1 where it was refused, 2 for settings and the store."""

    def __init__(self, error: AuthgateError) -> None:
        super().__init__(str(error))
        self.trouble = isinstance(error, ConfigError | StoreError)

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # click declares a class variable
        return 2 if self.trouble else 1

    def show(self, file: IO[Any] | None = None) -> None:
        """One line for each fault."""
        from authgate.cli.common import plain  # here, so that help needs less

        for line in self.message.splitlines() or ["no more is known"]:
            click.echo(f"error: {plain(line)}", file=file, err=file is None)


class Nouns(click.Group):
    """The commands, imported when they are used."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """In the order in which they are needed, not of the alphabet."""
        return list(_NOUNS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The noun's command, from its file."""
        if name not in _NOUNS:
            return None
        found: click.Command = getattr(importlib.import_module(f"authgate.cli.{name}"), name)
        return found

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list for ``--help``, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_NOUNS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; our own errors become one line each, never a traceback."""
        try:
            return super().invoke(ctx)
        except AuthgateError as error:
            raise Failure(error) from error


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(authgate.__version__, prog_name="authgate")
@click.option("--config", "path", type=click.Path(path_type=Path), help="The configuration file.", metavar="PATH")
@click.pass_context
def cli(ctx: click.Context, path: Path | None) -> None:
    """The authentication back end for the REST hooks of Flashphoner Web Call Server.

    The configuration is the file given with --config, else by AUTHGATE_CONFIG, else ./authgate.toml, else
    /etc/authgate/authgate.toml. Exit status: 0 done, 1 refused, 2 usage, configuration or store.
    """
    ctx.obj = path


def main() -> None:
    """The program."""
    cli(prog_name="authgate")
