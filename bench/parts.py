"""The parts of a run: which servers stand side by side, and which hooks each is sent."""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import clients, growth, hashes, hooks, load, servers, starts, stores
from bench.figures import Case, Figure, quantile
from bench.processes import Memory
from bench.servers import Server
from bench.stores import Prepared

FIRST, AGAIN = "connect, tokens seen for the first time", "connect, tokens seen before"
CONNECT = (FIRST, AGAIN)
PLAY, EVENT, UNKNOWN = "playStream under a grant rule", "StreamStatusEvent", "a hook that nobody knows"
AUTHGATE, TWO_WORKERS, POSTGRESQL = "authgate", "authgate, 2 workers", "authgate on PostgreSQL"
FLOOR, PEER, KEPT = "floor", "nginx + php-fpm", "nginx + php-fpm, connections kept"
CONNECTIONS = (16, 64, 256)
USUAL = 64  # connections
SEEN = 10_000  # tokens that are sent again and again where they have been seen before
FASTEST = 15_000  # hooks in a second: of more than that, the same come twice in a round


# The method of each, and what is in it besides the session.
_IN_SESSIONS = {
    PLAY: ("playStream", hooks.PLAY),
    EVENT: ("StreamStatusEvent", hooks.PLAYING),
    UNKNOWN: (hooks.UNKNOWN, hooks.STREAM),
}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    rounds: int = 3
    seconds: int = 2  # of each round
    users: int = 100_000
    sessions: int = 10_000  # live ones that hooks are sent in
    storm: int = 10_000  # clients
    storm_seconds: int = 10
    starts: int = 5

    @property
    def lines(self) -> int:
        """Hooks of a kind that are all different."""
        return max(SEEN, self.seconds * FASTEST)


QUICK = Size(rounds=1, seconds=1, users=10_000, sessions=2_000, storm=2_000, storm_seconds=2, starts=3)


@dataclass(frozen=True, slots=True)
class Storm:
    """Many clients that come within seconds."""

    clients: int
    seconds: int
    connections: int
    answered: int  # with 200
    p50: float  # milliseconds from when it was due
    p99: float
    p999: float
    most: float


