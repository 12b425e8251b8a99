"""The life of a session: connect, and the end."""

import uuid

from tests.standin.operations import end
from tests.standin.outside import Account
from tests.standin.settings import read_settings
from tests.standin.state import Session
from tests.standin.wire import CONNECT_FIELDS, Fields, selected


async def establish(session: Session, offered: Fields) -> bool:
    """Whether the back end lets this client in. No setting makes a refused ``connect`` pass."""
    node = session.node
    app = node.apps.get(str(offered.get("appKey")))
    if app is None:
        await _failed(session, "Application not found")  # without any hook
        return False
    session.app_key = str(offered["appKey"])
    session.describe(selected(offered, CONNECT_FIELDS))
    answer = await node.rest.send(app, "connect", session.common | session.fields)
    if answer.error is not None:
        node.log.append(f"connect: {answer.error}")
        await _failed(session, answer.error)
        await session.notify("ConnectionStatusEvent", {"status": "FAILED", "info": answer.error})
        await session.notify("ConnectionStatusEvent", {"status": "DISCONNECTED", "info": answer.error})
        return False
    # The answer overwrites any field of the connection, without being allowed to by a setting.
    overwritten = {key: value for key, value in answer.fields.items() if key not in session.common}
    session.settings = read_settings(overwritten.pop("restClientConfig", None))
    node.faults += session.settings.faults
    session.fields |= overwritten
    node.sessions[session.id] = session
    established = {"authToken": f"wcs-{uuid.uuid4().hex}", "status": "ESTABLISHED"}
    await session.notify("ConnectionStatusEvent", session.fields | established, "getUserData")
    await _register(session)
    return True


async def leave(session: Session) -> None:
    """End what the client had open, then the session, unless that is done; the back end hears of all of it."""
    if session.is_leaving:
        return
    session.is_leaving = True
    for stream in list(session.streams.values()):
        await end(stream, "UNPUBLISHED" if stream.published else "STOPPED", "Stopped by session disconnect")
    if session.node.sessions.get(session.id) is session:  # its id may have come to another
        del session.node.sessions[session.id]
    await session.notify("ConnectionStatusEvent", {"status": "DISCONNECTED", "info": session.over})


async def _register(session: Session) -> None:
    """Make a session known at the exchange, unless it has no account there or says that it need not be."""
    account = Account.of(session.fields)
    if account is None or session.fields.get("sipRegisterRequired") in (False, "false"):
        return
    fields = {key: value for key, value in session.fields.items() if key.startswith("sip")}
    if session.node.outside.register(account):
        await session.notify("RegistrationStatusEvent", fields | {"status": "REGISTERED"}, "registered")
        return
    await session.notify("RegistrationStatusEvent", fields | {"status": "AUTHENTICATION_FAIL"})
    failed = {"status": "FAILED", "info": "Authentication failed", "apiMethod": "RegistrationStatusEvent"}
    await session.tell("fail", failed)


async def _failed(session: Session, info: str) -> None:
    await session.tell("fail", {"status": "FAILED", "info": info, "apiMethod": "ConnectionStatusEvent"})
