"""``authgate streamkey``."""

from typing import TYPE_CHECKING

import click

from authgate import admin
from authgate.admin import shown
from authgate.cli.common import config_option, duration, json_option, print_json, print_table, run, settings
from authgate.cli.issuing import issued_verifier, wanted
from authgate.cli.judging import directory

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.issuance import StreamKey
    from authgate.store import Store


@click.group()
def streamkey() -> None:
    """Make, show and revoke the short keys of encoders and players."""


@streamkey.command()
@click.argument("name")
@click.argument("stream")
@click.option("--action", default="publish", show_default=True, metavar="ACTION", help="As publish or play.")
@click.option("--app", metavar="KEY", help="Good for this application (appKey) only.")
@click.option("--ttl", type=duration, metavar="TIME", help="As 90s, 15m, 1h or 7d; without it, until it is revoked.")
@click.option("--once", is_flag=True, help="Good for one session or one stream.")
@json_option
@config_option
def add(name: str, stream: str, action: str, app: str | None, ttl: int | None, once: bool, as_json: bool) -> None:
    """Print a key for the user NAME to publish STREAM, a pattern of names. It is shown this once."""
    if ttl == 0:
        raise click.UsageError("--ttl must be 1 second or more")
    config = settings()
    verifier = issued_verifier(config)
    asked = wanted(name, ttl or 0, None, (app,) if app else (), (), (), (stream,), once)

    async def make(store: "Store") -> "tuple[str, StreamKey]":
        async with directory(config, store) as known:
            return await admin.add_stream_key(store, verifier, asked, action, known.users)

    text, key = run(config, make)
    if as_json:
        print_json({"key": text, "prefix": key.prefix, "expires": shown.of_seconds(key.expires_at)})
    else:
        click.echo(text)


@streamkey.command("list")
@click.option("--user", metavar="NAME", help="Those of this user.")
@json_option
@config_option
def list_keys(user: str | None, as_json: bool) -> None:
    """List the keys by their prefixes; nobody can show the keys themselves."""
    keys = run(settings(), lambda store: admin.stream_keys(store, user))
    if as_json:
        print_json([shown.stream_key(each) for each in keys])
    else:
        rows = [
            (
                each.prefix,
                each.user,
                f"{each.action}:{each.pattern}",
                each.app_key,
                each.once,
                shown.of_seconds(each.expires_at),
            )
            for each in keys
        ]
        print_table(("prefix", "user", "grant", "app", "once", "expires"), rows)


@streamkey.command()
@click.argument("prefix")
@config_option
def revoke(prefix: str) -> None:
    """Forget the key that begins with sk_PREFIX, and refuse the sessions that it opened."""
    run(settings(), lambda store: admin.revoke_stream_key(store, prefix))
    click.echo(f"revoked {prefix}")
