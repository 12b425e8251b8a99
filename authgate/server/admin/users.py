"""Users over HTTP."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.routing import BaseRoute

from authgate import admin
from authgate.admin import shown
from authgate.model import User, UserChanges, UserQuery
from authgate.passwords import generated
from authgate.server.admin import schema
from authgate.server.admin.bans import BLOCK
from authgate.server.admin.operation import Answer, Call, Operation
from authgate.server.admin.paging import QUERY, page, page_of, place
from authgate.server.admin.problems import Problem
from authgate.wiring import Service

_PASSWORD = schema.text("Held to what `[passwords]` says.", most=1024, format="password")
_GRANTS = schema.or_null(schema.texts("ACTION:PATTERN, or !ACTION:PATTERN; null: no list, the default policies speak."))
_SETTABLE: Mapping[str, schema.Schema] = {
    "display": schema.text("The name as people write it."),
    "enabled": schema.yes_or_no("Whether the user is let in."),
    "grants": _GRANTS,
    "not_before": schema.or_null(schema.moment("Let in from then on; null: always.")),
    "expires_at": schema.or_null(schema.moment("Let in until then; null: for ever.")),
    "max_sessions": schema.or_null(schema.whole("Sessions at a time; null: any number.", 0, 1_000_000)),
    "notes": schema.text("For people.", least=0, most=2000),
}
_TIMES = ("not_before", "expires_at")
_NAMES = schema.texts("Groups.", longest=760)
_USER: Mapping[str, schema.Schema] = {
    "name": {"type": "string"},
    "display": {"type": "string"},
    "enabled": {"type": "boolean"},
    "not_before": schema.or_null(schema.moment()),
    "expires_at": schema.or_null(schema.moment()),
    "max_sessions": {"type": ["integer", "null"]},
    "password": {"type": "boolean", "description": "Whether there is one."},
    "source": {"type": ["string", "null"], "description": "The source of users that it was adopted from."},
    "grants": {"type": ["array", "null"], "items": {"type": "string"}},
    "notes": {"type": "string"},
    "created_at": schema.moment(),
    "updated_at": schema.moment(),
    "generation": {"type": "integer"},
    "cut_off_at": schema.or_null(schema.moment("When what had been issued was last refused.")),
    "groups": {"type": "array", "items": {"type": "string"}},
}
_LOCK = schema.shown({"address": {"type": ["string", "null"]}, "until": schema.or_null(schema.moment())})
_FULL = schema.shown(
    {
        **_USER,
        "sessions": {"type": "integer", "description": "That are live."},
        "banned": {"type": ["string", "null"], "description": "Until when, or `for good`."},
        "locked": {"type": "array", "items": _LOCK, "description": "After wrong passwords."},
    }
)


def routes(_service: Service) -> list[Operation | BaseRoute]:
    """What can be done with users."""
    return [*_OPERATIONS]


async def _list(call: Call) -> Answer:
    asked, limit = call.query, call.query["limit"]
    query = UserQuery(
        asked.get("enabled"),
        asked.get("group"),
        asked.get("expired", False),
        asked.get("without_password", False),
        asked.get("name"),
        asked.get("sort", "name"),
        asked.get("reverse", False),
    )
    after = place(asked["after"], 1)[0] if "after" in asked else None
    found: list[User] = []
    async for some in admin.users(call.service.store, query, after=after, limit=limit + 1):
        found += some
    groups = await call.service.store.groups.of_each([each.name for each in found])
    return page(
        found, limit, lambda each: {**shown.user(each), "groups": groups.get(each.name, [])}, lambda each: (each.name,)
    )


async def _show(call: Call) -> Answer:
    return Answer(await _shown(call, call.path["name"]))


async def _add(call: Call) -> Answer:
    said = call.body
    added = await admin.add_user(
        call.service.store,
        call.service.hasher,
        said["name"],
        None,
        said.get("password"),
        _changes(said),
        said.get("groups", ()),
        call.service.config.passwords,
    )
    headers = {"location": f"/api/v1/users/{quote(added.name, safe='')}"}
    return Answer(await _shown(call, added.name), 201, headers)


async def _change(call: Call) -> Answer:
    said, name = call.body, call.path["name"]
    if not said:
        raise Problem(400, "there is nothing to change")
    groups = {"join": said.get("join", ()), "leave": said.get("leave", ())}
    if both := {*groups["join"]} & {*groups["leave"]}:
        raise Problem(400, f"join and leave both name {min(both)}")
    await admin.change_user(call.service.store, name, _changes(said), **groups)
    return Answer(await _shown(call, name))


async def _delete(call: Call) -> Answer:
    await admin.delete_user(call.service.store, call.path["name"])
    return Answer(status=204)


async def _enable(call: Call) -> Answer:
    await admin.set_enabled(call.service.store, call.path["name"], enabled=True)
    return Answer(status=204)


async def _disable(call: Call) -> Answer:
    await admin.set_enabled(call.service.store, call.path["name"], enabled=False)
    return Answer(status=204)


async def _set_password(call: Call) -> Answer:
    await _put(call, call.body["password"])
    return Answer(status=204)


async def _make_password(call: Call) -> Answer:
    fresh = generated(call.service.config.passwords.min_length)
    await _put(call, fresh)
    return Answer({"password": fresh})


async def _take_password(call: Call) -> Answer:
    await admin.change_user(call.service.store, call.path["name"], UserChanges(hash=None))
    return Answer(status=204)


async def _unlock(call: Call) -> Answer:
    elsewhere = bool(call.service.config.user_sources)
    ended = await admin.unlock(call.service.store, call.path["name"], elsewhere=elsewhere)
    return Answer({"ended": [shown.block(each) for each in ended]})


async def _put(call: Call, password: str) -> None:
    service = call.service
    await admin.set_password(service.store, service.hasher, call.path["name"], password, service.config.passwords)


async def _shown(call: Call, name: str) -> dict[str, Any]:
    store = call.service.store
    found = await admin.user(store, name)
    return {
        **shown.user(found),
        "groups": await admin.groups_of(store, found.name),
        "sessions": await store.sessions.count(found.name),
        **shown.blocked(await admin.blocks(store, found.name)),
    }


def _changes(said: Mapping[str, Any]) -> UserChanges:
    made: Any = {name: said[name] for name in _SETTABLE if name in said}
    if made.get("grants") is not None:
        made["grants"] = tuple(made["grants"])
    for name in _TIMES:
        if made.get(name) is not None:
            made[name] = int(schema.seconds(made[name]))
    changes: UserChanges = made
    return changes


_PATH = "/api/v1/users/{name}"
_GONE = {204: ("It is done.", None)}
_OPERATIONS = (
    Operation(
        id="listUsers",
        verb="GET",
        path="/api/v1/users",
        scope="users:read",
        summary="Users, in an order.",
        handler=_list,
        query={
            **QUERY,
            "name": schema.text("A pattern of names, as guest-*.", most=760),
            "group": schema.text("Those only who are in it.", most=760),
            "enabled": schema.yes_or_no("Those only who are, or are not."),
            "expired": schema.yes_or_no("Those only whose time is over."),
            "without_password": schema.yes_or_no("Those only who come by token."),
            "sort": schema.one_of(("name", "created", "updated", "expires"), "What they are in the order of."),
            "reverse": schema.yes_or_no("The last first."),
        },
        answers={200: ("A page of users.", page_of(schema.shown(_USER)))},
        refusals=(404,),
    ),
    Operation(
        id="addUser",
        verb="POST",
        path="/api/v1/users",
        scope="users:write",
        summary="Add a user; without a password, one who comes by token only.",
        told=("name", "enabled", "grants", "groups", "not_before", "expires_at", "max_sessions"),
        handler=_add,
        body=schema.members(
            {"name": schema.text(most=760), "password": _PASSWORD, **_SETTABLE, "groups": _NAMES}, required=("name",)
        ),
        answers={201: ("The user.", _FULL)},
        refusals=(404, 409),
    ),
    Operation(
        id="showUser",
        verb="GET",
        path=_PATH,
        scope="users:read",
        summary="One user.",
        handler=_show,
        answers={200: ("The user.", _FULL)},
        refusals=(404,),
    ),
    Operation(
        id="changeUser",
        verb="PATCH",
        path=_PATH,
        scope="users:write",
        summary="Change what is named, all of it or nothing; a list of grants is replaced as a whole.",
        told=("enabled", "grants", "join", "leave", "not_before", "expires_at", "max_sessions"),
        handler=_change,
        body=schema.members(
            {
                **_SETTABLE,
                "join": {**_NAMES, "description": "Groups to put the user into."},
                "leave": {**_NAMES, "description": "Groups to take the user out of."},
            }
        ),
        answers={200: ("The user, as it is now.", _FULL)},
        refusals=(404,),
    ),
    Operation(
        id="deleteUser",
        verb="DELETE",
        path=_PATH,
        scope="users:write",
        summary="Delete a user; the records stay.",
        handler=_delete,
        answers=_GONE,
        refusals=(404,),
    ),
    Operation(
        id="enableUser",
        verb="POST",
        path=f"{_PATH}/enable",
        scope="users:write",
        summary="Let a disabled user in again.",
        handler=_enable,
        answers=_GONE,
        refusals=(404,),
    ),
    Operation(
        id="disableUser",
        verb="POST",
        path=f"{_PATH}/disable",
        scope="users:write",
        summary="Keep a user out: logins, tokens and live sessions are refused from now on.",
        handler=_disable,
        answers=_GONE,
        refusals=(404,),
    ),
    Operation(
        id="setPassword",
        verb="PUT",
        path=f"{_PATH}/password",
        scope="users:write",
        summary="Give a user another password.",
        handler=_set_password,
        body=schema.members({"password": _PASSWORD}, required=("password",)),
        answers=_GONE,
        refusals=(404,),
    ),
    Operation(
        id="makePassword",
        verb="POST",
        path=f"{_PATH}/password",
        scope="users:write",
        summary="Make up a password for a user, and show it this once.",
        handler=_make_password,
        answers={200: ("The password.", schema.shown({"password": {"type": "string"}}))},
        refusals=(404,),
    ),
    Operation(
        id="takePassword",
        verb="DELETE",
        path=f"{_PATH}/password",
        scope="users:write",
        summary="Take a user's password away: tokens only.",
        handler=_take_password,
        answers=_GONE,
        refusals=(404,),
    ),
    Operation(
        id="unlockUser",
        verb="POST",
        path=f"{_PATH}/unlock",
        scope="bans:write",
        summary="Let a user try passwords again after too many wrong ones. A ban goes on.",
        handler=_unlock,
        answers={200: ("The locks that were ended.", schema.shown({"ended": {"type": "array", "items": BLOCK}}))},
        refusals=(404,),
    ),
)
