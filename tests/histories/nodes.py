"""The nodes of histories as authgate's own client of their REST API shows them, without HTTP between the two."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from authgate.errors import WcsError
from authgate.wcs import WcsOptions
from authgate.wcs.reading import WcsCall, WcsConnection, WcsStream, call_of, connection_of, read_list, stream_of
from tests.standin.api import PREFIX, RestApi
from tests.standin.http import Request

Value = TypeVar("Value")


class LocalNode:
    """One node: has what ``wcs.WcsNode`` has."""

    def __init__(self, api: RestApi) -> None:
        self._api = api
        self.options = WcsOptions(node=api.node_id, url="http://127.0.0.1:8081/rest-api")
        self.proven = True
        self.away = False

    async def connections(self) -> list[WcsConnection]:
        """See ``WcsNode``."""
        return await self._list("/connection/find_all", connection_of)

    async def streams(self) -> list[WcsStream]:
        """See ``WcsNode``."""
        return await self._list("/stream/find_all", stream_of)

    async def calls(self) -> list[WcsCall] | None:
        """See ``WcsNode``."""
        return await self._list("/call/find_all", call_of)

    async def terminate_session(self, session: str) -> bool:
        """See ``WcsNode``."""
        return await self._post("/connection/terminate", {"sessionId": session}) is not None

    async def terminate_stream(self, media: str) -> bool:
        """See ``WcsNode``."""
        return await self._post("/stream/terminate", {"mediaSessionId": media}) is not None

    async def _list(self, path: str, read: Callable[[dict[str, Any]], Value | None]) -> list[Value]:
        body = await self._post(path, {})
        return [] if body is None else await read_list(body, read)

    async def _post(self, path: str, fields: dict[str, Any]) -> bytes | None:
        if self.away:
            raise WcsError("it is away", away=True)
        said = await self._api.answer(
            Request(path.rpartition("/")[2], "POST", PREFIX + path, {}, json.dumps(fields).encode())
        )
        return said.body if said.status == 200 else None


class LocalNodes:
    """All nodes of the histories that are under way: has what ``wcs.WcsNodes`` has."""

    def __init__(self) -> None:
        self._by_id: dict[str, LocalNode] = {}

    def add(self, apis: Sequence[RestApi]) -> list[LocalNode]:
        """Know these nodes from now on."""
        fresh = [LocalNode(api) for api in apis]
        self._by_id |= {node.options.node: node for node in fresh}
        return fresh

    def clear(self) -> None:
        """Know none."""
        self._by_id.clear()

    @property
    def all(self) -> Sequence[LocalNode]:
        """See ``WcsNodes``."""
        return list(self._by_id.values())

    def of(self, node: str) -> LocalNode | None:
        """See ``WcsNodes``."""
        return self._by_id.get(node)
