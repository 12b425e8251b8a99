"""Our own signing keys in SQL: the secret part of each is sealed before it comes here."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from authgate.errors import Refused
from authgate.issuance import OwnKey
from authgate.store.database import Database
from authgate.store.tables import signing_keys
from authgate.store.watch import bump

NAME = "signing_keys"  # among the versions

Usable = Callable[[OwnKey], bool]  # whether a key can be opened, which the store cannot know


class SqlSigningKeys:
    """The signing keys, as the ring and administration see them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[OwnKey]:
        """Every key, the oldest first.

        Raises:
            StoreError: the store is away or too slow.
        """
        return await self._database.read(_all)

    async def add(self, key: OwnKey, usable: Usable) -> None:
        """Add a key; it signs from now on where no other that is usable does, else it does not sign yet.

        Raises:
            StoreError: the store is away or too slow.
        """

        def work(connection: Connection) -> None:
            bump(self._database, connection, NAME)  # first: it keeps others out until the end
            alone = not any(each.stays and usable(each) for each in _all(connection))
            connection.execute(insert(signing_keys), _row(key, _now() if alone else None))

        await self._database.write(work)

    async def rotate(self, spare: OwnKey, lead: int, stays: int, usable: Usable) -> tuple[OwnKey, Sequence[OwnKey]]:
        """Have the next usable key sign, else the spare one; that key, and those that it takes the place of.

        It begins ``lead`` milliseconds from now, so that every worker knows it by then; those of before are good for
        verifying for ``stays`` seconds more.

        Raises:
            StoreError: the store is away or too slow.
        """

        def work(connection: Connection) -> tuple[OwnKey, Sequence[OwnKey]]:
            bump(self._database, connection, NAME)
            keys = _all(connection)
            before = [each for each in keys if each.signs(time.time())]
            waiting = [each for each in keys if each.waits and usable(each)]
            begins = _now() + (lead if any(map(usable, before)) else 0)
            chosen = waiting[0] if waiting else spare
            if waiting:
                same = signing_keys.c.id == chosen.id
                connection.execute(update(signing_keys).where(same).values(signs_from=begins))
            else:
                connection.execute(insert(signing_keys), _row(spare, begins))
            for each in before:
                _retire(connection, each, begins, stays)
            return chosen, before

        return await self._database.write(work)

    async def retire(self, key_id: str, stays: int, usable: Usable, *, leave_none: bool) -> OwnKey:
        """Have a key sign no more; for ``stays`` seconds it still verifies what it signed.

        Raises:
            Refused: there is none, it is retired already, or no other would sign and ``leave_none`` is not said.
            StoreError: the store is away or too slow.
        """

        def work(connection: Connection) -> OwnKey:
            bump(self._database, connection, NAME)
            key = _one(connection, key_id)
            if key.retired_at is not None:
                raise Refused(f"key {key_id!r} is retired already")
            if not leave_none:
                _demand_another(_all(connection), key_id, usable)
            _retire(connection, key, _now(), stays)
            return key

        return await self._database.write(work)

    async def delete(self, key_id: str, usable: Usable, *, force: bool, leave_none: bool) -> None:
        """Forget a key: what it signed is refused from now on.

        Raises:
            Refused: there is none, tokens that it signed may be valid and ``force`` is not said, or no other would
                sign and ``leave_none`` is not said.
            StoreError: the store is away or too slow.
        """

        def work(connection: Connection) -> None:
            bump(self._database, connection, NAME)
            key = _one(connection, key_id)
            if not leave_none:
                _demand_another(_all(connection), key_id, usable)
            if not force and key.signs_from is not None and not key.over(time.time()):
                raise Refused(
                    f"tokens that key {key_id!r} signed may be valid yet; retire it, or say --force to refuse them"
                )
            connection.execute(delete(signing_keys).where(signing_keys.c.id == key_id))

        await self._database.write(work)

    async def reseal(self, sealed: dict[str, str]) -> None:
        """Put other sealed parts in place of these keys' own.

        Raises:
            StoreError: the store is away or too slow.
        """

        def work(connection: Connection) -> None:
            bump(self._database, connection, NAME)
            for key_id, text in sealed.items():
                connection.execute(update(signing_keys).where(signing_keys.c.id == key_id).values(sealed=text))

        await self._database.write(work)


def _all(connection: Connection) -> Sequence[OwnKey]:
    query = select(*signing_keys.columns).order_by(signing_keys.c.created_at, signing_keys.c.id)
    return [OwnKey(*row) for row in connection.execute(query)]


def _one(connection: Connection, key_id: str) -> OwnKey:
    found = [each for each in _all(connection) if each.id == key_id]
    if not found:
        raise Refused(f"there is no key {key_id!r}")
    return found[0]


def _demand_another(keys: Sequence[OwnKey], key_id: str, usable: Usable) -> None:
    """Come back if something signs without this key too.

    Raises:
        Refused: nothing would.
    """
    if [each.id for each in keys if each.stays and usable(each)] != [key_id]:
        return
    waiting = [each.id for each in keys if each.waits and usable(each)]
    instead = f"has {waiting[0]!r} sign, which waits," if waiting else "makes one to sign"
    raise Refused(
        f"key {key_id!r} is the only one that signs",
        f"run: authgate key rotate, which {instead} in its place; or say --leave-no-signing-key, and no token can be "
        "issued from then on",
    )


def _retire(connection: Connection, key: OwnKey, at: int, stays: int) -> None:
    if key.retired_at is not None:  # by a rotation that has not come into force yet
        return
    values: dict[str, Any] = {"retired_at": at, "verifies_until": at // 1000 + stays}
    connection.execute(update(signing_keys).where(signing_keys.c.id == key.id).values(**values))


def _row(key: OwnKey, signs_from: int | None) -> dict[str, object]:
    return {
        "id": key.id,
        "algorithm": key.algorithm,
        "public": key.public,
        "sealed": key.sealed,
        "created_at": key.created_at,
        "signs_from": signs_from,
    }


def _now() -> int:
    return time.time_ns() // 1_000_000
