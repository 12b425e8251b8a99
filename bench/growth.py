"""What a hook costs as everything grows: ``python bench/growth.py [--quick]``.

Two servers stand side by side that differ in one thing: how many users, records, live sessions or rules there are.
They are sent the same hooks in turns, and the time of the processor that each takes is compared within each turn.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import clients, filling, hooks, processes, servers
from bench.figures import Figure, figure
from bench.filling import Amount
from bench.servers import Server
from bench.stores import Prepared

DISK = Path("/var/tmp")  # noqa: S108 - /tmp may be in memory
CONNECTIONS = 32
TIMES = 1.15  # that a hook may cost when there is much of everything
MB = 160  # that a worker may have in memory then
CONNECT, PLAY = "connect", "playStream"
USUAL = Amount(users=1_000, records=10_000, sessions=2_000, rules=5)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    rounds: int = 5
    hooks: int = 1_500  # in each round, to each server
    users: int = 1_000_000
    records: int = 10_000_000
    sessions: int = 100_000
    rules: int = 500


QUICK = Size(rounds=3, hooks=1_000, records=1_000_000)


@dataclass(frozen=True, slots=True)
class Row:
    """Something that was measured, and what it may be."""

    what: str
    found: Figure
    unit: str
    wanted: float | None  # at most; None: it is only told
    told: str = ""  # more about it

    @property
    def met(self) -> bool:
        """Whether it is at most what it may be."""
        return self.wanted is None or self.found.middle <= self.wanted


@dataclass(slots=True)
class _Pair:
    """Two servers that differ in one thing."""

    what: str
    few: Amount
    many: Amount
    cost: dict[str, list[tuple[float, float]]] = field(default_factory=dict)  # microseconds of few and many, by hook

    def rows(self) -> Iterator[Row]:
        for name, cost in self.cost.items():
            few, many = (figure([each[at] for each in cost]).middle for at in (0, 1))
            told = f"{few:.0f} and {many:.0f} microseconds of the processor"
            yield Row(f"{name}, {self.what}", figure([much / less for less, much in cost]), "times", TIMES, told)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="a million records, and few rounds: no figures")
    options.add_argument("--only", choices=_pairs(QUICK), action="append", help="this alone; may be given again")
    options.add_argument("--folder", type=Path, default=DISK, help=f"on the disk that counts, instead of {DISK}")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="authgate-growth-") as name:
        rows = measure(Path(name), given.quick, given.only or ())
    for row in rows:
        print(shown(row))


def measure(folder: Path, quick: bool, only: Sequence[str] = ()) -> list[Row]:
    """What growth comes to, measured in a folder: the ratios, sizes and memory; of ``only`` these things, if any."""
    size = QUICK if quick else Size()
    run = _Run(folder, size)
    rows: list[Row] = []
    for name, pair in _pairs(size).items():
        if not only or name in only:
            rows += run.pair(pair)
    return rows


def shown(row: Row) -> str:
    """A row in words."""
    wanted = "" if row.wanted is None else f", wanted at most {row.wanted:g}{'' if row.met else ': MISSED'}"
    spread = f" ({row.found.least:,.2f}-{row.found.most:,.2f})" if row.found.most > row.found.least else ""
    told = f"; {row.told}" if row.told else ""
    return f"{row.what}: {row.found.middle:,.2f}{spread} {row.unit}{wanted}{told}"


def _pairs(size: Size) -> dict[str, _Pair]:
    grown = {
        "users": (USUAL, replace(USUAL, users=size.users)),
        "records": (USUAL, replace(USUAL, records=size.records)),
        "sessions": (replace(USUAL, sessions=10), replace(USUAL, sessions=size.sessions)),
        "rules": (USUAL, replace(USUAL, rules=size.rules)),
    }
    words = {"users": "users", "records": "records", "sessions": "live sessions", "rules": "rules"}
    return {
        name: _Pair(f"{getattr(few, name):,} to {getattr(many, name):,} {words[name]}", few, many)
        for name, (few, many) in grown.items()
    }


class _Run:
    """One run, in a folder."""

    def __init__(self, folder: Path, size: Size) -> None:
        self._folder = folder
        self._size = size
        self._prepared = filling.template(folder / "template")

    def pair(self, pair: _Pair) -> Iterator[Row]:
        """What one thing comes to as it grows."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            few, many = (
                filling.filled(self._prepared, Path(name) / each, amount)
                for each, amount in {"few": pair.few, "many": pair.many}.items()
            )
            with servers.authgate(few.prepared) as small, servers.authgate(many.prepared) as large:
                self._compare(pair, small, large)
            yield from pair.rows()
            for what in sorted(each for each in many.bytes if getattr(pair.many, each) > getattr(USUAL, each)):
                yield Row(f"room in SQLite for each of the {what}", figure([many.bytes[what]]), "bytes", None)
            if pair.many.users > USUAL.users:
                yield self._memory(many.prepared)

    def _compare(self, pair: _Pair, small: Server, large: Server) -> None:
        for turn in range(self._size.rounds + 1):
            for name, write in {CONNECT: self._connects, PLAY: self._plays}.items():
                cost: dict[bool, float] = {}
                for grown in (False, True) if turn % 2 else (True, False):
                    path = write(pair.many if grown else pair.few, turn)
                    cost[grown] = self._cost(large if grown else small, path)
                if turn:  # the first is to warm up
                    pair.cost.setdefault(name, []).append((cost[False], cost[True]))
                    print(f"{name}, {pair.what}: {cost[False]:.0f} and {cost[True]:.0f} us", file=sys.stderr)

    def _cost(self, server: Server, path: Path) -> float:
        """Microseconds of the processor that each hook takes."""
        before = _cpu(server.pid)
        sent = clients.send(server.port, path, CONNECTIONS)
        took = _cpu(server.pid) - before
        if set(sent.statuses) != {"200"}:
            raise SystemExit(f"bench: hooks were not allowed: {sent.statuses}")
        return took / len(sent.took) * 1e6

    def _connects(self, amount: Amount, turn: int) -> Path:
        """Connects with tokens of users that lie apart, each of a session of its own."""
        count = self._size.hooks
        numbers = [filling.spread(turn * count + n, amount.users) for n in range(count)]
        tokens = hooks.tokens_of(numbers, self._prepared.token_key)
        bodies = (hooks.connect(token, hooks.session(f"new{turn}", n)) for n, token in enumerate(tokens))
        return self._written("connect", bodies)

    def _plays(self, amount: Amount, turn: int) -> Path:
        """Streams that are played in sessions that lie apart."""
        count = self._size.hooks
        numbers = (turn * count + n for n in range(count))
        bodies = (
            hooks.in_session(hooks.PLAY, hooks.session("live", filling.spread(n, amount.sessions)), n) for n in numbers
        )
        return self._written("playStream", bodies)

    def _written(self, method: str, bodies: Iterator[bytes]) -> Path:
        key = self._prepared.hmac_key
        return hooks.write(self._folder / method, (hooks.request(method, body, key) for body in bodies))

    def _memory(self, prepared: Prepared) -> Row:
        """What a worker has in memory that has many users, and many live sessions that something goes on in."""
        sessions = self._size.sessions
        amount = replace(USUAL, users=self._size.users, sessions=sessions)
        filling.fill(prepared, amount)
        with servers.authgate(prepared) as server:
            rest = max(each.rss for each in server.memory())
            bodies = (hooks.in_session(hooks.PLAYING, hooks.session("live", n), n) for n in range(0, sessions, 5))
            self._cost(server, self._written("StreamStatusEvent", bodies))
            for turn in range(100, 100 + self._size.rounds):
                for write in (self._connects, self._plays):
                    self._cost(server, write(amount, turn))
            memory = max(server.memory(), key=lambda each: each.rss)
        what = f"memory of a worker (RSS) with {self._size.users:,} users and {sessions:,} live sessions"
        told = f"PSS {memory.pss:.0f} MB; {rest:.0f} MB before the first hook"
        return Row(what, figure([memory.rss]), "MB", MB, told)


def _cpu(root: int) -> float:
    """Seconds of the processor that a process and all below it have used: to the nanosecond, where the kernel tells.

    Threads that have ended are left out; those of a server live as long as it does.
    """
    try:
        tasks = (task for pid in processes.family(root) for task in Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except FileNotFoundError:
        return processes.cpu(root)


if __name__ == "__main__":
    main()
