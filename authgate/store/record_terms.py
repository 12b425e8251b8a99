"""What a record is looked for by, as numbers, and where in the trail it is: segments of numbers, in blocks.

The index says of each segment in which of its blocks something is named. So it is small, a common value takes no more
room than a rare one, and what must all be there is found by the bits that they share.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from authgate.wanted import RecordFilter

BLOCK = 512  # numbers
BLOCKS = 64  # of a segment, as bits of a whole number
SEGMENT = BLOCK * BLOCKS  # numbers
ALL = (1 << BLOCKS) - 1

COLUMNS = ("user_name", "session", "node", "subject", "method", "app_key", "reason", "rule", "status")
_REJECTED = "rejected"
REJECTED = ("user_name", "subject", "app_key")  # of which it is known too where a record was rejected


def term(column: str, value: str) -> int:
    """The number of a value in a column: from 64 bits, with a sign as databases have it. Two may share one."""
    text = f"{column}\0{value}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def terms_of(columns: Mapping[str, Iterable[str | None]], rejected: Mapping[str, Iterable[str | None]]) -> set[int]:
    """The terms of a block: of the values of its records, and of those of the rejected ones among them."""
    found = {term(name, value) for name in COLUMNS for value in set(columns[name]) if value}
    some = False
    for name in REJECTED:
        values = set(rejected[name])
        some = some or bool(values)
        found.update(term(f"{_REJECTED} {name}", value) for value in values if value)
    if some:
        found.add(term(_REJECTED, ""))
    return found


def wanted_terms(wanted: RecordFilter) -> list[list[int]]:
    """Terms of which one of each list must be in a block, or nothing in it can be wanted."""
    named = {name: values for name, values in wanted.values.items() if all(values)}
    every = [[term(name, value) for value in values] for name, values in named.items()]
    if wanted.allowed is False:
        every.append([term(_REJECTED, "")])
        every += [[term(f"{_REJECTED} {name}", value) for value in named[name]] for name in REJECTED if name in named]
    return every


def blocks_of(every: Sequence[Sequence[int]], found: Mapping[int, int]) -> int:
    """The blocks, as bits, that hold one term of each list, by the blocks of each term."""
    blocks = ALL
    for either in every:
        any_of_them = 0
        for each in either:
            any_of_them |= found.get(each, 0)
        blocks &= any_of_them
    return blocks


def spans(segment: int, blocks: int) -> Iterator[tuple[int, int]]:
    """The numbers of these blocks, from the first to the last of each run, ascending."""
    begin: int | None = None
    for at in range(BLOCKS + 1):
        if at < BLOCKS and blocks >> at & 1:
            begin = at if begin is None else begin
        elif begin is not None:
            yield segment * SEGMENT + begin * BLOCK, segment * SEGMENT + at * BLOCK - 1
            begin = None


def signed(blocks: int) -> int:
    """Bits as a whole number that a database can hold."""
    return blocks - (1 << BLOCKS) if blocks >> (BLOCKS - 1) else blocks


def unsigned(number: int) -> int:
    """The bits of such a number."""
    return number & ALL
