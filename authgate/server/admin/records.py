"""The audit trail over HTTP."""

from collections.abc import Mapping

from starlette.routing import BaseRoute

from authgate import admin
from authgate.admin import shown
from authgate.model import Reason
from authgate.server.admin import schema
from authgate.server.admin.operation import Answer, Call, Operation
from authgate.server.admin.paging import QUERY, page, page_of, place
from authgate.server.admin.problems import Problem
from authgate.wanted import MOST, RecordFilter, asked
from authgate.wiring import Service

_RECORD: Mapping[str, schema.Schema] = {
    "id": {"type": "string"},
    "at": schema.moment(),
    "node": {"type": "string", "description": "The media server's nodeId."},
    "session": {"type": "string", "description": "Its sessionId."},
    "app": {"type": "string", "description": "appKey."},
    "method": {"type": "string", "description": "The hook."},
    "user": {"type": ["string", "null"], "description": "Of a rejected client: who it said to be."},
    "allowed": {"type": "boolean"},
    "reason": schema.one_of([each.value for each in Reason]),
    "rule": {"type": "string"},
    "status": {"type": "string", "description": "Of the stream, call or connection."},
    "subject": {"type": "string", "description": "What it was about: a stream, a callee or a call."},
}
_LISTED = schema.shown({"seq": {"type": "integer", "description": "Ascends with the records."}, **_RECORD})
_WHOLE = schema.shown({**_RECORD, "facts": {"description": "What it was judged by; null: no rule was asked."}})
# Each of them may be there several times: one of its values is enough.
_ASKED: Mapping[str, tuple[str, schema.Schema]] = {
    "user": ("users", schema.texts("Of these users.", 1, MOST)),
    "session": ("sessions", schema.texts("Of these sessions (sessionId).", 1, MOST)),
    "node": ("nodes", schema.texts("Of these nodes (nodeId).", 1, MOST)),
    "subject": ("subjects", schema.texts("About these streams, callees or calls.", 1, MOST)),
    "method": ("methods", schema.texts("Of these hooks.", 1, MOST)),
    "app": ("apps", schema.texts("Of these applications.", 1, MOST)),
    "reason": ("reasons", schema.texts("With these reasons.", 1, MOST)),
    "rule": ("rules", schema.texts("By these rules.", 1, MOST)),
    "status": ("statuses", schema.texts("With these statuses.", 1, MOST)),
}


def routes(_service: Service) -> list[Operation | BaseRoute]:
    """What can be seen of the audit trail."""
    return [*_OPERATIONS]


async def _list(call: Call) -> Answer:
    limit, before = call.query["limit"], None
    if "after" in call.query:
        [text] = place(call.query["after"], 1)
        if not (text.isascii() and text.isdecimal() and len(text) < 19):
            raise Problem(400, "after: is none that was given out")
        before = int(text)
    found = await admin.records(call.service.store, _wanted(call), limit=limit + 1, before=before)
    return page(found, limit, lambda each: shown.record(*each), lambda each: (str(each[0]),))


async def _show(call: Call) -> Answer:
    found = await call.service.store.records.find(call.path["id"])
    if found is None:
        raise Problem(404, "there is no such record")
    whole = shown.whole_record(0, found)
    del whole["seq"]  # it was not asked for by that
    return Answer(whole)


def _wanted(call: Call) -> RecordFilter:
    said = {name: call.query[parameter] for parameter, (name, _) in _ASKED.items() if parameter in call.query}
    for name in ("since", "until"):
        if name in call.query:
            said[name] = max(0, int(schema.seconds(call.query[name]) * 1000))
    return asked(**said, allowed=call.query.get("allowed"))


_OPERATIONS = (
    Operation(
        id="listRecords",
        verb="GET",
        path="/api/v1/records",
        scope="records:read",
        summary="Verdicts, the newest first; of a parameter that is there several times one value is enough.",
        handler=_list,
        query={
            **QUERY,
            **{parameter: told for parameter, (_, told) in _ASKED.items()},
            "allowed": schema.yes_or_no("Those only that were allowed, or rejected."),
            "since": schema.moment("From then on."),
            "until": schema.moment("Before that."),
        },
        answers={200: ("A page of records.", page_of(_LISTED))},
    ),
    Operation(
        id="showRecord",
        verb="GET",
        path="/api/v1/records/{id}",
        scope="records:read",
        summary="One record.",
        handler=_show,
        answers={200: ("The record.", _WHOLE)},
        refusals=(404,),
    ),
)
