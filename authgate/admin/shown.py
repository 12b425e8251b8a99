"""What is shown of things, as JSON can hold it: alike on the command line and over HTTP."""

from datetime import UTC, datetime


def iso(milliseconds: int | None) -> str | None:
    """A time since the epoch as ISO 8601 in UTC."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
