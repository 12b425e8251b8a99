"""Cases -> a picture (SVG): hooks in a second as bars, and how long they took, on a scale of powers of ten."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from bench.figures import Case
from bench.targets import wanted_rate

WIDTH = 1140
_LABELS, _BARS, _TIMES = 290, 830, 1110  # where each column ends
_TOP, _ROW = 84, 46
_OURS, _OTHER, _WANTED, _GRID = "#1f6feb", "#9aa4af", "#cf222e", "#e3e6ea"
_NUMBERS = 235  # kept free behind the longest bar


def drawn(cases: Sequence[Case]) -> str:
    """The picture of these cases, as they come."""
    height = _TOP + _ROW * len(cases) + 16
    most = max(
        max(case.of("rate").middle, max(1, wanted_rate(case) or 0) * case.other("rate").middle) for case in cases
    )
    slowest = max(max(case.of("p999").middle, case.other("p999").middle) for case in cases)
    decades = max(1, math.ceil(math.log10(slowest)))  # from 1 ms on
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#1f2328">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_heads(),
        *_scale(decades, height),
    ]
    for row, case in enumerate(cases):
        lines += _row(_TOP + row * _ROW, case, most, decades)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _heads() -> Iterator[str]:
    yield _text(_LABELS + 8, 24, "hooks in a second (and how many times the other's)", weight="bold")
    yield _text(_BARS + 20, 24, "milliseconds: p50, p99, p99.9", weight="bold")
    at = _LABELS + 8
    for colour, words in ((_OURS, "authgate"), (_OTHER, "what it is compared with")):
        yield _box(at, 38, 12, 10, colour)
        yield _text(at + 17, 47, words)
        at += 90
    yield _box(at + 92, 35, 2, 16, _WANTED)
    yield _text(at + 100, 47, "wanted")


def _scale(decades: int, height: int) -> Iterator[str]:
    for power in range(decades + 1):
        x = _at(10.0**power, decades)
        yield _box(x, _TOP - 18, 1, height - _TOP + 10, _GRID)
        yield _text(x, _TOP - 24, f"{10**power:,}", anchor="middle")


def _row(y: int, case: Case, most: float, decades: int) -> Iterator[str]:
    left, full = _LABELS + 8, _BARS - _LABELS - 8 - _NUMBERS
    wanted = (wanted_rate(case) or 0) * case.other("rate").middle / most * full
    yield _text(_LABELS, y + 13, f"{case.server}, {case.connections} connections", anchor="end", weight="bold")
    yield _text(_LABELS, y + 28, case.name, anchor="end")
    ratio = f"({case.ratio('rate').middle:.2f})"
    for offset, rate, colour, more, mark in (
        (2, case.of("rate").middle, _OURS, ratio, wanted),
        (18, case.other("rate").middle, _OTHER, case.against, 0),
    ):
        width = rate / most * full
        yield _box(left, y + offset, width, 13, colour)
        yield _text(left + 5 + max(width, mark), y + offset + 11, f"{rate:,.0f} {more}")
    if wanted:
        yield _box(left + wanted - 1, y, 2, 17, _WANTED)
    for offset, value, colour in ((8, case.of, _OURS), (24, case.other, _OTHER)):
        places = [_at(value(name).middle, decades) for name in ("p50", "p99", "p999")]
        yield _box(places[0], y + offset - 1, places[-1] - places[0], 2, colour)
        for place, radius in zip(places, (3, 5, 3), strict=True):
            yield f'<circle cx="{place:.1f}" cy="{y + offset}" r="{radius}" fill="{colour}"/>'


def _at(milliseconds: float, decades: int) -> float:
    """Where a time is on the scale."""
    left = _BARS + 20
    return left + min(1.0, max(0.0, math.log10(max(milliseconds, 1.0)) / decades)) * (_TIMES - left)


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'
