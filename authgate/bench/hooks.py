"""The hooks that are sent, as the media server writes and signs them."""

import base64
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "aHookOfTomorrow"  # a method that no media server has yet
STREAM = "authgate-bench"  # the name of what is played
_CLIENT: Mapping[str, Any] = {
    "mediaProviders": ["WebRTC", "MSE"],
    "clientVersion": "2.0",
    "clientBrowserVersion": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0",
    "origin": "https://app.example.com",
}
_STREAM: Mapping[str, Any] = {"name": STREAM, "published": False, "hasVideo": True, "width": 0}


@dataclass(frozen=True, slots=True)
class Sender:
    """The media server that the hooks seem to come from."""

    node: str  # nodeId
    app: str  # appKey
    host: str  # of the HTTP header
    hmac_key: str = field(default="", repr=False)  # "": hooks are not signed
    basic: str = field(default="", repr=False)  # user:password; "": none is sent
    token_path: str = "custom.token"  # noqa: S105 - a dotted path in a hook, no token
    login_path: str = "custom.login"
    password_path: str = "custom.password"  # noqa: S105 - a path too

    def connect(self, session: str, token: str) -> bytes:
        """The body of a client's connect, with its token."""
        return self._body(session, _placed({self.token_path: token}, _CLIENT))

    def login(self, session: str, user: str, password: str) -> bytes:
        """The body of a client's connect, with its password."""
        return self._body(session, _placed({self.login_path: user, self.password_path: password}, _CLIENT))

    def play(self, session: str, media: str) -> bytes:
        """The body of a client that asks to play a stream."""
        return self._body(session, {**_STREAM, "mediaSessionId": media, "status": "PENDING"})

    def playing(self, session: str, media: str) -> bytes:
        """The body of the event that says that it plays."""
        return self._body(session, {**_STREAM, "mediaSessionId": media, "status": "PLAYING"})

    def unknown(self, session: str) -> bytes:
        """The body of a hook that nobody knows yet."""
        return self._body(session, {"custom": {"something": "new"}})

    def disconnected(self, session: str) -> bytes:
        """The body of the event that says that a client is gone."""
        return self._body(session, {**_CLIENT, "status": "DISCONNECTED"})

    def request(self, base: str, method: str, body: bytes) -> bytes:
        """The whole of a hook as it is sent."""
        lines = [f"POST {base}/{method} HTTP/1.1", f"Host: {self.host}", "Content-Type: application/json"]
        if self.hmac_key:
            lines.append(f"Authorization: WCS {hmac.digest(self.hmac_key.encode(), body, 'md5').hex()}")
        if self.basic:
            lines.append(f"Authorization: Basic {base64.b64encode(self.basic.encode()).decode()}")
        lines.append(f"Content-Length: {len(body)}\r\n\r\n")
        return "\r\n".join(lines).encode() + body

    def _body(self, session: str, fields: Mapping[str, Any]) -> bytes:
        return json.dumps({"nodeId": self.node, "appKey": self.app, "sessionId": session, **fields}).encode()


def sessions() -> Iterator[str]:
    """Ids of sessions that nobody else has."""
    run, number = secrets.token_hex(8), 0
    while True:
        yield f"/203.0.113.7:{number % 60_000 + 1024}/192.0.2.10:8443-{run}-{number}"
        number += 1


def media() -> Iterator[str]:
    """Ids of streams that nobody else has."""
    run, number = secrets.token_hex(2), 0
    while True:
        yield f"{number:08x}-{run}-4e00-8000-{run}{number:08x}"
        number += 1


def _placed(values: Mapping[str, str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with these values at the ends of dotted paths."""
    found = dict(fields)
    for path, value in values.items():
        at: dict[str, Any] = found
        *way, last = path.split(".")
        for name in way:
            at = at.setdefault(name, {})
        at[last] = value
    return found


def clients(lines: Sequence[Sequence[str]]) -> Sequence[tuple[str, str]]:
    """Users, each with a token, from what was sent as JSON."""
    return [(user, token) for user, token in lines]
