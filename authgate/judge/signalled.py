"""An allowed hook that brings a client's data -> what it asks for, where it may."""

from authgate.judge.sender import Sender
from authgate.model import Principal, Reason, Signal
from authgate.signals import Asked, Signals, read

DATA = "OnDataEvent"


async def signalled(signals: Signals, sender: Sender) -> Signal | Reason | None:
    """What the data of a hook asks for, or why that is refused.

    None where it is nobody's and asks for nothing, or where somebody only asks what would be said.

    Raises:
        Trouble: it could not be found out.
    """
    hook = sender.case.hook
    if sender.given is not None and sender.given.client is None:
        return None
    asked = read(hook.fields.get("payload"), len(hook.body), signals.options)
    if isinstance(asked, Reason):
        _tell(sender, "", asked)
        return asked
    found = await _allowed(signals, sender, asked)
    _tell(sender, " ".join((asked.verb, asked.to, asked.name)), found if isinstance(found, Reason) else "ok")
    return found


async def _allowed(signals: Signals, sender: Sender, asked: Asked) -> Signal | Reason | None:
    hook = sender.case.hook
    session = await sender.session() if sender.given is None else None
    if session is None and sender.given is None:
        return None if asked.verb == "nothing" else Reason.SESSION_UNKNOWN
    await sender.find(signals.asks(hook.app_key))
    client = sender.case.client
    if sender.spoiled or (isinstance(client, Reason) and client is not Reason.SESSION_ANONYMOUS):
        return client if isinstance(client, Reason) else Reason.CREDENTIALS_UNRECOGNIZED
    principal = client if isinstance(client, Principal) else None
    if not signals.allow(asked, hook.app_key, principal, sender.case.authority):
        return Reason.SIGNAL_NOT_ALLOWED
    if session is None:
        return None
    if session.app_key != hook.app_key:
        return Reason.SIGNAL_NOT_ALLOWED
    return Signal(
        asked.verb,
        hook.app_key,
        hook.key,
        session.opened_at,
        principal.user if principal is not None else None,
        int(sender.case.now * 1000),
        hook.text("operationId"),
        asked.to,
        asked.name,
        asked.body,
        signals.options.limits,
    )


def _tell(sender: Sender, what: str, outcome: str) -> None:
    if sender.trace is not None:
        sender.trace.add("signal", what.strip(), outcome)
