"""Where a client is, as its ``sessionId`` tells it: never sure, and never the only protection."""

import re
from functools import lru_cache

from authgate.networks import Address, read_address

_WITH_PORT = re.compile(r"(.*):\d{1,5}", re.DOTALL)
_GROUPS = 8  # of an IPv6 address as Java prints it: all of them, and the port as a ninth


@lru_cache(maxsize=4096)  # a session's hooks all ask for the same
def client_address(session: str) -> Address | None:
    """The client's address in a sessionId, or None where it tells none.

    Known shapes: ``/203.0.113.7:52791/192.0.2.10:8443`` with or without ``-UUID`` at its end, the same without
    ports, and of IPv6 ``/0:0:0:0:0:0:0:1:53438/...`` or with brackets. Others, such as a bare UUID, tell nothing.
    """
    if not session.startswith("/"):
        return None
    text = session[1:].partition("/")[0]
    if text.startswith("["):
        return read_address(text[1:].partition("]")[0])
    if text.count(":") == _GROUPS or text.count(":") == 1:
        found = _WITH_PORT.fullmatch(text)
        return read_address(found[1]) if found else None
    return read_address(text)
