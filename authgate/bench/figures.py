"""What was measured, for people and for machines, and what it says of this machine."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

FLOOR, CONNECT, LOGIN = "the bare framework", "connect, by token", "connect, by password"


@dataclass(frozen=True, slots=True)
class Figure:
    """One kind of hook."""

    what: str
    hooks: int  # that were answered
    rate: float  # of those, in a second
    p50: float  # milliseconds
    p99: float
    p999: float
    cpu: float | None = None  # seconds of the server's processes for 1,000 hooks; None: it is not known
    refused: int = 0  # answered by another status than 2xx
    failed: int = 0  # not answered


@dataclass(slots=True)
class Findings:
    """Everything that one run found."""

    workers: int
    cores: int
    connections: int
    deadline: float  # seconds that a hook may take
    figures: list[Figure] = field(default_factory=list)
    memory: Sequence[int] = ()  # bytes, of each worker
    notes: list[str] = field(default_factory=list)

    def of(self, what: str) -> Figure | None:
        """The figure of this kind."""
        return next((each for each in self.figures if each.what == what), None)

    def ratio(self, figure: Figure) -> float | None:
        """Which part of the bare framework's hooks in a second that is."""
        floor = self.of(FLOOR)
        return figure.rate / floor.rate if floor and floor.rate else None

    def shown(self) -> dict[str, Any]:
        """For machines."""
        figures = [
            {name: _rounded(value) for name, value in asdict(each).items()} | {"of_floor": _rounded(self.ratio(each))}
            for each in self.figures
        ]
        told: dict[str, Any] = {"workers": self.workers, "cores": self.cores, "connections": self.connections}
        told |= {"deadline": self.deadline, "figures": figures, "memory": list(self.memory)}
        return told | {"notes": self.notes, "advice": [*self.advice()]}

    def rows(self) -> Iterator[Sequence[object]]:
        """Lines of a table for people, below ``HEADS``."""
        for each in self.figures:
            ratio = self.ratio(each)
            yield (
                each.what,
                f"{each.rate:,.0f}" if each.rate >= 100 else f"{each.rate:.1f}",
                "" if ratio is None else f"{ratio:.2f}",
                *(f"{value:.1f}" for value in (each.p50, each.p99, each.p999)),
                "" if each.cpu is None else f"{each.cpu:.3f}",
                each.refused + each.failed,
            )

    def advice(self) -> Iterator[str]:
        """What the figures say of this machine."""
        connect, login = self.of(CONNECT), self.of(LOGIN)
        if connect and connect.cpu:
            yield f"a core that does nothing else answers {1000 / connect.cpu:,.0f} connects a second"
        if connect and not (connect.refused or connect.failed):
            yield _storm(connect, self.deadline, "a token")
        if login and not (login.refused or login.failed):
            yield _storm(login, self.deadline, "a password, none of which is remembered")
        if self.workers < self.cores:
            yield f"{self.workers} of {self.cores} cores answer hooks; see server.workers"


HEADS = ("hook", "hooks/s", "of the floor", "p50 ms", "p99 ms", "p99.9 ms", "CPU s/1,000", "refused")


def _storm(figure: Figure, deadline: float, by: str) -> str:
    return (
        f"clients with {by}: {figure.rate:,.0f} can come back in a second, and {figure.rate * deadline:,.0f} at once "
        f"would all be answered within server.deadline ({deadline:g} s)"
    )


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
