"""Stream keys and signed addresses over HTTP: what encoders and players are given."""

from starlette.routing import BaseRoute

from authgate import admin
from authgate.admin import shown
from authgate.api_keys import MAX_TTL
from authgate.grants import ACTIONS
from authgate.issuance import Wanted
from authgate.names import canonical
from authgate.server.admin import schema
from authgate.server.admin.operation import Answer, Call, Operation
from authgate.server.admin.paging import QUERY, page, page_of, place
from authgate.server.admin.problems import Problem
from authgate.verifiers.issued import IssuedVerifier
from authgate.wiring import Service

_KEY: dict[str, schema.Schema] = {
    "prefix": {"type": "string", "description": "By which it is spoken of."},
    "user": {"type": "string"},
    "action": {"type": "string"},
    "stream": {"type": "string", "description": "A pattern of names."},
    "app": {"type": ["string", "null"], "description": "null: any application."},
    "once": {"type": "boolean"},
    "created": schema.moment(),
    "expires": schema.or_null(schema.moment("null: it stays until it is revoked.")),
}


def routes(_service: Service) -> list[Operation | BaseRoute]:
    """What can be done with stream keys."""
    return [*_OPERATIONS]


async def _list(call: Call) -> Answer:
    asked, limit = call.query, call.query["limit"]
    after = place(asked["after"], 1)[0] if "after" in asked else ""
    user = canonical(asked["user"]) if "user" in asked else None
    found = await call.service.store.stream_keys.list(user=user, after=after, limit=limit + 1)
    return page(found, limit, shown.stream_key, lambda each: (each.prefix,))


async def _add(call: Call) -> Answer:
    said, service = call.body, call.service
    action, wanted = said.get("action", "publish"), _wanted(call, said.get("ttl", 0))
    text, key = await admin.add_stream_key(service.store, _verifier(service), wanted, action, service.directory.users)
    return Answer({"key": text, **shown.stream_key(key)}, 201, note=f"prefix {key.prefix}")


async def _revoke(call: Call) -> Answer:
    await admin.revoke_stream_key(call.service.store, call.path["prefix"])
    return Answer(status=204)


async def _sign(call: Call) -> Answer:
    service, wanted = call.service, _wanted(call, call.body.get("ttl", 3600))
    verifier = _verifier(service)
    text = await admin.sign_address(service.store, verifier, wanted, call.now, service.directory.users)
    return Answer({"token": text}, 201)


def _wanted(call: Call, ttl: int) -> Wanted:
    said = call.body
    apps = (said["app"],) if "app" in said else ()
    return Wanted(said["user"], ttl, app_keys=apps, streams=(said["stream"],), once=said.get("once", False))


def _verifier(service: Service) -> IssuedVerifier:
    for each in service.config.verifiers:
        if isinstance(each, IssuedVerifier):
            return each
    raise Problem(400, "no verifier of the configuration takes what authgate issues itself")


_ASKED: dict[str, schema.Schema] = {
    "user": schema.text(most=760),
    "stream": schema.text("A pattern of names.", most=1000),
    "ttl": schema.whole("Seconds that it is good for.", 1, MAX_TTL),
    "app": schema.text("Good for this application (appKey) only."),
}
_OPERATIONS = (
    Operation(
        id="listStreamKeys",
        verb="GET",
        path="/api/v1/stream-keys",
        scope="tokens:read",
        summary="Stream keys, by their prefixes; nobody can show the keys themselves.",
        handler=_list,
        query={**QUERY, "user": schema.text("Those of a user.", most=760)},
        answers={200: ("A page of them.", page_of(schema.shown(_KEY)))},
    ),
    Operation(
        id="addStreamKey",
        verb="POST",
        path="/api/v1/stream-keys",
        scope="tokens:write",
        summary="A short key for an encoder or a player; without ttl, until it is revoked.",
        told=("user", "stream", "action", "ttl", "app", "once"),
        handler=_add,
        body=schema.members(
            {
                **_ASKED,
                "action": schema.one_of(tuple(ACTIONS), "Without it, publish."),
                "once": schema.yes_or_no("Good for one session or one stream."),
            },
            required=("user", "stream"),
        ),
        answers={201: ("The key, which is shown this once.", schema.shown({"key": {"type": "string"}, **_KEY}))},
    ),
    Operation(
        id="revokeStreamKey",
        verb="DELETE",
        path="/api/v1/stream-keys/{prefix}",
        scope="tokens:write",
        summary="Forget a stream key, and refuse the sessions that it opened.",
        handler=_revoke,
        answers={204: ("It is done.", None)},
        refusals=(404,),
    ),
    Operation(
        id="signAddress",
        verb="POST",
        path="/api/v1/tokens/sign",
        scope="tokens:write",
        summary="A short token to play a stream, for the address of an HLS or RTSP player; nobody keeps it.",
        told=("user", "stream", "ttl", "app"),
        handler=_sign,
        body=schema.members(_ASKED, required=("user", "stream")),
        answers={201: ("The token.", schema.shown({"token": {"type": "string"}}))},
    ),
)
