"""``authgate webhook``."""

import time
from typing import TYPE_CHECKING, Any

import click

from authgate.cli.common import config_option, iso, json_option, print_fields, print_json, print_table, run, settings
from authgate.errors import Refused

if TYPE_CHECKING:
    from authgate.feed import WebhookOptions
    from authgate.store import Store
    from authgate.store.webhooks import WebhookState

_HEADS = ("name", "state", "behind", "delivered_at", "failures", "next_at", "error", "url")


@click.group()
def webhook() -> None:
    """See how far webhooks have come, and go on with one that was disabled."""


@webhook.command("list")
@json_option
@config_option
def list_webhooks(as_json: bool) -> None:
    """List the webhooks: how many events each is behind at most, and what went wrong last."""
    config = settings()
    found = run(config, lambda store: _all(config.webhooks, store))
    if as_json:
        print_json(found)
    else:
        print_table(_HEADS, ([each[head] for head in _HEADS] for each in found))


@webhook.command()
@click.argument("name")
@json_option
@config_option
def status(name: str, as_json: bool) -> None:
    """Show one webhook. Exit status 1: there is none of this name."""
    config = settings()
    found = [each for each in run(config, lambda store: _all(config.webhooks, store)) if each["name"] == name]
    if not found:
        raise _no_such(name)
    if as_json:
        print_json(found[0])
    else:
        print_fields(found[0])


@webhook.command()
@click.argument("name")
@click.option("--from-now", is_flag=True, help="Skip what waits: go on with what happens from now on.")
@config_option
def enable(name: str, from_now: bool) -> None:
    """Go on with a webhook that was disabled, or try one again at once that waits for its next attempt."""

    async def enabled(store: "Store") -> bool:
        return await store.webhooks.enable(name, await store.records.newest_seq() if from_now else None)

    if not run(settings(), enabled):
        raise _no_such(name)
    click.echo(f"webhook {name} goes on {'with what happens from now on' if from_now else 'where it stopped'}")


@webhook.command()
@click.argument("name")
@config_option
def forget(name: str) -> None:
    """Forget how far a webhook has come that is not in the configuration any more."""
    config = settings()
    if any(each.name == name for each in config.webhooks):
        raise Refused(f"webhook {name} is in the configuration", f"authgate webhook enable {name} --from-now")
    if not run(config, lambda store: store.webhooks.forget(name)):
        raise _no_such(name)
    click.echo(f"forgot webhook {name}")


@webhook.command()
def secret() -> None:
    """Print a fresh secret, for `secrets` of a section [[webhooks]] and for whoever receives it."""
    from authgate.feed.webhook import new_secret

    click.echo(new_secret())


async def _all(options: "tuple[WebhookOptions, ...]", store: "Store") -> list[dict[str, Any]]:
    """Those of the configuration in its order, then others that the store knows."""
    newest = await store.records.newest_seq()
    states = {each.name: each for each in await store.webhooks.list()}
    found = [_shown(each.name, each.shown, states.pop(each.name, None), newest) for each in options]
    return found + [_shown(name, None, state, newest) for name, state in states.items()]


def _shown(name: str, url: str | None, state: "WebhookState | None", newest: int) -> dict[str, Any]:
    return {
        "name": name,
        "state": _state(url, state),
        "behind": None if state is None else max(newest - state.at, 0),
        "at": None if state is None else state.at,
        "delivered_at": None if state is None else iso(state.delivered_at),
        "failed_at": None if state is None else iso(state.tried_at),
        "failures": 0 if state is None else state.failures,
        "next_at": None if state is None else iso(state.next_at),
        "error": "" if state is None else state.error,
        "url": url,
    }


def _state(url: str | None, state: "WebhookState | None") -> str:
    if url is None:
        return "not configured"
    if state is None:
        return "not begun"
    if state.disabled_at is not None:
        return "disabled"
    if not state.failures:
        return "good"
    return "failing" if state.next_at is not None and state.next_at > time.time() * 1000 else "trying"


def _no_such(name: str) -> Refused:
    return Refused(f"there is no webhook {name!r} that has begun; `authgate webhook list` shows them")
