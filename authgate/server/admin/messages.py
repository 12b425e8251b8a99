"""Messages of the server's own to clients, over HTTP."""

from starlette.routing import BaseRoute

from authgate import admin
from authgate.server.admin import schema
from authgate.server.admin.operation import Answer, Call, Operation
from authgate.wiring import Service


def routes(_service: Service) -> list[Operation | BaseRoute]:
    """What can be done with messages."""
    return [*_OPERATIONS]


async def _send(call: Call) -> Answer:
    said = dict(call.body)
    store, config = call.service.store, call.service.config
    body, reachable = said.pop("body"), bool(config.wcs)
    return Answer({"id": await admin.send_message(store, config.signalling, body, reachable=reachable, **said)}, 202)


_OPERATIONS = (
    Operation(
        id="sendMessage",
        verb="POST",
        path="/api/v1/messages",
        scope="messages:send",
        summary="Queue a message for clients, in the server's own name.",
        handler=_send,
        body=schema.members(
            {
                "body": schema.anything("What to send."),
                "user": schema.text("To all sessions of a user.", most=760),
                "session": schema.text("To one: its sessionId, or the id that its messages carry.", most=255),
                "node": schema.text("Of the session, where several nodes have one of this id.", most=128),
                "stream": schema.text("To all who publish or play it.", most=255),
                "room": schema.text("To all in a room of an application.", most=760),
                "app": schema.text("Only there; alone: to everybody there.", most=128),
            },
            ["body"],
        ),
        answers={202: ("It waits to be delivered.", schema.shown({"id": {"type": "string"}}))},
        refusals=(404,),
    ),
)
