"""What a policy is."""

from collections.abc import Iterable
from typing import Protocol

from authgate.model import Ask, Asks, Case, Method, Reason


class Policy(Protocol):
    """The judge that a rule names. Its fields are its options, told from others by ``type``."""

    @property
    def type(self) -> str:
        """What the configuration calls it."""
        ...

    @property
    def refuses(self) -> bool:
        """Whether it ever rejects. The media server is told to obey wherever it does."""
        ...

    @property
    def asks(self) -> Asks:
        """What it must know; what nobody asks for is not looked up."""
        ...

    @property
    def overwrites(self) -> tuple[str, ...]:
        """Fields of the hook that its verdict may change."""
        ...

    def cannot_judge(self, methods: Iterable[Method]) -> str:
        """Why it can never say anything about these methods, or ""; asked at start."""
        ...

    def judge(self, case: Case) -> Reason | Ask | None:
        """``Reason.OK`` or why not; or who is to be asked; or None to leave it to the default policy."""
        ...
