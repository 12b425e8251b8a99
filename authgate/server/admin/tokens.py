"""Tokens over HTTP: issue them for any user, and revoke them."""

from dataclasses import replace

from starlette.routing import BaseRoute

from authgate import admin, bindings
from authgate.admin import shown
from authgate.api_keys import MAX_TTL
from authgate.issuance import Wanted
from authgate.model import Reason
from authgate.names import canonical
from authgate.server.admin import schema
from authgate.server.admin.operation import Answer, Call, Operation
from authgate.server.admin.paging import QUERY, page, page_of, place
from authgate.server.admin.problems import Problem
from authgate.server.openapi import MAX_GRANTS
from authgate.wiring import Service, issuer_of

_TOKEN = schema.shown(
    {
        "token": {"type": "string"},
        "jti": {"type": "string"},
        "subject": {"type": "string", "description": "The user."},
        "expires": schema.moment(),
        "kid": {"type": ["string", "null"], "description": "Of the key that signed it."},
    }
)
_MAY_BE_TEXT = {"type": ["string", "null"]}
_REPORT = schema.shown(
    {
        "valid": {"type": "boolean"},
        "reason": schema.one_of([each.value for each in Reason]),
        "shape": {"type": "string"},
        "verifier": {**_MAY_BE_TEXT, "description": "The one that recognised it."},
        "key": {**_MAY_BE_TEXT, "description": "kid."},
        "jti": _MAY_BE_TEXT,
        "subject": _MAY_BE_TEXT,
        "issued": schema.or_null(schema.moment()),
        "expires": schema.or_null(schema.moment()),
        "once": {"type": "boolean"},
        "generation": {"type": ["integer", "null"]},
        "grants": {"type": ["array", "null"], "items": {"type": "string"}},
        "bound": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    }
)
_KINDS = ("jti", "user", "issuer", "key")
_REVOCATION = schema.shown(
    {
        "kind": schema.one_of(_KINDS),
        "value": {"type": "string"},
        "before": schema.or_null(schema.moment("What was issued until then; null: whenever.")),
        "made_at": schema.moment(),
        "expires": schema.or_null(schema.moment("From then on nothing is left to refuse; null: never.")),
    }
)


def routes(_service: Service) -> list[Operation | BaseRoute]:
    """What can be done with tokens."""
    return [*_OPERATIONS]


async def _issue(call: Call) -> Answer:
    said, service = call.body, call.service
    issuer = issuer_of(service.config, service.directory.users, service.keys, service.store, said.get("verifier"))
    if issuer is None:
        raise Problem(400, "verifier: there is none of this name that can sign" if "verifier" in said else _NOBODY)
    grants = said.get("grants")
    wanted = Wanted(
        user=said["user"],
        ttl=said.get("ttl", 3600),
        grants=None if grants is None else tuple(grants),
        app_keys=tuple(said.get("apps", ())),
        addresses=tuple(said.get("addresses", ())),
        origins=tuple(said.get("origins", ())),
        streams=tuple(said.get("streams", ())),
        once=said.get("once", False),
    )
    token = await admin.issue_token(issuer, wanted, call.now)
    return Answer(shown.token(token), 201, note=f"jti {token.token_id}")


async def _check(call: Call) -> Answer:
    service = call.service
    asked = replace(service.gateway.in_force.judge.outside, dry=True).means(call.now)
    return Answer(shown.report(await admin.check_token(asked, service.config.verifiers, call.body["token"].strip())))


async def _list(call: Call) -> Answer:
    after, limit = ("", ""), call.query["limit"]
    if "after" in call.query:
        kind, value = place(call.query["after"], 2)
        after = kind, value
    found = await call.service.store.revocations.list(after=after, limit=limit + 1)
    return page(found, limit, shown.revocation, lambda each: (each.kind, each.value))


async def _revoke(call: Call) -> Answer:
    said, store = call.body, call.service.store
    given = [kind for kind in _KINDS if kind in said]
    if len(given) != 1:
        raise Problem(400, f"name what to revoke: one of {', '.join(_KINDS)}")
    kind, value, known = given[0], said[given[0]], True
    if "ever" in said and kind not in ("issuer", "key"):
        raise Problem(400, "ever: goes with issuer or key")
    if kind == "jti":
        await admin.revoke_token(store, value)
    elif kind == "user":
        value = canonical(value)
        known = await admin.revoke_user(store, value)
    else:
        await admin.revoke_issued(store, kind, value, ever=said.get("ever", False))
    return Answer({"kind": kind, "value": value, "known": known})


_NOBODY = "no verifier of the configuration can sign"
_OPERATIONS = (
    Operation(
        id="issueToken",
        verb="POST",
        path="/api/v1/tokens",
        scope="tokens:write",
        summary="A token for a user, as the first verifier that can sign accepts it.",
        told=("user", "ttl", "grants", "apps", "once", "verifier"),
        handler=_issue,
        body=schema.members(
            {
                "user": schema.text(most=760),
                "ttl": schema.whole("Seconds that it lives; without it, an hour.", 1, MAX_TTL),
                "grants": schema.texts(
                    "ACTION:PATTERN, or !ACTION:PATTERN; it only narrows, an empty list grants nothing.",
                    most=MAX_GRANTS,
                ),
                "apps": schema.texts("appKeys that it is good for.", 1, bindings.MOST),
                "addresses": schema.texts("Addresses or networks of the client.", 1, bindings.MOST),
                "origins": schema.texts("Origins of the client's page.", 1, bindings.MOST),
                "streams": schema.texts("Patterns of names of streams.", 1, bindings.MOST),
                "once": schema.yes_or_no("Good for one session or one stream."),
                "verifier": schema.text("For which verifier, where several can sign."),
            },
            required=("user",),
        ),
        answers={201: ("The token.", _TOKEN)},
    ),
    Operation(
        id="checkToken",
        verb="POST",
        path="/api/v1/tokens/check",
        scope="tokens:read",
        summary="What a client comes to that offers this token; what it is bound to is not held against anything.",
        handler=_check,
        body=schema.members({"token": schema.text("Its text.", most=16_000)}, required=("token",)),
        answers={200: ("What it comes to.", _REPORT)},
    ),
    Operation(
        id="listRevocations",
        verb="GET",
        path="/api/v1/revocations",
        scope="tokens:read",
        summary="What was revoked and is not over, by kind and value.",
        handler=_list,
        query=QUERY,
        answers={200: ("A page of them.", page_of(_REVOCATION))},
    ),
    Operation(
        id="revoke",
        verb="POST",
        path="/api/v1/revocations",
        scope="tokens:write",
        summary="Refuse a token, or all of a user, an issuer or a key, and the sessions that they opened.",
        told=("jti", "user", "issuer", "key", "ever"),
        handler=_revoke,
        body=schema.members(
            {
                "jti": schema.text("The name of one token.", most=512),
                "user": schema.text("All that was issued to this user until now.", most=760),
                "issuer": schema.text("All that this issuer has issued until now.", most=512),
                "key": schema.text("All that this key (kid) has signed until now.", most=512),
                "ever": schema.yes_or_no("With issuer or key: also what comes yet."),
            }
        ),
        answers={
            200: (
                "What is refused; of a user, whether the store knows it.",
                schema.shown(
                    {"kind": schema.one_of(_KINDS), "value": {"type": "string"}, "known": {"type": "boolean"}}
                ),
            )
        },
    ),
)
