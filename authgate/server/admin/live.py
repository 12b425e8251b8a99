"""What is live, over HTTP: sessions, streams and calls."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.routing import BaseRoute

from authgate import admin
from authgate.admin import shown
from authgate.model import CallKey, MediaKey, Session, SessionKey
from authgate.server.admin import schema
from authgate.server.admin.operation import Answer, Call, Operation
from authgate.server.admin.paging import QUERY, cursor, page, page_of, place
from authgate.server.admin.problems import Problem
from authgate.wiring import Service, is_current

_ENDING: schema.Schema = {
    "type": ["object", "null"],
    "description": "That it is to be ended at the media server, and how far that is.",
    "properties": {
        "since": schema.moment("When that was ordered."),
        "reason": {"type": "string"},
        "tries": {"type": "integer"},
        "error": {"type": ["string", "null"], "description": "Of the last try."},
    },
    "required": ["since", "reason", "tries", "error"],
}
_PLACE: Mapping[str, schema.Schema] = {
    "id": {"type": "string", "description": "By which it is asked for here."},
    "node": {"type": "string", "description": "The media server's nodeId."},
    "session": {"type": "string", "description": "Its sessionId."},
    "user": {"type": ["string", "null"], "description": "null: nobody has said."},
    "app": {"type": "string", "description": "appKey."},
    "since": schema.moment(),
}
_SESSION = schema.shown(
    {
        **_PLACE,
        "expires": schema.or_null(schema.moment("When its token does.")),
        "token": {"type": ["string", "null"], "description": "jti of that which opened it."},
        "seen": schema.or_null(schema.moment("Its last hook, roughly.")),
        "verifier": {"type": ["string", "null"]},
        "grants": {"type": ["array", "null"], "items": {"type": "string"}},
        "groups": {"type": "array", "items": {"type": "string"}},
        "origin": {"type": ["string", "null"]},
        "rules": schema.one_of(("current", "older"), "Under which it was opened."),
        "ending": _ENDING,
    }
)
_STREAM = schema.shown(
    {
        **_PLACE,
        "session": {"type": ["string", "null"]},
        "media": {"type": "string", "description": "mediaSessionId."},
        "name": {"type": "string", "description": "As the media server has it."},
        "does": {"enum": ["publish", "play", None], "description": "null: nobody has said."},
        "status": {"type": "string"},
        "seen": schema.moment("The last news of it."),
        "ending": _ENDING,
    }
)
_CALL = schema.shown(
    {
        **_PLACE,
        "call": {"type": "string", "description": "callId."},
        "caller": {"type": "string"},
        "callee": {"type": "string"},
        "incoming": {"type": ["boolean", "null"]},
        "status": {"type": "string"},
        "seen": schema.moment("The last news of it."),
    }
)
_FILTERS: Mapping[str, schema.Schema] = {
    "user": schema.text("Those of a user, or of users by a pattern: * any characters, ? one.", most=760),
    "node": schema.text("Those of a node.", most=300),
    "session": schema.text("Those of a sessionId.", most=300),
    "app": schema.text("Those of an application.", most=300),
}
_SESSIONS = {**_FILTERS, "token": schema.text("Those that a token (jti) opened.", most=512)}
_STREAMS = {
    **_FILTERS,
    "media": schema.text("That of a mediaSessionId.", most=300),
    "name": schema.text("Those of names by a pattern: * any characters, ? one.", most=1000),
    "published": schema.yes_or_no("true: those that are published; false: those that are played."),
}


def routes(_service: Service) -> list[Operation | BaseRoute]:
    """What can be done with what is live."""
    return [*_OPERATIONS]


async def _sessions(call: Call) -> Answer:
    asked, limit = call.query, call.query["limit"]
    after = SessionKey(*place(asked["after"], 2)) if "after" in asked else None
    found = await admin.sessions(call.service.store, _meant(asked), after=after, limit=limit + 1)
    return page(found, limit, _show(call), lambda each: each.key)


async def _session(call: Call) -> Answer:
    return Answer(_show(call)(await _found(call)))


async def _end(call: Call) -> Answer:
    key = (await _found(call)).key
    return await _ended(call, admin.Meant(node=key.node, session=key.session))


async def _end_many(call: Call) -> Answer:
    meant = _meant(call.body)
    if call.body.get("older"):
        meant = replace(meant, only=_older(call))
    if meant.everything:  # the words of the command name its options
        raise Problem(400, f"say which sessions: {', '.join(_SESSIONS)} or older")
    return await _ended(call, meant)


async def _ended(call: Call, meant: admin.Meant) -> Answer:
    ended = await admin.end_sessions(call.service.store, meant, admin.reached(call.service.config.wcs))
    return Answer({"ordered": ended.ordered, "closed": ended.closed}, note=f"{ended.count} ended")


async def _streams(call: Call) -> Answer:
    asked, limit = call.query, call.query["limit"]
    after = MediaKey(*place(asked["after"], 3)) if "after" in asked else None
    found = await admin.streams(call.service.store, _meant(asked), after=after, limit=limit + 1)
    return page(found, limit, lambda each: {"id": cursor(each.key), **shown.stream(each)}, lambda each: each.key)


async def _end_streams(call: Call) -> Answer:
    meant = _meant(call.body)
    if meant.everything:
        raise Problem(400, f"say which streams: {', '.join(_STREAMS)}")
    ended = await admin.end_streams(call.service.store, meant, admin.reached(call.service.config.wcs))
    return Answer({"ordered": ended.ordered, "closed": ended.closed}, note=f"{ended.count} ended")


async def _end_stream(call: Call) -> Answer:
    key = MediaKey(*place(call.path["id"], 3, "id"))
    meant = admin.Meant(node=key.node, session=key.session, media=key.media)
    ended = await admin.end_streams(call.service.store, meant, admin.reached(call.service.config.wcs))
    if not ended.count:
        raise Problem(404, "there is no such live stream")
    return Answer({"ordered": ended.ordered, "closed": ended.closed}, note=f"{ended.count} ended")


async def _calls(call: Call) -> Answer:
    asked, limit = call.query, call.query["limit"]
    after = CallKey(*place(asked["after"], 3)) if "after" in asked else None
    found = await admin.calls(call.service.store, _meant(asked), after=after, limit=limit + 1)
    return page(found, limit, lambda each: {"id": cursor(each.key), **shown.call(each)}, lambda each: each.key)


async def _found(call: Call) -> Session:
    """The session of the path.

    Raises:
        Problem: there is none that is live.
    """
    key = SessionKey(*place(call.path["id"], 2, "id"))
    found = await admin.sessions(call.service.store, admin.Meant(node=key.node, session=key.session), limit=1)
    if not found:
        raise Problem(404, "there is no such live session")
    return found[0]


def _meant(said: Mapping[str, Any]) -> admin.Meant:
    return admin.Meant(
        user=said.get("user"),
        node=said.get("node"),
        session=said.get("session"),
        app_key=said.get("app"),
        token_id=said.get("token"),
        media=said.get("media"),
        name=said.get("name"),
        published=said.get("published"),
    )


def _older(call: Call) -> Callable[[Session], bool]:
    current = is_current(call.service.config)
    return lambda each: not current(each.app_key, each.config)


def _show(call: Call) -> Callable[[Session], Mapping[str, object]]:
    older = _older(call)
    return lambda each: {"id": cursor(each.key), **shown.session(each, older=older(each))}


_AT = {"id": schema.text("`id` of the list.", most=4000)}
_ENDED = {
    200: (
        "What came of it.",
        schema.shown(
            {
                "ordered": {"type": "integer", "description": "Of which the media server is going to be told."},
                "closed": {"type": "integer", "description": "Of nodes that cannot be told: refused from now on."},
            }
        ),
    )
}
_OPERATIONS = (
    Operation(
        id="listSessions",
        verb="GET",
        path="/api/v1/sessions",
        scope="sessions:read",
        summary="Live sessions, by node and session.",
        handler=_sessions,
        query={**QUERY, **_SESSIONS},
        answers={200: ("A page of sessions.", page_of(_SESSION))},
    ),
    Operation(
        id="showSession",
        verb="GET",
        path="/api/v1/sessions/{id}",
        scope="sessions:read",
        summary="One live session.",
        handler=_session,
        at_path=_AT,
        answers={200: ("The session.", _SESSION)},
        refusals=(404,),
    ),
    Operation(
        id="endSession",
        verb="DELETE",
        path="/api/v1/sessions/{id}",
        scope="sessions:write",
        summary="End a session.",
        handler=_end,
        at_path=_AT,
        answers=_ENDED,
        refusals=(404,),
    ),
    Operation(
        id="endSessions",
        verb="POST",
        path="/api/v1/sessions/end",
        scope="sessions:write",
        summary="End the live sessions that match all that is named.",
        told=(*_SESSIONS, "older"),
        handler=_end_many,
        body=schema.members({**_SESSIONS, "older": schema.yes_or_no("Those that were opened under older rules.")}),
        answers=_ENDED,
    ),
    Operation(
        id="listStreams",
        verb="GET",
        path="/api/v1/streams",
        scope="streams:read",
        summary="Streams that are published or played, by node, session and stream.",
        handler=_streams,
        query={**QUERY, **_STREAMS},
        answers={200: ("A page of streams.", page_of(_STREAM))},
    ),
    Operation(
        id="endStream",
        verb="DELETE",
        path="/api/v1/streams/{id}",
        scope="streams:write",
        summary="End a stream by telling the media server; its session goes on. It takes a `[[wcs]]` section.",
        handler=_end_stream,
        at_path=_AT,
        answers=_ENDED,
        refusals=(404,),
    ),
    Operation(
        id="endStreams",
        verb="POST",
        path="/api/v1/streams/end",
        scope="streams:write",
        summary="End the streams that match all that is named.",
        told=tuple(_STREAMS),
        handler=_end_streams,
        body=schema.members(_STREAMS),
        answers=_ENDED,
    ),
    Operation(
        id="listCalls",
        verb="GET",
        path="/api/v1/calls",
        scope="sessions:read",
        summary="Calls that go on, by node, session and call.",
        handler=_calls,
        query={**QUERY, **_FILTERS},
        answers={200: ("A page of calls.", page_of(_CALL))},
    ),
)
