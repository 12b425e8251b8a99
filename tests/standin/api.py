"""The media server's own REST API: what one node says and does when it is asked who is on, to end or to send."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.standin import operations
from tests.standin.http import HttpServer, Request, Say
from tests.standin.state import Node, Session, Stream
from tests.standin.wire import CONNECT_FIELDS, STREAM_FIELDS, Fields

PREFIX = "/rest-api"
BY_REST = "Stopped by rest /terminate"


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """What differs between installations, or is not documented."""

    basic: tuple[str, str] | None = None  # ``disable_rest_auth=false``: the user and the password
    none_found: int = 404  # what ``/connection/find_all`` says where there is none; 200 comes with an empty list
    session_ids: bool = True  # whether ``/data/send`` knows ``sessionIds``, as newer builds do
    raises: bool = True  # whether data on its way to a client raises OnDataEvent and DataStatusEvent


class RestApi:
    """One node's REST API. ``says`` has what is answered in place of the truth, by path; "" for all of them."""

    def __init__(self, node: Node, options: ApiOptions) -> None:
        self._node = node
        self._options = options
        self._sending: set[asyncio.Task[None]] = set()
        self.says: dict[str, Say] = {}
        self.requests: list[Request] = []
        self.wiped = 0  # how often somebody had everything ended, as an empty filter does
        self.http = HttpServer(self.answer)

    @property
    def url(self) -> str:
        return f"{self.http.address}{PREFIX}"

    @property
    def node_id(self) -> str:
        return self._node.node_id

    def of(self, path: str) -> list[Request]:
        """What was asked of one path, such as ``/stream/terminate``."""
        return [request for request in self.requests if request.path == PREFIX + path]

    async def answer(self, request: Request) -> Say:
        """The answer to one request, over HTTP or without."""
        self.requests.append(request)
        path = request.path.removeprefix(PREFIX)
        say = self.says.get(path, self.says.get(""))
        if say is not None and (say.hang_up or say.status != 200 or say.body is not None):
            return say
        told = await self._answer(request, path)
        return told if say is None else Say(told.status, told.phrase, told.body, told.content_type, say.after)

    async def settled(self) -> None:
        """Return once all that was handed in to be sent to clients has been, or could not be."""
        while self._sending:
            await asyncio.gather(*self._sending)

    async def _answer(self, request: Request, path: str) -> Say:
        if not self._knows(request):
            return Say(401, "Unauthorized", b"", None, headers=(("WWW-Authenticate", 'Basic realm="wcs"'),))
        carry_out = self._PATHS.get(path)
        if carry_out is None or not request.path.startswith(PREFIX):
            return _error(404, "Not Found")
        if request.verb != "POST":
            return _error(405, "Method Not Allowed")
        try:
            asked = json.loads(request.body or b"{}")
        except ValueError:
            return _error(400, "Bad Request")
        return await carry_out(self, asked) if isinstance(asked, dict) else _error(400, "Bad Request")

    def _knows(self, request: Request) -> bool:
        if self._options.basic is None:
            return True
        wanted = "Basic " + base64.b64encode(":".join(self._options.basic).encode()).decode()
        return request.headers.get("authorization") == wanted

    async def _find_connections(self, asked: Fields) -> Say:
        return _list([_connection(each) for each in self._connections(asked)])

    async def _find_all_connections(self, asked: Fields) -> Say:
        return _list([_connection(each) for each in self._node.sessions.values()], self._options.none_found)

    async def _terminate_connections(self, asked: Fields) -> Say:
        found = self._connections(asked)
        self._take_note(asked, ("sessionId", "appKey", "clientVersion"))
        for session in found:
            session.hang_up("Terminated by rest /terminate")
        return _ok() if found else _error(404, "Not Found")

    async def _find_streams(self, asked: Fields) -> Say:
        return _list([_stream(each) for each in self._streams(asked)])

    async def _find_all_streams(self, asked: Fields) -> Say:
        return _list([_stream(each) for each in self._node.streams()])

    async def _terminate_streams(self, asked: Fields) -> Say:
        found = self._streams(asked)
        self._take_note(asked, (*_STREAM_FILTERS, "mediaSessionIds"))
        for stream in found:
            await self._hand_in(operations.end(stream, _over(stream), BY_REST))
        return _ok() if found else _error(404, "Not Found")

    async def _find_calls(self, asked: Fields) -> Say:
        calls = [call for call in self._node.calls() if _matches(call, asked, ("callId", "status", "sessionId"))]
        return _list([{"nodeId": None} | call for call in calls])

    async def _send_data(self, asked: Fields) -> Say:
        """To each client that is there; of those that are not, nothing is said where one is."""
        if asked.get("nodeId") not in (None, self._node.node_id) or not asked.get("operationId"):
            return _error(404 if asked.get("operationId") else 400, "Not here")
        wanted = [asked["sessionId"]] if asked.get("sessionId") else []
        if self._options.session_ids:
            wanted += asked.get("sessionIds") or []
        found = [self._node.sessions[id] for id in dict.fromkeys(map(str, wanted)) if id in self._node.sessions]
        data = {"operationId": asked["operationId"], "payload": asked.get("payload")}
        for session in found:
            await self._hand_in(operations.deliver(session, data, raises=self._options.raises))
        return Say(body=b"", content_type=None) if found else _error(404, "Not Found")

    async def _hand_in(self, doing: Awaitable[None]) -> None:
        """Have something done after the answer; what has broken in it is raised by ``settled``."""
        task = asyncio.ensure_future(doing)
        self._sending.add(task)
        task.add_done_callback(lambda done: self._sending.discard(done) if done.exception() is None else None)
        await asyncio.sleep(0)  # in the order in which it was handed in

    def _connections(self, asked: Fields) -> Sequence[Session]:
        names = ("sessionId", "appKey", "clientVersion")
        return [each for each in self._node.sessions.values() if _matches(_connection(each), asked, names)]

    def _streams(self, asked: Fields) -> Sequence[Stream]:
        ids = asked.get("mediaSessionIds") or []
        found = [each for each in self._node.streams() if not ids or each.id in ids]
        return [each for each in found if _matches(_stream(each), asked, _STREAM_FILTERS)]

    def _take_note(self, asked: Fields, names: Sequence[str]) -> None:
        if not any(_is_set(asked.get(name)) for name in names):
            self.wiped += 1

    _PATHS: dict[str, Callable[[Any, Fields], Awaitable[Say]]] = {  # noqa: RUF012
        "/connection/find": _find_connections,
        "/connection/find_all": _find_all_connections,
        "/connection/terminate": _terminate_connections,
        "/stream/find": _find_streams,
        "/stream/find_all": _find_all_streams,
        "/stream/terminate": _terminate_streams,
        "/call/find": _find_calls,
        "/call/find_all": _find_calls,
        "/data/send": _send_data,
    }


