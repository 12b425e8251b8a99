"""The text of an address -> its parts, where it is one that can be used."""

from urllib.parse import SplitResult, urlsplit


def split(url: str) -> SplitResult | None:
    """The parts of an address, or None where it is none that can be used."""
    if not url.isprintable() or not url.isascii() or any(character in url for character in ' "<>\\^`{|}'):
        return None
    try:
        found = urlsplit(url)
        found.port  # noqa: B018 - raises where it is none
        (found.hostname or "").encode("idna")
    except ValueError:  # UnicodeError is one
        return None
    return found
