"""What is shown of things, as JSON can hold it: alike on the command line and over HTTP."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # help must be fast
    from authgate.admin.tokens import TokenReport
    from authgate.guessing import Block
    from authgate.issuance import Revocation, StreamKey, Token
    from authgate.model import Call, Ending, Group, Record, Session, Stream, User


def iso(milliseconds: int | None) -> str | None:
    """A time since the epoch as ISO 8601 in UTC."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def of_seconds(seconds: int | None) -> str | None:
    """The same, of a time in seconds."""
    return None if seconds is None else iso(seconds * 1000)


def user(each: "User") -> dict[str, Any]:
    """A user; nothing of the password but whether there is one."""
    return {
        "name": each.name,
        "display": each.display,
        "enabled": each.enabled,
        "not_before": of_seconds(each.not_before),
        "expires_at": of_seconds(each.expires_at),
        "max_sessions": each.max_sessions,
        "password": each.hash is not None,
        "source": each.origin.source if each.origin else None,
        "grants": None if each.grants is None else list(each.grants),
        "notes": each.notes,
        "created_at": iso(each.created_at),
        "updated_at": iso(each.updated_at),
        "generation": each.generation,
        "cut_off_at": iso(each.cut_off_at),
    }


def blocked(blocks: "Sequence[Block]") -> dict[str, Any]:
    """The ban of a user and its locks; of one that is about every address, none is said."""
    bans = [iso(each.expires_at) or "for good" for each in blocks if each.kind == "ban"]
    locks = [{"address": each.address or None, "until": iso(each.expires_at)} for each in blocks if each.kind == "lock"]
    return {"banned": bans[0] if bans else None, "locked": locks}


def group(each: "Group") -> dict[str, Any]:
    """A group."""
    return {
        "name": each.name,
        "members": each.members,
        "grants": None if each.grants is None else list(each.grants),
        "created_at": iso(each.created_at),
        "updated_at": iso(each.updated_at),
    }


def block(each: "Block") -> dict[str, Any]:
    """A ban or a lock."""
    return {
        "kind": each.kind,
        "user": each.user or None,
        "address": each.address or None,
        "made_at": iso(each.made_at),
        "until": iso(each.expires_at),
        "strikes": each.strikes,
        "note": each.note,
    }


def token(each: "Token") -> dict[str, Any]:
    """A token that was just issued, with its text."""
    return {
        "token": each.text.reveal(),
        "jti": each.token_id,
        "subject": each.user,
        "expires": of_seconds(each.expires_at),
        "kid": each.key_id,
    }


def revocation(each: "Revocation") -> dict[str, Any]:
    """What was revoked."""
    return {
        "kind": each.kind,
        "value": each.value,
        "before": iso(each.before),
        "made_at": iso(each.made_at),
        "expires": of_seconds(each.expires_at),
    }


def session(each: "Session", *, older: bool) -> dict[str, Any]:
    """A live session; ``older``: whether it was opened under rules that are not in force any more."""
    client = each.client
    return {
        "node": each.key.node,
        "session": each.key.session,
        "user": client and client.user,
        "app": each.app_key,
        "since": iso(each.opened_at),
        "expires": of_seconds(client.expires_at) if client else None,
        "verifier": client and client.verifier,
        "token": client and client.token_id,
        "grants": list(client.grants) if client and client.grants is not None else None,
        "groups": sorted(client.groups) if client else [],
        "origin": each.origin or None,
        "seen": iso(each.seen_at),
        "rules": "older" if older else "current",
        "ending": ending(each.ending),
    }


def ending(each: "Ending | None") -> dict[str, Any] | None:
    """How far the end of something is; None: it is not to be ended."""
    if each is None:
        return None
    return {"since": iso(each.at), "reason": each.reason, "tries": each.tries, "error": each.error or None}


def stream(each: "Stream") -> dict[str, Any]:
    """A stream that is published or played."""
    return {
        "node": each.key.node,
        "session": each.key.session or None,
        "media": each.key.media,
        "name": each.name,
        "does": None if each.published is None else "publish" if each.published else "play",
        "status": each.status,
        "user": each.user,
        "app": each.app_key,
        "since": iso(each.since),
        "seen": iso(each.seen_at),
        "ending": ending(each.ending),
    }


def call(each: "Call") -> dict[str, Any]:
    """A call that goes on."""
    return {
        "node": each.key.node,
        "session": each.key.session,
        "call": each.key.call,
        "caller": each.caller,
        "callee": each.callee,
        "incoming": each.incoming,
        "status": each.status,
        "user": each.user,
        "app": each.app_key,
        "since": iso(each.since),
        "seen": iso(each.seen_at),
    }


def record(seq: int, each: "Record") -> dict[str, Any]:
    """A record and its number."""
    return {
        "id": each.id,
        "seq": seq,
        "at": iso(each.at),
        "node": each.key.node,
        "session": each.key.session,
        "app": each.app_key,
        "method": each.method,
        "user": each.user,
        "allowed": each.allowed,
        "reason": each.reason.value,
        "rule": each.rule,
        "status": each.status,
        "subject": each.subject,
    }


def whole_record(seq: int, each: "Record") -> dict[str, Any]:
    """The same with what it was judged by; null where no rule could have said otherwise."""
    try:
        facts = json.loads(each.facts) if each.facts else None
    except (ValueError, RecursionError):
        facts = None
    return {**record(seq, each), "facts": facts}


def report(each: "TokenReport") -> dict[str, Any]:
    """What a token comes to."""
    return {
        "valid": each.valid,
        "reason": each.reason.value,
        "shape": each.shape,
        "verifier": each.verifier.name if each.verifier else None,
        "key": each.key_id,
        "jti": each.token_id,
        "subject": each.subject,
        "issued": None if each.issued_at is None else iso(int(each.issued_at * 1000)),
        "expires": of_seconds(each.expires_at),
        "once": each.once,
        "generation": each.generation,
        "grants": None if each.grants is None else list(each.grants),
        "bound": {claim: list(texts) for claim, texts in each.bound.items()},
    }


def stream_key(each: "StreamKey") -> dict[str, Any]:
    """A stream key, but not its text: nobody can show that."""
    return {
        "prefix": each.prefix,
        "user": each.user,
        "action": each.action,
        "stream": each.pattern,
        "app": each.app_key or None,
        "once": each.once,
        "created": iso(each.created_at),
        "expires": of_seconds(each.expires_at),
    }