@dataclass(slots=True)
class Run:
    """One run of all of it, in a folder."""

    size: Size
    folder: Path
    cases: list[Case] = field(default_factory=list)
    at_rest: list[Memory] = field(default_factory=list)  # a worker that is ready, and has not answered any hook
    after: list[Memory] = field(default_factory=list)  # the same worker after all of its rounds
    storms: list[Storm] = field(default_factory=list)
    starts: dict[str, Figure] = field(default_factory=dict)
    growths: list[growth.Row] = field(default_factory=list)
    hashes: dict[str, Figure] = field(default_factory=dict)  # in a second on one core, by their setting
    skipped: list[str] = field(default_factory=list)
    _tokens: Sequence[str] = ()

    def prepare(self) -> Prepared:
        """A store with users and live sessions, and the tokens of users."""
        prepared = stores.prepare(self.folder / "template", self.size.users)
        self._tokens = list(hooks.tokens(min(self.size.lines, self.size.users), prepared.token_key))
        opening = self._connects("live", prepared, self.size.sessions, self.size.sessions)
        with servers.authgate(prepared) as server:
            sent = clients.send(server.port, opening, USUAL)
        if sent.statuses != {"200": self.size.sessions}:
            raise SystemExit(f"bench: sessions could not be opened: {sent.statuses}")
        return prepared

    def one_worker(self, prepared: Prepared, floor: Server) -> None:
        """authgate with one worker on SQLite beside the floor, with each kind of hook."""
        kinds: list[tuple[str, int, Path]] = [
            (FIRST, USUAL, self._first(prepared)),
            *((AGAIN, many, self._again(prepared, many)) for many in CONNECTIONS),
            *((name, USUAL, self._in_sessions(name, prepared)) for name in _IN_SESSIONS),
        ]
        cases = [Case(name, AUTHGATE, many, FLOOR) for name, many, _ in kinds]
        self.cases += cases
        for _ in range(self.size.rounds):
            with self._copy(prepared) as copied, servers.authgate(copied) as server:
                self.at_rest += server.memory()
                for case, (_, _, path) in zip(cases, kinds, strict=True):
                    self._round(case, server, floor, path)
                    if case.name == FIRST:
                        self._see(server, prepared, case)
                self.after += server.memory()

    def postgresql(self, prepared: Prepared, floor: Server) -> None:
        """The same connects with the store in PostgreSQL; skipped where there is none."""
        cases = [Case(name, POSTGRESQL, USUAL, FLOOR) for name in CONNECT]
        paths = [self._first(prepared), self._again(prepared, USUAL)]
        with stores.scratch() as databases:
            try:
                filled = databases.make()
            except Exception as error:  # whatever the driver raises where nobody answers
                self.skipped.append(f"connect on PostgreSQL: there is none that can be used ({type(error).__name__})")
                return
            stores.prepare(self.folder / "postgresql", self.size.users, url=filled)
            self.cases += cases
            for _ in range(self.size.rounds):
                with self._copy(prepared, databases.make(filled)) as copied, servers.authgate(copied) as server:
                    for case, path in zip(cases, paths, strict=True):
                        self._round(case, server, floor, path)
                        if case.name == FIRST:
                            self._see(server, prepared, case)

    def two_workers(self, prepared: Prepared) -> None:
        """authgate with two workers beside nginx and PHP; skipped where those are not installed."""
        first, again = (Case(name, TWO_WORKERS, USUAL, PEER) for name in CONNECT)
        kept = Case(AGAIN, TWO_WORKERS, USUAL, KEPT)
        path = self._again(prepared, USUAL)
        key, users = prepared.token_key, self.size.users
        try:
            with (
                servers.peer(self.folder / "peer", key, users, kept=False) as peer,
                servers.peer(self.folder / "kept", key, users, kept=True) as other,
            ):
                self.cases += [first, again, kept]
                for _ in range(self.size.rounds):
                    with self._copy(prepared) as copied, servers.authgate(copied, workers=2) as server:
                        self._round(first, server, peer, self._first(prepared))
                        self._see(server, prepared, first)
                        self._round(again, server, peer, path)
                    kept.ours.append(again.ours[-1])
                    kept.others.append(load.measure(other, path, self.size.seconds, USUAL))
        except servers.NotThereError as missing:
            self.skipped.append(f"{PEER}: {missing}")

    def storm(self, prepared: Prepared) -> None:
        """Clients that all come back within seconds, to a server that has just begun."""
        size, connections = self.size, CONNECTIONS[-1]
        path = self._connects("storm", prepared, size.storm, size.storm)
        with self._copy(prepared) as copied, servers.authgate(copied) as server:
            sent = clients.send(server.port, path, connections, size.storm_seconds)
        p50, p99, p999 = (quantile(sent.took, part) for part in (0.5, 0.99, 0.999))
        answered = sent.statuses.get("200", 0)
        self.storms.append(Storm(size.storm, size.storm_seconds, connections, answered, p50, p99, p999, max(sent.took)))

    def grown(self, *, quick: bool) -> None:
        """What a hook costs where there is much of everything."""
        folder = self.folder / "growth"
        folder.mkdir()
        self.growths = growth.measure(folder, quick)

    def hash(self) -> None:
        """How many passwords a core hashes."""
        self.hashes = hashes.measure(self.size.starts)

    def start(self, prepared: Prepared) -> None:
        """How long it takes to begin."""
        with self._copy(prepared) as copied:
            self.starts = starts.measure(copied, self.size.starts)

    def _round(self, case: Case, server: Server, other: Server, path: Path) -> None:
        """A round of each, one after the other."""
        case.others.append(load.measure(other, path, self.size.seconds, case.connections))
        case.ours.append(load.measure(server, path, self.size.seconds, case.connections))
        told = (
            f"{each.rate:6.0f} hooks/s, p99 {each.p99:6.1f} ms, {each.cpu:.3f} CPU s"
            for each in (case.ours[-1], case.others[-1])
        )
        print(
            f"{case.server}, {case.name}, {case.connections} connections: {f'; {case.against}: '.join(told)}",
            flush=True,
        )

    def _see(self, server: Server, prepared: Prepared, case: Case) -> None:
        """Have a server see those tokens that are sent again, where the round before was too short for all of them."""
        if case.ours[-1].rate * self.size.seconds < SEEN:
            clients.send(server.port, self._connects("see", prepared, SEEN, SEEN), USUAL)

    def _first(self, prepared: Prepared) -> Path:
        return self._connects("first", prepared, len(self._tokens), len(self._tokens))

    def _again(self, prepared: Prepared, connections: int) -> Path:
        return self._connects(f"again-{connections}", prepared, self.size.lines, SEEN)

    def _connects(self, family: str, prepared: Prepared, count: int, tokens: int) -> Path:
        """So many connects, each of a session of its own, with so many tokens one after the other."""
        path = self.folder / family
        if not path.exists():
            tokens = min(tokens, len(self._tokens))
            bodies = (hooks.connect(self._tokens[n % tokens], hooks.session(family, n)) for n in range(count))
            hooks.write(path, (hooks.request("connect", body, prepared.hmac_key) for body in bodies))
        return path

    def _in_sessions(self, name: str, prepared: Prepared) -> Path:
        """Hooks in the sessions that are live, each about a stream of its own."""
        method, fields = _IN_SESSIONS[name]
        sessions = [hooks.session("live", n) for n in range(self.size.sessions)]
        bodies = (hooks.in_session(fields, sessions[n % len(sessions)], n) for n in range(self.size.lines))
        return hooks.write(self.folder / method, (hooks.request(method, body, prepared.hmac_key) for body in bodies))

    @contextlib.contextmanager
    def _copy(self, prepared: Prepared, url: str = "") -> Iterator[Prepared]:
        """What was prepared, as if nothing had been done with it yet."""
        folder = self.folder / "copy"
        try:
            yield stores.copy(prepared, folder, url)
        finally:
            shutil.rmtree(folder)
