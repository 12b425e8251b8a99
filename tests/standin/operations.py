"""What a client may ask for within a session, and what comes of it once the back end has been asked."""

import time
import uuid
from collections.abc import Awaitable, Callable, Collection

from tests.standin.outside import Account
from tests.standin.state import BrokenOff, Node, Session, Stream
from tests.standin.wire import HOOKS, OPERATIONS, Fields, Operation, selected


async def operate(session: Session, message: str, offered: Fields) -> None:
    """Carry out one message of a client; one that is no operation (``pong``) is passed over."""
    operation = OPERATIONS.get(message)
    if operation is None:
        return
    try:
        fields = await session.invoke(operation.hook, selected(offered, operation.fields))
    except BrokenOff as refusal:
        await _fail(session, operation, offered, str(refusal))
        return
    follow_up = _FOLLOW_UPS.get(message)
    if follow_up is not None:
        await follow_up(session, fields)


async def incoming_call(session: Session, caller: str, callee: str) -> bool:
    """Whether a call from the SIP side reaches the client; if not, the caller gets an error."""
    fields = {"callId": f"pbx-{uuid.uuid4()}@sip.example.com", "incoming": True, "status": "PENDING"}
    fields |= {"caller": caller, "callee": callee, "hasAudio": True, "hasVideo": False, "mediaProvider": "WebRTC"}
    fields |= {"isMsrp": False, "holdForTransfer": False}
    try:
        fields = await session.invoke("OnCallEvent", fields)
    except BrokenOff as refusal:
        await session.tell("fail", {"status": "FAILED", "info": str(refusal), "apiMethod": "OnCallEvent"})
        return False
    session.calls[str(fields["callId"])] = fields
    settings = session.settings.of("OnCallEvent")
    await session.tell("notifyIncomingCall", settings.to_client(session.common | fields))
    return True


async def deliver(session: Session, data: Fields, *, raises: bool = True) -> None:
    """Bring data of the back end's to a client; ``raises`` tells the back end of it, as of what a client sends."""
    async with session.delivering:
        if raises:
            try:
                data = await session.invoke("OnDataEvent", data)
            except BrokenOff as refusal:
                failed = {"operationId": data["operationId"], "status": "FAILED", "info": str(refusal)}
                await session.notify("DataStatusEvent", failed)
                return
        await session.tell("OnDataEvent", session.settings.of("OnDataEvent").to_client(session.common | data))
        if raises:
            accepted = {"operationId": data["operationId"], "status": "ACCEPTED"}
            await session.notify("DataStatusEvent", accepted)


async def keep_alive(node: Node, app_keys: Collection[str] | None = None) -> None:
    """One round of ``StreamKeepAliveEvent``: the one event that can be refused, which ends the stream.

    Of the streams of these applications; None: of all.
    """
    for stream in [each for each in node.streams() if app_keys is None or each.session.app_key in app_keys]:
        try:
            await stream.session.invoke("StreamKeepAliveEvent", stream.fields)
        except BrokenOff:
            await end(stream, "FAILED", "Terminated by keep-alive")


async def end(stream: Stream, status: str, info: str | None = None) -> None:
    """End a stream, and with a publisher's all that play it; one that has ended already stays as it is."""
    if stream.session.streams.pop(stream.id, None) is None:
        return
    await _status(stream, status, info)
    for player in stream.session.node.players(stream.name) if stream.published else []:
        await end(player, "STOPPED", "Stopped by publisher stop")


async def _fail(session: Session, operation: Operation, offered: Fields, info: str) -> None:
    """Tell a client, in the event that belongs to what it asked for, that it was broken off."""
    failed: Fields = {"status": "FAILED", "info": info}
    if operation.failure == "DataStatusEvent":
        await session.notify("DataStatusEvent", {"operationId": offered.get("operationId")} | failed, "DataStatusEvent")
        return
    if operation.failure == "availableStream":
        await session.tell("availableStream", {"id": offered.get(operation.id), "status": "false", "info": info})
        return
    if operation.failure in HOOKS:
        await session.notify(operation.failure, failed)
    named = {"id": offered.get(operation.id)} if operation.id else {}
    await session.tell("fail", failed | {"apiMethod": operation.failure} | named)


async def _status(stream: Stream, status: str, info: str | None = None) -> None:
    """Tell both sides of a stream's new status. The offer is in no such event of a real server."""
    stream.fields = stream.fields | {"status": status}
    fields = {key: value for key, value in stream.fields.items() if key != "sdp"}
    fields |= {} if info is None else {"info": info}
    await stream.session.notify("StreamStatusEvent", fields, "notifyStreamStatusEvent")


