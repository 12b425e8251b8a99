"""A run in words and tables (Markdown), and as JSON."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench.figures import Case, Figure, Target, figure
from bench.parts import FLOOR, KEPT, PEER, USUAL, Run
from bench.targets import targets


def as_json(run: Run, machine: Mapping[str, str], minutes: float) -> Mapping[str, Any]:
    """All that was measured."""
    told = asdict(run)
    kept = {name: value for name, value in told.items() if name != "folder" and not name.startswith("_")}
    wanted = [asdict(each) | {"met": each.met} for each in targets(run)]
    return {"at": _now(), "minutes": minutes, "machine": machine, **kept, "targets": wanted}


def written(run: Run, machine: Mapping[str, str], minutes: float) -> str:
    """All that was measured, for people."""
    size = run.size
    parts = [
        f"Measured on {_now()} in {minutes:.1f} minutes: {size.rounds} rounds of {size.seconds} seconds each, "
        f"{size.users:,} users. Figures are medians, with the least and the most behind them.",
        _table(("this machine", ""), machine.items()),
        _table(("target", "wanted", "measured", ""), map(_target, targets(run))),
        *(_cases(run.cases, against) for against in ((FLOOR,), (PEER, KEPT))),
        _rest(run),
        "\n".join(f"- Not measured: {each}" for each in run.skipped),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def sizes(run: Run) -> str:
    """What a core answers, and what room things take, for people."""
    rows = [
        (f"{case.name}, {case.server}", f"{1000 / case.of('cpu').middle:,.0f} hooks/s")
        for case in run.cases
        if case.connections == USUAL and case.against != KEPT
    ]
    rows += [(f"logins by password: {name}", f"{found.middle:,.1f} /s") for name, found in run.hashes.items()]
    room = [(row.what, f"{row.found.middle:,.0f} {row.unit}") for row in run.growths if row.unit != "times"]
    tables = (_table(("on one core of the processor", ""), rows), _table(("room", ""), room))
    return "\n\n".join(filter(None, tables))


def shown(value: Figure, digits: int = 2) -> str:
    """A figure with its spread."""
    return f"{value.middle:,.{digits}f} ({value.least:,.{digits}f}–{value.most:,.{digits}f})"


def _target(target: Target) -> Sequence[str]:
    missed = f"**missed** by {target.short:.0%}" if target.short else "**missed**"
    verdict = "met" if target.met else missed
    wanted, found = f"{target.bound} {target.wanted:g} {target.unit}", f"{shown(target.found)} {target.unit}"
    return target.what, wanted.rstrip(), found.rstrip(), verdict


def _cases(cases: Sequence[Case], against: Sequence[str]) -> str:
    """A table of those that were measured beside these servers, with the lines of those."""
    heads = ("", "connections", "hooks/s", "ratio", "p50 ms", "p99 ms", "p99.9 ms", "CPU s per 1,000", "ratio")
    rows: list[Sequence[str]] = []
    for case in cases:
        if case.against in against:
            ours, other = ([part(each) for each in _COLUMNS] for part in (case.of, case.other))
            rows.append(_row(f"**{case.server}**, {case.name}", case, ours, case.ratio("rate"), case.ratio("cpu")))
            rows.append(_row(case.against, case, other))
    return _table(heads, rows)


_COLUMNS = ("rate", "p50", "p99", "p999", "cpu")


def _row(
    name: str, case: Case, figures: Sequence[Figure], rate: Figure | None = None, cpu: Figure | None = None
) -> Sequence[str]:
    told = [shown(each, digits) for each, digits in zip(figures, (0, 1, 1, 1, 3), strict=True)]
    ratios = ["" if each is None else shown(each) for each in (rate, cpu)]
    return [name, str(case.connections), told[0], ratios[0], *told[1:], ratios[1]]


def _rest(run: Run) -> str:
    rows = []
    for which, memories in (("at rest", run.at_rest), ("after all rounds", run.after)):
        if memories:
            rss, pss = (shown(figure([getattr(each, name) for each in memories]), 0) for name in ("rss", "pss"))
            rows.append((f"memory of a worker {which}", f"RSS {rss} MB, PSS {pss} MB"))
    for storm in run.storms:
        name = f"{storm.clients:,} clients in {storm.seconds} s, over {storm.connections} connections"
        took = f"p50 {storm.p50:.1f}, p99 {storm.p99:.1f}, p99.9 {storm.p999:.1f}, the longest {storm.most:.1f} ms"
        rows.append((name, f"{storm.answered:,} let in; {took}"))
    rows += [(name, f"{shown(seconds)} s") for name, seconds in run.starts.items()]
    rows += [(row.what, "; ".join(filter(None, (f"{shown(row.found)} {row.unit}", row.told)))) for row in run.growths]
    return _table(("", ""), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing where it has no row."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "" if len(lines) == 2 else "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _now() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())
