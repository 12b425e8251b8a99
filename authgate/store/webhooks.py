"""How far each webhook has come, in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from authgate.store.database import Database
from authgate.store.tables import LABEL_LENGTH, SUBJECT_LENGTH, clipped, storable, webhooks


@dataclass(frozen=True, slots=True)
class WebhookState:
    """How far one has come."""

    name: str
    at: int  # the number of the record up to which everything was delivered
    delivered_at: int | None = None  # milliseconds since the epoch: when anything last was; None: nothing yet
    tried_at: int | None = None  # milliseconds since the epoch: when that last failed; None: it never has
    failures: int = 0  # in a row
    next_at: int | None = None  # milliseconds since the epoch: when it is tried again; None: it goes on
    error: str = ""  # of the last attempt that failed, "" where none has since it last went on
    disabled_at: int | None = None  # milliseconds since the epoch; None: it is not


class SqlWebhooks:
    """The places of the webhooks among the events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, name: str, at: int) -> WebhookState:
        """How far it has come; one that is new begins behind this record.

        Raises:
            StoreError: the store is away or too slow.
        """
        found = await self.find(name)
        if found is not None:
            return found
        row = {"name": name, "seq": at, "failures": 0, "error": ""}
        statement = self._database.insert_unless_there(webhooks)
        await self._database.write(lambda connection: connection.execute(statement, row))
        return await self.find(name) or WebhookState(name, at)

    async def find(self, name: str) -> WebhookState | None:
        """How far it has come; None: it was never begun.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(name, LABEL_LENGTH):
            return None
        query = select(webhooks).where(webhooks.c.name == name)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else WebhookState(*row)

    async def list(self) -> Sequence[WebhookState]:
        """All that were ever begun, by name.

        Raises:
            StoreError: the store is away or too slow.
        """
        query = select(webhooks).order_by(webhooks.c.name)
        return await self._database.read(lambda connection: [WebhookState(*row) for row in connection.execute(query)])

    async def delivered(self, name: str, at: int, delivered_at: int | None) -> bool:
        """It has come so far; ``delivered_at`` in milliseconds since the epoch, None where nothing of it was wanted.

        False where it is further already: whoever was taken for dead and goes on for a moment sets nobody back.

        Raises:
            StoreError: the store is away or too slow.
        """
        told: dict[str, Any] = {"seq": at, "failures": 0, "next_at": None, "error": ""}
        if delivered_at is not None:
            told["delivered_at"] = delivered_at
        return await self._set(name, told, webhooks.c.seq <= at)

    async def failed(self, name: str, at: int, error: str, failures: int, tried_at: int, next_at: int) -> bool:
        """An attempt to deliver the event ``at`` has failed, so many in a row; times in milliseconds since the epoch.

        False where it is further already.

        Raises:
            StoreError: the store is away or too slow.
        """
        told = {"error": clipped(error, SUBJECT_LENGTH), "failures": failures, "tried_at": tried_at, "next_at": next_at}
        return await self._set(name, told, webhooks.c.seq <= at)

    async def disable(self, name: str, at: int, error: str) -> None:
        """Nothing more is delivered to it; ``at`` in milliseconds since the epoch.

        Raises:
            StoreError: the store is away or too slow.
        """
        await self._set(name, {"disabled_at": at, "tried_at": at, "next_at": None, "error": error})

    async def enable(self, name: str, from_now: int | None) -> bool:
        """Go on with it, behind this record or (None) where it stopped; False where there is no such webhook.

        Raises:
            StoreError: the store is away or too slow.
        """
        told: dict[str, Any] = {"disabled_at": None, "failures": 0, "next_at": None, "error": ""}
        if from_now is not None:
            told["seq"] = from_now
        return await self._set(name, told)

    async def forget(self, name: str) -> bool:
        """Forget how far it has come; False where there is no such webhook.

        Raises:
            StoreError: the store is away or too slow.
        """
        if not storable(name, LABEL_LENGTH):
            return False
        statement = webhooks.delete().where(webhooks.c.name == name)
        return bool(await self._database.write(lambda connection: connection.execute(statement).rowcount))

    async def _set(self, name: str, told: dict[str, Any], *conditions: Any) -> bool:
        if not storable(name, LABEL_LENGTH):
            return False
        statement = update(webhooks).where(webhooks.c.name == name, *conditions).values(**told)
        return bool(await self._database.write(lambda connection: connection.execute(statement).rowcount))
