"""What should be, as ratios within one run where that can be, and whether it is."""

from collections.abc import Iterator, Sequence

from bench import starts
from bench.figures import Case, Target, figure
from bench.parts import CONNECT, KEPT, PEER, POSTGRESQL, USUAL, Run

TIMES_THE_FLOOR = 4  # that the p99 of a connect may be
MS_OF_A_STORM = 1000  # that its p99 may be
MB_AT_REST = 90
SECONDS_TO_START = {starts.READY: 1.0, starts.HELP: 0.15}


def wanted_rate(case: Case) -> float | None:
    """How many times the hooks of the other server it should answer; None where nothing is wanted of it."""
    if case.connections != USUAL:
        return None
    if case.against in (PEER, KEPT):
        return 1.5
    if case.server == POSTGRESQL:
        return 0.35
    return 0.45 if case.name in CONNECT else 0.5


def wanted_p99(case: Case) -> float | None:
    """How many times the p99 of the other server its own may be; None where nothing is wanted of it."""
    if case.connections != USUAL or case.server == POSTGRESQL or case.name not in CONNECT:
        return None
    return 0.1 if case.against in (PEER, KEPT) else TIMES_THE_FLOOR


def targets(run: Run) -> Sequence[Target]:
    """What should be, of all that was measured."""
    return [*_of_cases(run.cases), *_of_the_rest(run)]


def _of_cases(cases: Sequence[Case]) -> Iterator[Target]:
    for case in cases:
        what = f"{case.server}, {case.name}"
        if (rate := wanted_rate(case)) is not None:
            yield Target(f"{what}: hooks/s ÷ {case.against}", "at least", rate, case.ratio("rate"))
        if (p99 := wanted_p99(case)) is not None:
            yield Target(f"{what}: p99 ÷ {case.against}", "at most", p99, case.ratio("p99"))


def _of_the_rest(run: Run) -> Iterator[Target]:
    for storm in run.storms:
        what = f"{storm.clients:,} clients in {storm.seconds} s"
        yield Target(f"{what}: not let in", "at most", 0, figure([storm.clients - storm.answered]))
        yield Target(f"{what}: p99", "at most", MS_OF_A_STORM, figure([storm.p99]), "ms")
    if run.at_rest:
        rss = figure([each.rss for each in run.at_rest])
        yield Target("memory of a worker at rest (RSS)", "at most", MB_AT_REST, rss, "MB")
    for name, wanted in SECONDS_TO_START.items():
        if name in run.starts:
            yield Target(name, "at most", wanted, run.starts[name], "s")
    for row in run.growths:
        if row.wanted is not None:
            what = f"{row.what}: the processor's time" if row.unit == "times" else row.what
            yield Target(what, "at most", row.wanted, row.found, row.unit)
