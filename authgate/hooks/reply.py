"""Decision -> Reply, with the ``restClientConfig`` that makes the media server obey."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

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


def let_in(hook: Hook, rest_client_config: bytes) -> Reply:
    """The answer to an allowed ``connect``: what was received, and the configuration of its session."""
    return Reply(200, splice(hook.body, hook.fields, {"restClientConfig": rest_client_config}))


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


def method_configs(may_refuse: Mapping[str, bool], secret_fields: Iterable[str]) -> dict[str, MethodConfig]:
    """The settings of every method but ``connect``, which has none.

    ``may_refuse`` says of each method whether any verdict on it can be a refusal: the media server
    ignores a refusal unless it was told FAIL. ``secret_fields`` are the fields that hold credentials.
    """
    hidden = tuple(dict.fromkeys((*secret_fields, *SIP_FIELDS)))
    return {
        spelling: MethodConfig(
            client_exclude=hidden,
            rest_exclude=("sdp", "sipPassword") if method.kind is Kind.EVENT else ("sdp",),
            rest_on_error="FAIL" if may_refuse[method.name] else "LOG",
        )
        for method in METHODS.values()
        if method.kind is not Kind.CONNECT
        for spelling in spellings(method.name)
    }


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
