"""The outside as a hook that is only tried may use it: looked at, and not changed."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from authgate.judge import Outside
from authgate.model import Hook, Record
from authgate.ports import Answered, Hasher
from authgate.turn import ANY_TIME, Turn


class NotAskedError(Exception):
    """Another back end would have to be asked to go on."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


class UnaskedTargets:
    """Targets that are never asked: obeys ``ports.Targets``."""

    async def ask(self, target: str, _hook: Hook) -> Answered:
        """Raises ``NotAskedError``, always."""
        raise NotAskedError(target)

    def observe(self, _hook: Hook, _record: Record) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class CheckingHasher:
    """Checks passwords, and finds no hash in need of renewal: obeys ``ports.Hasher``."""

    hasher: Hasher

    async def verify(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> bool:
        """See ``ports.Hasher``."""
        return await self.hasher.verify(password, stored, turn)

    def room(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> AbstractContextManager[None]:
        """See ``ports.Hasher``."""
        return self.hasher.room(password, stored, turn)

    def remembers(self, password: str, stored: str | None, turn: Turn = ANY_TIME) -> bool:
        """See ``ports.Hasher``."""
        return self.hasher.remembers(password, stored, turn)

    async def renewed(self, _password: str, _stored: str) -> str | None:
        """None, always."""
        return None


def dry(outside: Outside, *, send: bool = False) -> Outside:
    """The same without what writes; ``send``: targets are asked all the same."""
    hasher = CheckingHasher(outside.hasher)
    return replace(outside, hasher=hasher, targets=outside.targets if send else UnaskedTargets(), dry=True)
