"""docs/performance.md and docs/scale.md: what a run found stands between two marks; prose is around them."""

from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
SCALE = PAGE.with_name("scale.md")
PLOT = PAGE.with_suffix(".svg")
BEGINS, ENDS = "<!-- printed by make bench, from here -->", "<!-- to here -->"


def fill(found: str, sizes: str, plot: str) -> None:
    """Put what a run found into the pages, and its plot beside them."""
    PAGE.write_text(filled(PAGE.read_text(), found))
    SCALE.write_text(filled(SCALE.read_text(), sizes))
    PLOT.write_text(plot)


def filled(text: str, found: str) -> str:
    """The text of a page with what was found in place of what stood between the marks.

    Raises:
        ValueError: it does not have both marks once, in this order.
    """
    before, begins, rest = text.partition(BEGINS)
    _, ends, after = rest.partition(ENDS)
    if not (begins and ends) or BEGINS in rest or ENDS in after:
        raise ValueError("the page has lost its marks")
    return f"{before}{BEGINS}\n\n{found.strip()}\n\n{ENDS}{after}"
