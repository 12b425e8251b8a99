"""Who waits for a password to be hashed: one lane for each application, and when each would be ready."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from authgate.turn import ANY_TIME, Turn

# As RFC 6298 foresees how long an answer takes: by a moving mean, and a moving mean of how far off that was.
_WEIGHT, _WEIGHT_OFF = 1 / 8, 1 / 4  # of the newest: half of what they say is from the last five and the last two
_OFF = 2  # times what it was off lately is allowed for: one hash in some twenty takes longer
_SLACK = 1.1  # the record is still to be written after a hash, and there is more to do than hashing


@dataclass(frozen=True, slots=True)
class Effort:
    """What hashing something takes."""

    kind: str = ""  # efforts of one kind cost about the same
    memory: int = 0  # KiB


@dataclass(slots=True, eq=False)
class Job:
    """Something to be hashed for somebody who waits."""

    work: Callable[[], Any] = field(repr=False)
    effort: Effort = Effort()
    turn: Turn = ANY_TIME
    spare: bool = False  # nobody waits for it: it is done when there is nothing else to do
    answer: "Future[Any]" = field(default_factory=Future)


class Costs:
    """Seconds that jobs have taken lately, of each kind and of all as they came; 0 before anything was measured."""

    def __init__(self) -> None:
        self._all = (0.0, 0.0)  # the mean, and how far off it was
        self._of: dict[str, tuple[float, float]] = {}

    @property
    def mean(self) -> float:
        """What one takes, as they come."""
        return self._all[0]

    def note(self, kind: str, seconds: float) -> None:
        """Take another one into account."""
        self._all = _moved(self._all, seconds)
        self._of[kind] = _moved(self._of.get(kind, (0.0, 0.0)), seconds)

    def of(self, kind: str) -> float:
        """What one of this kind takes."""
        return self._of.get(kind, self._all)[0]

    def most(self, kind: str | None = None) -> float:
        """What one of this kind hardly ever takes longer than; None: one of any."""
        mean, off = self._all if kind is None else self._of.get(kind, self._all)
        return mean + _OFF * off


class Lanes:
    """The jobs that wait; it is told the time and has no clock. Times are seconds of ``time.monotonic``.

    Lanes take turns, so a thousand clients of one application keep one client of another waiting for one hash and not
    for a thousand. Within a lane the first to come is the first to be hashed: hooks all have the same deadline, so that
    is the one whose deadline is the next, and no other order gets more of them in before theirs. The last to come first
    would hash as many, but break what was promised to those who wait: each would wait out its deadline for nothing.

    A job whose place says that it would be late is not taken at all, so those that are taken are in time and nothing is
    hashed in vain. One that is late in the end, since hashes have become dearer or others have come between, is given
    up before it is hashed. What can begin at once begins whatever it is going to cost, and of several that are late the
    last is done all the same, or one slow hour would never be forgotten.
    """

    def __init__(self, workers: int, costs: Costs, most: int = 0) -> None:
        """``most``: how many may wait; 0: as many as their deadlines allow."""
        self._workers = workers
        self._costs = costs
        self._most = most
        self._lanes: dict[str, deque[Job]] = {}  # the one whose turn it is comes first
        self._spare: deque[Job] = deque()
        self._waiting = 0
        self._kept: Counter[str] = Counter()  # places in each lane, for jobs that are still to come

    def __len__(self) -> int:
        return self._waiting + len(self._spare)

    def offer(self, job: Job, running: Sequence[tuple[str, float]], now: float) -> tuple[bool, list[Job]]:
        """Whether the job may wait, and which jobs it makes hopeless.

        ``running`` are the jobs that are being done: the kind of each, and when it began.
        """
        if job.spare:
            wanted = not self._waiting and len(self._spare) < self._workers
            if wanted:
                self._spare.append(job)
            return wanted, []
        busy = self._busy(running, now)
        if not self._fits(job.turn, self._costs.most(job.effort.kind), busy, len(running), now):
            return False, []
        self._lanes.setdefault(job.turn.app_key, deque()).append(job)
        self._waiting += 1
        return True, self._made_late(job.turn.app_key, busy, now)

    def keep(self, turn: Turn) -> None:
        """Keep a place for a job that is to come in that turn: others wait behind it."""
        self._kept[turn.app_key] += 1

    def let_go(self, turn: Turn) -> None:
        """Keep that place no longer."""
        self._kept[turn.app_key] -= 1
        if not self._kept[turn.app_key]:
            del self._kept[turn.app_key]

    def hopeless(self, turn: Turn, running: Sequence[tuple[str, float]], now: float) -> bool:
        """Whether a job of that turn would not be taken, as far as can be said of one that costs what others do."""
        return not self._fits(turn, self._costs.most(), self._busy(running, now), len(running), now)

    def take(self, now: float, room: int | None) -> tuple[Job | None, list[Job]]:
        """The next job, and those that are given up. None where none waits, or where there is no room for the next.

        ``room`` is the KiB that it may take; None: any.
        """
        late = []
        while self._waiting:
            name, lane = next(iter(self._lanes.items()))
            job = lane[0]
            given_up = job.turn.until <= now
            if not given_up and self._waiting > 1:
                given_up = now + self._costs.most(job.effort.kind) * _SLACK > job.turn.until
            if given_up:
                self._drop(job)
                late.append(job)
                continue
            if room is not None and job.effort.memory > room:
                return None, late
            self._drop(job)
            if lane:
                self._lanes[name] = self._lanes.pop(name)  # its next turn comes after all others'
            return job, late
        while self._spare and self._spare[0].turn.until <= now:
            late.append(self._spare.popleft())
        if self._spare and (room is None or self._spare[0].effort.memory <= room):
            return self._spare.popleft(), late
        return None, late

    def withdraw(self, job: Job) -> None:
        """Nobody waits for it any more; nothing, where it is not here."""
        if job in self._spare:
            self._spare.remove(job)
        elif job in self._lanes.get(job.turn.app_key, ()):
            self._drop(job)

    def _drop(self, job: Job) -> None:
        lane = self._lanes[job.turn.app_key]
        lane.remove(job)
        self._waiting -= 1
        if not lane:
            del self._lanes[job.turn.app_key]

    def _made_late(self, newest: str, busy: float, now: float) -> list[Job]:
        """The jobs of other lanes, last ones first, that are late since the newest job came."""
        late = []
        place = len(self._lanes[newest]) - 1
        for lane in [lane for name, lane in self._lanes.items() if name != newest]:
            while len(lane) > place:
                last = lane[-1]
                if not self._late(last.turn, self._costs.most(last.effort.kind), len(lane) - 1, busy, now):
                    break
                late.append(last)
                self._drop(last)
        return late

    def _fits(self, turn: Turn, cost: float, busy: float, running: int, now: float) -> bool:
        """Whether another job may wait that takes so many seconds itself at most."""
        # Those for whom no worker is free either, also of those who are to come.
        before = self._waiting + self._kept.total() - (self._workers - running)
        if before < 0:
            return True
        if self._most and before >= self._most:
            return False
        place = len(self._lanes.get(turn.app_key, ())) + self._kept[turn.app_key]
        return not self._late(turn, cost, place, busy, now)

    def _late(self, turn: Turn, cost: float, place: int, busy: float, now: float) -> bool:
        """Whether a job that has so many before it in its own lane is going to be too late."""
        ahead = busy + self._ahead(turn.app_key, place) * self._costs.mean
        return now + (ahead / self._workers + cost) * _SLACK > turn.until

    def _ahead(self, own: str, place: int) -> int:
        """How many are done before the one that has so many before it in its own lane."""
        ahead, first = place, 1
        for name, lane in self._lanes.items():
            if name == own:
                first = 0
            else:
                ahead += min(len(lane) + self._kept[name], place + first)
        empty = (kept for name, kept in self._kept.items() if name not in self._lanes and name != own)
        return ahead + sum(min(kept, place) for kept in empty)

    def _busy(self, running: Sequence[tuple[str, float]], now: float) -> float:
        """Seconds of work that are left of what is being done."""
        return sum(max(0.0, self._costs.of(kind) - (now - began)) for kind, began in running)


def _moved(before: tuple[float, float], seconds: float) -> tuple[float, float]:
    mean, off = before
    if not mean:
        return seconds, seconds / 2
    return mean + (seconds - mean) * _WEIGHT, off + (abs(seconds - mean) - off) * _WEIGHT_OFF
