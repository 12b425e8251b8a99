"""Who may do what here: the API key that a request or a WebSocket comes with, and its admin scopes."""

import asyncio
import logging
import time
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from authgate.api_keys import ADMIN_SCOPES, ApiKey
from authgate.errors import Trouble
from authgate.server.admin.problems import Problem, unavailable
from authgate.server.bearer import Bearers
from authgate.server.oauth import Asked, Refusal
from authgate.wiring import Service

log = logging.getLogger(__name__)

LOOK_AGAIN = 0.5  # seconds between two looks at the key of what goes on for longer than one answer


class Access:
    """Tells who may come in. One of each worker: ``request.app.state.access``."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._bearers = Bearers(service)
        self.tally = service.gateway.tally
        self._watches: dict[tuple[str, str, tuple[str, ...]], _Watch] = {}

    async def key(self, connection: HTTPConnection) -> ApiKey:
        """The API key that is good, whatever it may do.

        Raises:
            Problem: there is none that is good (401), too many were tried from there (429), or nobody can tell (503).
        """
        asked = Asked(connection, self._service.config)
        try:
            found = await self._bearers.key(asked)
        except Refusal as refusal:
            log.info("refused to administer from %s: %s", asked.address or "here", refusal.why)
            self.tally["admin_throttled" if refusal.status == 429 else "admin_no_key"] += 1
            raise Problem(
                401 if refusal.status == 400 else refusal.status, refusal.text, refusal.headers, why=refusal.why
            ) from None
        except Trouble as trouble:
            raise unavailable(str(trouble)) from None
        await self._bearers.note(found, asked.now)
        return found

    async def ended(self, key: ApiKey) -> str:
        """Come back once this key is no longer good: expired, revoked, or with other scopes; why.

        For what goes on for longer than one answer. While the store is away, a key is what it was. However many wait
        for one key, it is looked at once for all of them.
        """
        mark = (key.prefix, key.digest, key.scope.admin)
        watch = self._watches.get(mark)
        if watch is None:
            watch = self._watches[mark] = _Watch(asyncio.create_task(self._watched(key)))
        watch.waiting += 1
        try:
            return await asyncio.shield(watch.task)
        finally:
            watch.waiting -= 1
            if not watch.waiting:
                watch.task.cancel()
                self._watches.pop(mark, None)

    async def _watched(self, key: ApiKey) -> str:
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            if key.expires_at is not None and key.expires_at <= time.time():
                return "has expired"
            try:
                now = await self._service.store.api_keys.find(key.prefix)
            except Trouble:
                continue
            if now is None or now.digest != key.digest or now.scope.admin != key.scope.admin:
                return "was revoked"


@dataclass(slots=True)
class _Watch:
    """One look after another at a key, for all who wait for its end."""

    task: "asyncio.Task[str]"
    waiting: int = 0


async def allowed(connection: HTTPConnection, scope: str) -> ApiKey:
    """The API key that a request or a WebSocket comes with, which has this scope.

    Raises:
        Problem: it may not (401, 403, 429), or nobody can tell (503). The application makes an answer of it, also
            before a WebSocket is accepted.
    """
    if scope not in ADMIN_SCOPES:
        raise ValueError(f"no admin scope: {scope}")  # a mistake of ours
    key: ApiKey = await connection.app.state.access.key(connection)
    if scope not in key.scope.admin:
        challenge = f'Bearer realm="authgate", error="insufficient_scope", scope="{scope}"'
        why = f"API key {key.prefix} ({key.name}) lacks {scope}"
        log.info("refused %s: %s", connection.url.path, why)
        connection.app.state.access.tally["admin_no_scope"] += 1
        raise Problem(403, f"the API key lacks the scope {scope}", {"www-authenticate": challenge}, why=why)
    return key
