"""``authgate record stream``."""

from typing import TYPE_CHECKING, Any

import click

from authgate.cli.common import config_option, iso, json_option, print_fields, print_json, run, settings

if TYPE_CHECKING:
    from authgate.feed import StreamOptions
    from authgate.store import Store


@click.command()
@json_option
@config_option
def stream(as_json: bool) -> None:
    """Show how far the records were sent on to the stream of [records.stream], and what keeps the rest waiting."""
    config = settings()
    found = run(config, lambda store: _standing(config.records.stream, store))
    if as_json:
        print_json(found)
    else:
        print_fields(found)


async def _standing(options: "StreamOptions", store: "Store") -> dict[str, Any]:
    from authgate.store.record_streams import RecordStreamState

    found = await store.record_streams.find(options.key)
    state = found or RecordStreamState(options.key, 0)
    newest, oldest = await store.records.newest_seq(), await store.records.oldest_seq()
    begun = "not begun" if found is None else "good" if state.failing_at is None else "failing"
    return {
        "state": "not configured" if options.url is None else begun,
        "key": options.key,
        "url": options.shown,
        "at": state.at,
        "newest": newest,
        "waiting": state.waiting(oldest, newest),
        "sent_at": iso(state.sent_at),
        "error": state.error,
        "since": iso(state.failing_at),
    }
