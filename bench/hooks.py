"""The hooks that are sent: as the media server writes and signs them, in files for those that send them."""

import hmac
import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jwt

NODE = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA@192.0.2.10"
FIELDS: Mapping[str, Any] = {
    "nodeId": NODE,
    "appKey": "defaultApp",
    "mediaProviders": ["WebRTC", "MSE"],
    "clientVersion": "2.0",
    "clientBrowserVersion": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0",
    "origin": "https://app.example.com",
}
STREAM: Mapping[str, Any] = {
    "mediaSessionId": "11111111-fb59-11e6-812c-1b28ccb49323",
    "name": "room-1",
    "hasVideo": True,
    "width": 0,
}
PLAY = STREAM | {"published": False, "status": "PENDING"}
PLAYING = STREAM | {"published": False, "status": "PLAYING"}
UNKNOWN = "aHookOfTomorrow"  # a method that no media server has yet
GRANT = "play:room-*"  # what each user has, for what PLAY plays
_DAY = 86_400


def user(number: int) -> str:
    """The name of one of the users."""
    return f"user{number}"


def tokens(count: int, key: str) -> Iterator[str]:
    """A token of its own for each of so many users, good for a day."""
    return tokens_of(range(count), key)


def tokens_of(numbers: Iterable[int], key: str) -> Iterator[str]:
    """A token for each of these users, good for a day."""
    expires = int(time.time()) + _DAY
    for number in numbers:
        yield jwt.encode({"sub": user(number), "exp": expires, "jti": secrets.token_hex(16)}, key, "HS256")


def connect(token: str, session: str) -> bytes:
    """A client connects, with its token."""
    return json.dumps({**FIELDS, "sessionId": session, "custom": {"token": token}}).encode()


def in_session(fields: Mapping[str, Any], session: str, media: int) -> bytes:
    """Something goes on in a session, about a stream of its own."""
    of_its_own = {"sessionId": session, "mediaSessionId": f"{media:08x}-fb59-11e6-812c-1b28ccb49323"}
    return json.dumps({**FIELDS, **fields, **of_its_own}).encode()


def session(family: str, number: int) -> str:
    """The id of a session; another one for each family and number."""
    return f"/203.0.113.7:{number % 60_000}/192.0.2.10:8443-{family}-{number:012}"


def request(method: str, body: bytes, key: str = "") -> bytes:
    """The whole of a hook as it is sent, signed where there is a key."""
    signature = f"Authorization: WCS {hmac.digest(key.encode(), body, 'md5').hex()}\r\n" if key else ""
    head = (
        f"POST /hooks/{method} HTTP/1.1\r\nHost: authgate\r\nContent-Type: application/json\r\n"
        f"{signature}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def write(path: Path, requests: Iterable[bytes]) -> Path:
    """A file of requests, each behind its length in eight digits."""
    with path.open("wb") as file:
        for each in requests:
            file.write(b"%08d" % len(each))
            file.write(each)
    return path


def read(path: Path) -> list[bytes]:
    """The requests of such a file."""
    text, at, found = path.read_bytes(), 0, []
    while at < len(text):
        end = at + 8 + int(text[at : at + 8])
        found.append(text[at + 8 : end])
        at = end
    return found
