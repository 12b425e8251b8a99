"""Lists of grants as columns hold them."""

import json
from collections.abc import Sequence

from authgate.errors import Refused
from authgate.store.tables import TEXT_LENGTH

DENY_ALL = "!*:*"  # what stands for a list that cannot be read: somebody may have been denied something by it


def dumped(grants: Sequence[str] | None) -> str | None:
    """A list as JSON; None where there is none.

    Raises:
        Refused: it is too long for a column.
    """
    if grants is None:
        return None
    text = json.dumps(list(grants))
    if len(text) > TEXT_LENGTH:
        raise Refused(f"a list of grants takes {TEXT_LENGTH:,} bytes at most, and this one takes {len(text):,}")
    return text


def loaded(text: str | None) -> tuple[str, ...] | None:
    """A list from its column; None where there is none. What cannot be read denies everything."""
    if text is None:
        return None
    try:
        grants = json.loads(text)
    except (ValueError, RecursionError):
        return (DENY_ALL,)
    if not isinstance(grants, list):
        return (DENY_ALL,)
    return tuple(grant if isinstance(grant, str) else DENY_ALL for grant in grants)