async def _start(session: Session, fields: Fields, status: str) -> None:
    fields = fields | {"createDate": time.time_ns() // 1_000_000}
    fields |= {"mediaType": "publish" if fields.get("published") else "play"}
    stream = Stream(session, fields)
    session.streams[stream.id] = stream
    await _status(stream, status)


async def _publish(session: Session, fields: Fields) -> None:
    if session.node.publisher(str(fields.get("name"))) is not None:
        await _fail(session, OPERATIONS["publishStream"], fields, "Stream name is already in use")
        return
    await _start(session, fields, "PUBLISHING")


async def _play(session: Session, fields: Fields) -> None:
    name = str(fields.get("name"))
    node = session.node
    if not (node.is_live(name) or ("://" in name and node.outside.pull(name))):
        await _fail(session, OPERATIONS["playStream"], fields, "Stream not found")
        return
    await _start(session, fields, "PLAYING")


async def _stop(session: Session, fields: Fields) -> None:
    stream = session.streams.get(str(fields.get("mediaSessionId")))
    if stream is not None:
        await end(stream, "UNPUBLISHED" if stream.published else "STOPPED")


async def _pause(session: Session, fields: Fields) -> None:
    stream = session.streams.get(str(fields.get("mediaSessionId")))
    if stream is not None:
        await _status(stream, "PAUSED")


async def _snapshot(session: Session, fields: Fields) -> None:
    if not session.node.is_live(str(fields.get("name"))):
        await _fail(session, OPERATIONS["snapshot"], fields, "Stream not found")
        return
    taken = {"mediaSessionId": fields.get("mediaSessionId"), "type": "snapshotCompleted"}
    await session.notify("StreamEvent", taken | {"payload": {"snapshot": "iVBORw0KGgo="}}, "notifyStreamEvent")


async def _available(session: Session, fields: Fields) -> None:
    there = session.node.is_live(str(fields.get("name")))
    verdict = {"status": "true"} if there else {"status": "false", "info": "Stream not found"}
    await session.tell("availableStream", {"id": fields.get("mediaSessionId")} | verdict)


async def _stream_event(session: Session, fields: Fields) -> None:
    stream = session.streams.get(str(fields.get("mediaSessionId")))
    for player in [] if stream is None else session.node.players(stream.name):
        await player.session.notify("StreamEvent", fields | {"mediaSessionId": player.id}, "notifyStreamEvent")


async def _data(session: Session, fields: Fields) -> None:
    accepted = {"operationId": fields.get("operationId"), "status": "ACCEPTED"}
    await session.notify("DataStatusEvent", accepted, "DataStatusEvent")


async def _call(session: Session, fields: Fields) -> None:
    session.calls[str(fields.get("callId"))] = fields
    if not session.node.outside.dial(fields, Account.of(session.fields)):
        await _call_status(session, fields, "FAILED", "finish", 403)
        session.calls.pop(str(fields.get("callId")), None)
        return
    await _call_status(session, fields, "RING", "ring", 180)
    await _call_status(session, fields, "ESTABLISHED", "talk", 200)


async def _hangup(session: Session, fields: Fields) -> None:
    await _call_status(session, fields, "FINISH", "finish")
    session.calls.pop(str(fields.get("callId")), None)


async def _transfer(session: Session, fields: Fields) -> None:
    for status in ("ACCEPTED", "COMPLETED"):
        await session.notify("TransferStatusEvent", fields | {"status": status}, "notifyTransferEvent")


async def _bug_report(session: Session, fields: Fields) -> None:
    await session.notify("BugReportStatusEvent", {"filename": "report-1.log"})


async def _debug(session: Session, fields: Fields) -> None:
    status = "STARTED" if fields.get("command") == "start" else "STOPPED"
    await session.notify("SessionDebugStatusEvent", {"status": status}, "notifySessionDebugEvent")


def _becomes(status: str, message: str) -> Callable[[Session, Fields], Awaitable[None]]:
    async def follow_up(session: Session, fields: Fields) -> None:
        await _call_status(session, fields, status, message, 200)

    return follow_up


async def _call_status(
    session: Session, fields: Fields, status: str, message: str, sip_status: int | None = None
) -> None:
    """Tell both sides of a call's new status, if there is such a call."""
    call = session.calls.get(str(fields.get("callId")))
    if call is None:
        return
    call |= {"status": status} | ({} if sip_status is None else {"sipStatus": sip_status})
    await session.notify("CallStatusEvent", {key: call[key] for key in call if key != "sdp"}, message)


_FOLLOW_UPS: dict[str, Callable[[Session, Fields], Awaitable[None]]] = {
    "publishStream": _publish,
    "playStream": _play,
    "unPublishStream": _stop,
    "stopStream": _stop,
    "pauseStream": _pause,
    "snapshot": _snapshot,
    "availableStream": _available,
    "sendStreamEvent": _stream_event,
    "sendData": _data,
    "call": _call,
    "answer": _becomes("ESTABLISHED", "talk"),
    "hold": _becomes("HOLD", "hold"),
    "unhold": _becomes("ESTABLISHED", "talk"),
    "hangup": _hangup,
    "transfer": _transfer,
    "submitBugReport": _bug_report,
    "sessionDebug": _debug,
}
