"""The options of one webhook, and what a message to it looks like (Standard Webhooks 1.0, standardwebhooks.com)."""

import base64
import binascii
import hmac
import re
import secrets as chance
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from annotated_types import Ge, Gt, Le

from authgate.feed.event import Event, Note, dumped, fields, iso
from authgate.feed.filters import Filter
from authgate.model import Secret
from authgate.tls import encrypted, fault_of_authorities, in_clear
from authgate.urls import split

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64  # bytes of a secret, as the specification has it


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """A section ``[[webhooks]]``: an address that events are sent to, signed, in order and at least once."""

    name: str  # what it is called by people; its place among the events is kept under it
    url: Secret  # it may hold a credential
    secrets: tuple[Secret, ...] = ()  # as whsec_...; each signs, so that one can take the place of another
    only: Filter = field(default_factory=Filter)  # which events; by default all
    timeout: Annotated[float, Gt(0), Le(60)] = 10.0  # seconds that one attempt may take
    retry_max: Annotated[int, Ge(1), Le(86_400)] = 300  # seconds between two attempts at most; it is never given up
    ca_file: Path | None = None  # PEM; None: the authorities that this machine trusts
    insecure_http: bool = False  # sends over a network without TLS

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", Secret(self.url.reveal().strip()))
        faults = [*self._faults()]
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def shown(self) -> str:
        """Its address for people: without user and query, which may be credentials."""
        found = urlsplit(self.url.reveal())
        host = found.netloc.rpartition("@")[2]
        return f"{found.scheme}://{host}{found.path}{'?***' if found.query else ''}"

    @property
    def in_clear(self) -> bool:
        """Whether events leave this machine without TLS."""
        return in_clear(self.url.reveal())

    def tls(self) -> ssl.SSLContext | None:
        """What its certificate is looked at with; None: it is reached without TLS."""
        if not encrypted(self.url.reveal()):
            return None
        return ssl.create_default_context(cafile=self.ca_file)

    def _faults(self) -> Iterator[str]:
        """None of them shows the address or a secret."""
        if not _NAME.fullmatch(self.name):
            yield "name: is 1 to 64 letters, digits, '.', '_' and '-', and begins with a letter or a digit"
        found = split(self.url.reveal())
        if found is None or not (found.hostname and found.scheme in ("http", "https")):
            yield "url: must be an address such as 'https://hooks.example.com/authgate'"
        elif "@" in found.netloc or found.fragment:
            yield "url: has a user or a fragment, and neither would be sent"
        elif self.in_clear and not self.insecure_http:
            yield (
                "url: is reached without TLS, and who is with whom would cross the network in clear; write https://, "
                "or set insecure_http = true"
            )
        if not self.secrets:
            yield "secrets: is empty, and nobody could tell our messages from others; run: authgate webhook secret"
        for at, secret in enumerate(self.secrets):
            if fault := _fault_of(secret):
                yield f"secrets: entry {at} {fault}; run: authgate webhook secret"
        if self.ca_file is not None and (fault := fault_of_authorities(self.ca_file)):
            yield fault


def new_secret() -> str:
    """A secret that nobody has had before."""
    return _PREFIX + base64.b64encode(chance.token_bytes(32)).decode()


def message_id(event: Event) -> str:
    """What a message is known by: the same whenever it is sent again, by whichever process."""
    return f"note_{event.id}" if isinstance(event, Note) else f"evt_{event.record.id}"


def body_of(event: Event) -> bytes:
    """The message: its type, when it happened, and the event."""
    if isinstance(event, Note):
        return dumped({"type": event.kind, "timestamp": iso(event.at), "data": event.told})
    return dumped({"type": event.kind, "timestamp": iso(event.record.at), "data": fields(event)})


def headers_of(options: WebhookOptions, id_: str, body: bytes, now: float) -> Mapping[str, str]:
    """The three headers of a message that is sent at a time in seconds since the epoch: a signature for each secret."""
    sent_at = str(int(now))
    signed = b"%s.%s.%s" % (id_.encode(), sent_at.encode(), body)
    signatures = [base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode() for secret in options.secrets]
    return {
        "webhook-id": id_,
        "webhook-timestamp": sent_at,
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }


def check(webhooks: tuple[WebhookOptions, ...]) -> Iterator[tuple[int, str]]:
    """Each webhook, by its place, that cannot stand beside those before it, and why."""
    names: set[str] = set()
    for at, each in enumerate(webhooks):
        if each.name in names:
            yield at, f"another webhook is called {each.name!r} too, and both would have one place among the events"
        names.add(each.name)


def _key(secret: Secret) -> bytes:
    return base64.b64decode(secret.reveal().strip().removeprefix(_PREFIX))


def _fault_of(secret: Secret) -> str:
    text = secret.reveal().strip()
    if not text.startswith(_PREFIX):
        return f"does not begin with {_PREFIX}"
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return f"is not base64 behind {_PREFIX}"
    return "" if _SHORTEST <= len(key) <= _LONGEST else f"is not {_SHORTEST} to {_LONGEST} bytes"
