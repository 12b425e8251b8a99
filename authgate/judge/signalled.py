"""An allowed hook that brings a client's data -> what it asks for, where it may."""

from authgate.judge.sender import Sender
from authgate.model import Principal, Reason, Signal
from authgate.signals import Signals, read

DATA = "OnDataEvent"


async def signalled(signals: Signals, sender: Sender) -> Signal | Reason | None:
    """What the data of a hook asks for, or why that is refused; None where it is nobody's and asks for nothing.

    Raises:
        Trouble: it could not be found out.
    """
    hook = sender.case.hook
    asked = read(hook.fields.get("payload"), len(hook.body), signals.options)
    if isinstance(asked, Reason):
        return asked
    session = await sender.session()
    if session is None:
        return None if asked.verb == "nothing" else Reason.SESSION_UNKNOWN
    await sender.find(signals.asks(hook.app_key))
    client = sender.case.client
    if sender.spoiled or (isinstance(client, Reason) and client is not Reason.SESSION_ANONYMOUS):
        return client if isinstance(client, Reason) else Reason.CREDENTIALS_UNRECOGNIZED
    principal = client if isinstance(client, Principal) else None
    if session.app_key != hook.app_key or not signals.allow(asked, hook.app_key, principal, sender.case.authority):
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
