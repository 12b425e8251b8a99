"""Decision -> Reply, with the ``restClientConfig`` that makes the media server obey."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from authgate.hooks.fields import EVENTS_AFTER
from authgate.hooks.methods import METHODS, spellings
from authgate.hooks.splice import splice
from authgate.model import Hook, Kind, Method, Reply

# One text for every refusal: its reader is the client, who learns nothing of what was wrong. Exactly
# these two keys, or the media server shows "Forbidden" instead (manual, "Sending custom error message").
REFUSED = Reply(403, b'{"status":403,"reason":"Access denied"}')
MALFORMED = Reply(400, b'{"status":400,"reason":"Malformed hook"}')
TOO_LARGE = Reply(413, b'{"status":413,"reason":"Hook too large"}')
TOO_SLOW = Reply(408, b'{"status":408,"reason":"Hook too slow"}')
UNAVAILABLE = Reply(503, b'{"status":503,"reason":"Try again later"}')
SEEN = Reply(200, b"{}")  # for an event whose body cannot be sent back


def unchanged(hook: Hook) -> Reply:
    """The very bytes that were received."""
    return Reply(200, hook.body)


def in_place_of_a_verdict(method: Method, trouble: Reply) -> Reply:
    """The answer to a hook that could not be judged, where its refusal counts: 403 where no other status is sure."""
    return REFUSED if method.sessionless else trouble


def changed(hook: Hook, changes: Mapping[str, Any]) -> Reply:
    """What was received, with these fields changed; the values are as JSON can hold them."""
    return Reply(200, splice(hook.body, hook.fields, _encoded(changes)))


def let_in(hook: Hook, rest_client_config: bytes, changes: Mapping[str, Any]) -> Reply:
    """The answer to an allowed ``connect``: what was received with these changes, and its session's configuration."""
    config = {"restClientConfig": rest_client_config}
    return Reply(200, splice(hook.body, hook.fields, _encoded(changes) | config if changes else config))


def refused(text: str) -> Reply:
    """A refusal in words of its own: exactly two keys, as in ``REFUSED``."""
    return Reply(403, json.dumps({"status": 403, "reason": text}, separators=(",", ":")).encode())


def _encoded(changes: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: json.dumps(value, separators=(",", ":")).encode() for name, value in changes.items()}


# What the client has no need to see of its own connection: a page that is read aloud, or a script
# injected into it, must not find credentials there.
SIP_FIELDS = (
    "sipLogin",
    "sipAuthenticationName",
    "sipPassword",
    "sipVisibleName",
    "sipDomain",
    "sipOutboundProxy",
    "sipProxy",
    "sipPort",
    "sipContactParams",
)


@dataclass(frozen=True, slots=True)
class MethodConfig:
    """The five settings of one method for one session (vendor's manual, "restClientConfig object description")."""

    client_exclude: tuple[str, ...] = ()
    rest_exclude: tuple[str, ...] = ()
    rest_on_error: Literal["LOG", "FAIL"] = "LOG"
    rest_policy: Literal["NOTIFY", "OVERWRITE"] = "NOTIFY"
    rest_overwrite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guard:
    """What the rules can make of hooks of one method."""

    may_refuse: bool
    overwrites: tuple[str, ...] = ()  # fields that the answer may change
    hides: tuple[str, ...] = ()  # fields that the client must not be shown, in this hook and the events after it


def method_configs(guards: Mapping[str, Guard], secret_fields: Iterable[str]) -> dict[str, MethodConfig]:
    """The settings of every method but ``connect``, which has none.

    The media server ignores a refusal unless it was told FAIL, and what an answer changes unless it was told
    OVERWRITE with the field. ``guards`` has one for each method; ``secret_fields`` hold credentials.
    """
    hidden = dict.fromkeys((*secret_fields, *SIP_FIELDS))
    told = {name: dict(hidden) for name in METHODS}
    for name, guard in guards.items():
        for shown in (name, *EVENTS_AFTER.get(name, ())):
            told[shown] |= dict.fromkeys(guard.hides)
    return {
        spelling: _method_config(method, guards[method.name], tuple(told[method.name]))
        for method in METHODS.values()
        if method.kind is not Kind.CONNECT
        for spelling in spellings(method.name)
    }


def _method_config(method: Method, guard: Guard, hidden: tuple[str, ...]) -> MethodConfig:
    kept_back = ("sdp", "sipPassword") if method.kind is Kind.EVENT else ("sdp",)
    return MethodConfig(
        client_exclude=hidden,
        rest_exclude=tuple(name for name in kept_back if name not in guard.overwrites),  # else the answer lacks it
        rest_on_error="FAIL" if guard.may_refuse else "LOG",
        rest_policy="OVERWRITE" if guard.overwrites else "NOTIFY",
        rest_overwrite=guard.overwrites,
    )


def rest_client_config(configs: Mapping[str, MethodConfig]) -> bytes:
    """The value of ``restClientConfig``: lists without blanks, all five settings of each method."""
    return json.dumps(
        {
            name: {
                "clientExclude": ",".join(each.client_exclude),
                "restExclude": ",".join(each.rest_exclude),
                "restOnError": each.rest_on_error,
                "restPolicy": each.rest_policy,
                "restOverwrite": ",".join(each.rest_overwrite),
            }
            for name, each in configs.items()
        },
        separators=(",", ":"),
    ).encode()


def digest(rest_client_config: bytes) -> str:
    """Sixteen hexadecimal digits that tell one ``restClientConfig`` from another."""
    return hashlib.blake2b(rest_client_config, digest_size=8).hexdigest()
