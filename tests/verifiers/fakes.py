"""A user store and a hasher of a few lines."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from authgate.errors import AuthgateError, Overloaded
from authgate.model import Principal, Reason, User, Where
from authgate.ports import Means
from authgate.turn import ANY_TIME, Turn
from tests.fakes import FakeGuessing, FakeKeys, FakeOneTime, FakeRevocations, FakeStreamKeys
from tests.verifiers.forge import NOW


@dataclass
class FakeUsers:
    rows: dict[str, User]
    asked: list[str] = field(default_factory=list)
    fault: Exception | None = None  # raised when a user is looked up
    renew_fault: Exception | None = None

    async def find(self, name: str, login: str | None = None) -> User | None:
        self.asked.append(name)
        if self.fault:
            raise self.fault
        return self.rows.get(name)

    async def proven(self, user: User) -> User:
        return user

    async def create(self, name: str) -> User | None:
        return self.rows.setdefault(name, User(name, name))

    async def renew(self, name: str, old_hash: str, new_hash: str) -> bool:
        if self.renew_fault:
            raise self.renew_fault
        if self.rows[name].hash != old_hash:
            return False
        self.rows[name] = dataclasses.replace(self.rows[name], hash=new_hash)
        return True


@dataclass
class FakeHasher:
    """A "hash" is ``made:`` or ``outdated:`` and the password."""

    tried: list[str | None] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    fault: AuthgateError | None = None
    full: bool = False
    remembered: tuple[str, ...] = ()
    renew_fault: Exception | None = None

    async def verify(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> bool:
        self.tried.append(stored)
        self.turns.append(turn)
        if self.fault:
            raise self.fault
        return stored is not None and stored.partition(":")[2] == password

    @contextmanager
    def room(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> Iterator[None]:
        if self.full:
            raise Overloaded("full")
        yield

    def remembers(self, password: str, _stored: str | None, _turn: Turn = ANY_TIME) -> bool:
        return password in self.remembered

    async def renewed(self, password: str, stored: str) -> str | None:
        if self.renew_fault:
            raise self.renew_fault
        return f"made:{password}" if stored.startswith("outdated:") else None


def means(*users: User, now: float = NOW) -> Means:
    found = FakeUsers({user.name: user for user in users})
    return Means(
        found, FakeHasher(), FakeKeys(), FakeRevocations(), FakeOneTime(), FakeStreamKeys(), FakeGuessing(), now
    )


def shown(where: Where | None) -> Callable[[], Where] | None:
    """Where credentials are shown, as verifiers ask for it; None: nobody shows them."""
    return None if where is None else lambda: where


def without_proof(outcome: Principal | Reason | None) -> Principal | Reason | None:
    """A verifier's answer without what its token is known by when it is to be revoked."""
    return dataclasses.replace(outcome, issued=None, generation=None) if isinstance(outcome, Principal) else outcome
