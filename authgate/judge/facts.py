"""What a hook was judged by, as its record keeps it: enough to judge it again, and nothing that is secret."""

import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from authgate.compactjson import dumps
from authgate.hooks.fields import LOGIN_FIELDS, NAMES
from authgate.hooks.methods import method
from authgate.hooks.subject import without_secrets
from authgate.judge.judge import Judged
from authgate.judge.sender import Given
from authgate.model import Asks, Hook, Principal, Reason, Record

MAX_VALUE = 255  # characters of a field


def dump(judged: Judged) -> str:
    """A verdict's facts as JSON. What a rejected client typed as its name is kept where that is a user's."""
    case, decision = judged.case, judged.decision
    fields = case.hook.fields
    known = decision.allowed or judged.user is not None
    kept: dict[str, Any] = {}
    cut: list[str] = []
    for name in NAMES.get(case.hook.method.name, ()):
        value = fields.get(name)
        if value is None:
            if name != "name" or case.hook.method.name != "playRTSP":
                continue
            value = fields.get("rtspUrl")
        if name in LOGIN_FIELDS and value is not None and not known:
            cut.append(name)
        elif isinstance(value, int) and not isinstance(value, bool):
            kept[name] = value
        elif isinstance(value, str) and value:
            kept[name] = without_secrets(value)[:MAX_VALUE]
            if kept[name] != value:
                cut.append(name)
    found: dict[str, Any] = {"fields": kept} if kept else {}
    if cut:
        found["cut"] = cut
    if case.origin:
        found["origin"] = case.origin[:MAX_VALUE]
    if isinstance(case.client, Principal):
        found["client"] = _client(case.client)
        found["own"] = case.own is case.client or case.own == case.client
    elif case.asked is not Asks.NOTHING:
        found["client"] = case.client.value
        found["own"] = isinstance(case.own, Reason) and case.own is not Reason.CREDENTIALS_MISSING
    if decision.changes:
        found["changed"] = sorted(decision.changes)
    return dumps(found) if found else ""


def _client(client: Principal) -> dict[str, Any]:
    found: dict[str, Any] = {"user": client.user, "verifier": client.verifier}
    if client.grants is not None:
        found["grants"] = client.grants
    if client.groups:
        found["groups"] = sorted(client.groups)
    if client.claims:
        found["claims"] = dict(client.claims)
    return found


def recall(record: Record) -> tuple[Hook, Given]:
    """The hook of a record as far as it was kept, and who sent it: what a judge needs to judge it again.

    A client that nobody asked for at the time is unknown. Facts that cannot be read count as none.
    """
    found = _read(record.facts)
    fields: dict[str, Any] = dict(found.get("fields", {}))
    if record.status:
        fields["status"] = record.status
    fields |= {"nodeId": record.key.node, "appKey": record.app_key, "sessionId": record.key.session}
    body = json.dumps(fields, ensure_ascii=True).encode()
    hook = Hook(method(record.method), record.app_key, record.key, fields, body)
    said = found.get("client")
    if isinstance(said, dict):
        return hook, Given(_principal(said), bool(found.get("own")), str(found.get("origin", "")))
    reason = Reason(said) if said in set(Reason) else None
    return hook, Given(reason, bool(found.get("own")), str(found.get("origin", "")))


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _principal(said: dict[str, Any]) -> Principal:
    grants = said.get("grants")
    client = Principal(str(said.get("user", "")), str(said.get("verifier", "")))
    return replace(
        client,
        grants=None if grants is None else tuple(map(str, grants)),
        groups=frozenset(map(str, said.get("groups", ()))),
        claims=MappingProxyType({str(name): str(value) for name, value in said.get("claims", {}).items()}),
    )
