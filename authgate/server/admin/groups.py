"""Groups of users over HTTP."""

from urllib.parse import quote

from starlette.routing import BaseRoute

from authgate import admin
from authgate.admin import shown
from authgate.names import canonical
from authgate.server.admin import schema
from authgate.server.admin.operation import Answer, Call, Operation
from authgate.server.admin.paging import QUERY, page, page_of, place
from authgate.wiring import Service

_GRANTS = schema.or_null(schema.texts("ACTION:PATTERN, or !ACTION:PATTERN; null: no list, only rules speak of it."))
_GROUP = schema.shown(
    {
        "name": {"type": "string"},
        "members": {"type": "integer", "description": "How many."},
        "grants": {"type": ["array", "null"], "items": {"type": "string"}},
        "created_at": schema.moment(),
        "updated_at": schema.moment(),
    }
)


def routes(_service: Service) -> list[Operation | BaseRoute]:
    """What can be done with groups."""
    return [*_OPERATIONS]


async def _list(call: Call) -> Answer:
    after = place(call.query["after"], 1)[0] if "after" in call.query else ""
    limit = call.query["limit"]
    found = await call.service.store.groups.list(after=after, limit=limit + 1)
    return page(found, limit, shown.group, lambda each: (each.name,))


async def _show(call: Call) -> Answer:
    return Answer(shown.group(await admin.group(call.service.store, call.path["group"])))


async def _add(call: Call) -> Answer:
    added = await admin.add_group(call.service.store, call.body["name"], call.body.get("grants"))
    return Answer(shown.group(added), 201, {"location": f"/api/v1/groups/{quote(added.name, safe='')}"})


async def _set(call: Call) -> Answer:
    await admin.set_group_grants(call.service.store, call.path["group"], call.body["grants"])
    return await _show(call)


async def _delete(call: Call) -> Answer:
    await admin.delete_group(call.service.store, call.path["group"])
    return Answer(status=204)


async def _members(call: Call) -> Answer:
    store, limit = call.service.store, call.query["limit"]
    found = await admin.group(store, call.path["group"])
    after = place(call.query["after"], 1)[0] if "after" in call.query else ""
    names = await store.groups.members(found.name, after=after, limit=limit + 1)
    return page(names, limit, lambda name: {"name": name}, lambda name: (name,))


async def _join(call: Call) -> Answer:
    users = call.body["users"]
    joined = await admin.join(call.service.store, call.path["group"], users)
    return Answer({"joined": joined, "strangers": await admin.strangers(call.service.store, users)})


async def _leave(call: Call) -> Answer:
    left = await admin.leave(call.service.store, call.path["group"], [canonical(call.path["user"])])
    return Answer({"left": left})


_PATH = "/api/v1/groups/{group}"
_OPERATIONS = (
    Operation(
        id="listGroups",
        verb="GET",
        path="/api/v1/groups",
        scope="users:read",
        summary="Groups, by name.",
        handler=_list,
        query=QUERY,
        answers={200: ("A page of groups.", page_of(_GROUP))},
    ),
    Operation(
        id="addGroup",
        verb="POST",
        path="/api/v1/groups",
        scope="users:write",
        summary="Add a group without members.",
        told=("name", "grants"),
        handler=_add,
        body=schema.members({"name": schema.text(most=760), "grants": _GRANTS}, required=("name",)),
        answers={201: ("The group.", _GROUP)},
        refusals=(409,),
    ),
    Operation(
        id="showGroup",
        verb="GET",
        path=_PATH,
        scope="users:read",
        summary="One group.",
        handler=_show,
        answers={200: ("The group.", _GROUP)},
        refusals=(404,),
    ),
    Operation(
        id="changeGroup",
        verb="PATCH",
        path=_PATH,
        scope="users:write",
        summary="Change what a group is granted: its list is replaced as a whole.",
        told=("grants",),
        handler=_set,
        body=schema.members({"grants": _GRANTS}, required=("grants",)),
        answers={200: ("The group, as it is now.", _GROUP)},
        refusals=(404,),
    ),
    Operation(
        id="deleteGroup",
        verb="DELETE",
        path=_PATH,
        scope="users:write",
        summary="Delete a group; its members stay users.",
        handler=_delete,
        answers={204: ("It is done.", None)},
        refusals=(404,),
    ),
    Operation(
        id="listMembers",
        verb="GET",
        path=f"{_PATH}/members",
        scope="users:read",
        summary="The users in a group, by name.",
        handler=_members,
        query=QUERY,
        answers={200: ("A page of users.", page_of(schema.shown({"name": {"type": "string"}})))},
        refusals=(404,),
    ),
    Operation(
        id="joinGroup",
        verb="POST",
        path=f"{_PATH}/members",
        scope="users:write",
        summary="Put users into a group; they need not be in the store, for a token may let them in.",
        told=("users",),
        handler=_join,
        body=schema.members({"users": schema.texts(least=1, longest=760)}, required=("users",)),
        answers={
            200: (
                "How many were not in it, and those of them who are not in the store.",
                schema.shown(
                    {"joined": {"type": "integer"}, "strangers": {"type": "array", "items": {"type": "string"}}}
                ),
            )
        },
        refusals=(404,),
    ),
    Operation(
        id="leaveGroup",
        verb="DELETE",
        path=f"{_PATH}/members/{{user}}",
        scope="users:write",
        summary="Take a user out of a group.",
        handler=_leave,
        answers={200: ("How many were in it: 1 or 0.", schema.shown({"left": {"type": "integer"}}))},
        refusals=(404,),
    ),
)
