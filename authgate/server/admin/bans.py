"""Bans, and locks after wrong passwords, over HTTP."""

from starlette.routing import BaseRoute

from authgate import admin
from authgate.admin import shown
from authgate.server.admin import schema
from authgate.server.admin.operation import Answer, Call, Operation
from authgate.server.admin.paging import QUERY, page, page_of, place
from authgate.server.admin.problems import Problem
from authgate.wiring import Service

_LONGEST = 100 * 365 * 86_400  # seconds
BLOCK = schema.shown(
    {
        "kind": schema.one_of(("ban", "lock")),
        "user": {"type": ["string", "null"]},
        "address": {"type": ["string", "null"], "description": "Or network."},
        "made_at": schema.moment(),
        "until": schema.or_null(schema.moment("null: for good.")),
        "strikes": {"type": "integer", "description": "Of a lock: how many there were in a row."},
        "note": {"type": "string"},
    }
)


def routes(_service: Service) -> list[Operation | BaseRoute]:
    """What can be done with bans."""
    return [*_OPERATIONS]


async def _list(call: Call) -> Answer:
    after, limit = ("", "", ""), call.query["limit"]
    if "after" in call.query:
        kind, user, address = place(call.query["after"], 3)
        after = kind, user, address
    found = await admin.some_blocks(call.service.store, call.query.get("user", ""), after=after, limit=limit + 1)
    return page(found, limit, shown.block, lambda each: (each.kind, each.user, each.address))


async def _add(call: Call) -> Answer:
    said = call.body
    _demand_one("user" in said, "address" in said)
    made = await admin.ban(
        call.service.store,
        user=said.get("user"),
        address=said.get("address"),
        seconds=said.get("seconds"),
        note=said.get("note", ""),
    )
    return Answer(shown.block(made), 201)


async def _remove(call: Call) -> Answer:
    asked = call.query
    _demand_one("user" in asked, "address" in asked)
    ended = await admin.lift(call.service.store, user=asked.get("user"), address=asked.get("address"))
    return Answer({"ended": [shown.block(each) for each in ended]})


def _demand_one(user: bool, address: bool) -> None:
    if user == address:
        raise Problem(400, "name a user or an address, one of them")


_USER = schema.text("A user; one who comes by token alone too.", most=760)
_ADDRESS = schema.text("Such as 203.0.113.7 or 203.0.113.0/24.", most=100)
_OPERATIONS = (
    Operation(
        id="listBans",
        verb="GET",
        path="/api/v1/bans",
        scope="bans:read",
        summary="Bans and locks in force, by kind, user and address.",
        handler=_list,
        query={**QUERY, "user": schema.text("Those of a user.", most=760)},
        answers={200: ("A page of them.", page_of(BLOCK))},
    ),
    Operation(
        id="addBan",
        verb="POST",
        path="/api/v1/bans",
        scope="bans:write",
        summary="Keep a user or an address out, from every worker within a second.",
        told=("user", "address", "seconds", "note"),
        handler=_add,
        body=schema.members(
            {
                "user": _USER,
                "address": _ADDRESS,
                "seconds": schema.whole("How long; without it, for good.", 1, _LONGEST),
                "note": schema.text("Why, for people.", least=0),
            }
        ),
        answers={201: ("The ban.", BLOCK)},
    ),
    Operation(
        id="removeBan",
        verb="DELETE",
        path="/api/v1/bans",
        scope="bans:write",
        summary="End the ban of a user or an address, and its locks; wrong passwords count from 0.",
        told=("user", "address"),
        handler=_remove,
        query={"user": _USER, "address": _ADDRESS},
        answers={200: ("What was ended.", schema.shown({"ended": {"type": "array", "items": BLOCK}}))},
        refusals=(404,),
    ),
)
