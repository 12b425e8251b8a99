"""Messages of the server's own, to clients."""

import time
from typing import TYPE_CHECKING, Any

from authgate.errors import NotThere, Refused
from authgate.model import Reason

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.signals import SignallingOptions
    from authgate.store import Store


async def send_message(
    store: "Store",
    options: "SignallingOptions",
    body: Any,
    *,
    reachable: bool,
    user: str | None = None,
    session: str | None = None,
    node: str | None = None,
    app: str | None = None,
    stream: str | None = None,
    room: str | None = None,
) -> str:
    """Queue a message for a session, a user, a stream, a room or all of an application; its id.

    The running server delivers it within a second or so, stamped as its own. ``app`` narrows what else is said, and
    must be said of a room; alone it means everybody there. ``reachable`` says whether any node is.

    Raises:
        NotThere: there is no such session.
        Refused: it is not said whom it is for, it is too large, or nothing could be delivered.
        StoreError: the store is away or too slow.
    """
    from authgate.signals import SESSION_ID, address, read

    if not reachable:
        raise Refused("nothing could be delivered, for there is no [[wcs]] section")
    named = {"user": user, "session": session, "stream": stream, "room": room}
    given: dict[str, Any] = {kind: name for kind, name in named.items() if name is not None}
    if len(given) > 1 or not (given or app):
        raise Refused("say whom it is for: a user, a session, a stream, a room, or an application")
    if room is not None and not app:
        raise Refused("every application has rooms of its own; say which application")
    if node is not None and session is None:
        raise Refused("a node says which session is meant; say the session too")
    asked = read({"to": {"app": True}, "body": body}, 0, options)
    if isinstance(asked, Reason):
        limits = f"{options.max_bytes} bytes and {options.max_depth} levels"
        raise Refused(f"it is larger than messages may be; [signalling] allows {limits}")
    now = time.time()
    if session is not None and not SESSION_ID.fullmatch(session):
        given = {"session": await _introduced(store, session, node, now)}
    found = address(given or {"app": True})
    if found is None:
        [(kind, _)] = given.items()
        raise Refused(f"this can be no {kind}")
    return await store.outbox.put(app or "", *found, asked.body, options.queue, now)


async def _introduced(store: "Store", session: str, node: str | None, now: float) -> str:
    found = await store.sessions.list(session=session, node=node, limit=2)
    if not found:
        raise NotThere("there is no such session", "authgate session list shows them")
    if len(found) > 1:
        raise Refused("sessions of several nodes have this id; say the node too")
    return await store.outbox.introduce(found[0], now)