_STREAM_FILTERS = ("mediaSessionId", "name", "published", "status", "sessionId")


def _is_set(value: object) -> bool:
    """Whether a filter says anything: what is empty or null counts as left out, as it does in Java's beans."""
    return value is not None and value not in ("", [])


def _matches(fields: Fields, asked: Fields, names: Sequence[str]) -> bool:
    """Whether something is what was asked for. What no filter is said of matches, and unknown ones are passed over."""
    return all(_text(fields.get(name)) == _text(asked[name]) for name in names if _is_set(asked.get(name)))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _over(stream: Stream) -> str:
    return "UNPUBLISHED" if stream.published else "STOPPED"


def _connection(session: Session) -> Fields:
    """A connection as the API tells it: what is not set is null, the node's own id too."""
    return dict.fromkeys(CONNECT_FIELDS) | session.fields | session.common | {"nodeId": None}


def _stream(stream: Stream) -> Fields:
    return dict.fromkeys(STREAM_FIELDS) | stream.fields | stream.session.common | {"nodeId": None}


def _list(found: Sequence[Fields], none_found: int = 404) -> Say:
    if not found and none_found != 200:
        return _error(none_found, "Not Found")
    return _ok(found)


def _ok(body: object = None) -> Say:
    return Say(body=b"" if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


def _error(status: int, phrase: str) -> Say:
    """As the framework beneath the media server words it."""
    told = {"timestamp": 1700000000000, "status": status, "error": phrase, "message": phrase}
    return Say(status, phrase, json.dumps(told).encode())
