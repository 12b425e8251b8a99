"""The policies that need no options, or only words: allow, deny, session, token."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from authgate.model import Asks, Case, Method, Principal, Reason

MAX_TEXT = 200  # characters that a client is told


@dataclass(frozen=True, slots=True)
class _Plain:
    """What the plain policies have in common."""

    overwrites: ClassVar[tuple[str, ...]] = ()

    def cannot_judge(self, methods: Iterable[Method]) -> str:
        """Nothing: it can judge every method."""
        del methods
        return ""


@dataclass(frozen=True, slots=True)
class Allow(_Plain):
    """Allows the hook, whoever the client is. A ``connect`` that offers wrong credentials is rejected all the same."""

    refuses: ClassVar[bool] = False
    asks: ClassVar[Asks] = Asks.NOTHING
    type: Literal["allow"] = "allow"

    def judge(self, _case: Case) -> Reason:
        """Always ``Reason.OK``."""
        return Reason.OK


@dataclass(frozen=True, slots=True)
class Deny(_Plain):
    """Rejects the hook, whoever the client is, and tells it why in words of the operator's."""

    refuses: ClassVar[bool] = True
    asks: ClassVar[Asks] = Asks.NOTHING
    type: Literal["deny"] = "deny"
    reason: str = ""  # what the client reads; "": the same words as always

    def __post_init__(self) -> None:
        if len(self.reason) > MAX_TEXT or not self.reason.isprintable():
            raise ValueError(f"reason: must be at most {MAX_TEXT} characters that can be seen")

    def judge(self, _case: Case) -> Reason:
        """Always ``Reason.POLICY_DENIED``."""
        return Reason.POLICY_DENIED


@dataclass(frozen=True, slots=True)
class NeedSession(_Plain):
    """Allows the hook of a client that is authenticated now.

    By its live session, or, where the hook brings credentials of its own (``playHLS`` and ``playRTSP``
    have no session before them), by those.
    """

    refuses: ClassVar[bool] = True
    asks: ClassVar[Asks] = Asks.CLIENT
    type: Literal["session"] = "session"

    def judge(self, case: Case) -> Reason:
        """``Reason.OK`` for a principal, else why it is none."""
        return Reason.OK if isinstance(case.client, Principal) else case.client


@dataclass(frozen=True, slots=True)
class NeedToken(_Plain):
    """Allows the hook that brings good credentials of its own; a live session alone is not enough."""

    refuses: ClassVar[bool] = True
    asks: ClassVar[Asks] = Asks.CLIENT
    type: Literal["token"] = "token"

    def judge(self, case: Case) -> Reason:
        """``Reason.OK`` for a principal by the hook's own credentials, else why it is none."""
        return Reason.OK if isinstance(case.own, Principal) else case.own
