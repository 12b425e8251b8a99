"""Users from a file into the store, and out of it again.

``admin`` does not import this by itself: what it stands on takes long to import, and help must be fast.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from authgate.admin.grants import groups as all_groups
from authgate.admin.wanted import Existing, Plan, Wanted, plan, wanted
from authgate.errors import Refused, StoreError
from authgate.model import Group, User
from authgate.passwords import UNKNOWN, Hasher, Hashing, PasswordPolicy, recognise, refusal, this_machine
from authgate.store import Staging, Store
from authgate.userfiles import Bad, Row

BATCH = 1_000  # users in one transaction: few enough that a hook that waits for it is not late
_CHANGES = 200  # users who are there, in one transaction: each is a statement of its own for some drivers
_SLOW_BATCH = 50  # where each is hashed first
_TRIES = 4  # of a batch, where the store was too slow or somebody added one of its users meanwhile
_PENDING = "(a hash that is to be made)"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is imported."""

    existing: Existing = Existing.REFUSE
    only_good: bool = False  # whether good rows are written though others are bad
    dry_run: bool = False  # whether nothing is written at all
    create_groups: bool = False  # whether groups that are not there are added, without a list of grants
    all_hashes: bool = False  # whether hashes are taken that [hashing] lets nobody log in with
    sources: Collection[str] = ()  # of users that there are
    policy: PasswordPolicy | None = None  # what passwords in clear are held to; None: what can be hashed


@dataclass(slots=True)
class Imported:
    """What became of a file, or would."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    bad: int = 0
    groups: int = 0  # that were added
    weak: int = 0  # hashes that should be renewed soon
    untried: int = 0  # hashes that [hashing] lets nobody log in with
    passwords: int = 0  # in clear, of which hashes were made
    written: bool = False

    @property
    def rows(self) -> int:
        """All rows of the file."""
        return self.added + self.changed + self.unchanged + self.skipped + self.bad

    def shown(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def _nobody(_what: str, _done: int, _total: int) -> None:
    """Is told of it."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Who is told of what goes on."""

    bad: Callable[[int, str], None]  # the line and why it is bad
    step: Callable[[str, int, int], None] = _nobody  # total 0: not known


async def import_users(
    store: Store,
    hasher: Hasher,
    hashing: Hashing,
    rows: Iterator[Row | Bad],
    options: ImportOptions,
    watched: Watched,
) -> Imported:
    """Bring rows into the store: read and checked to the last one before anything is written.

    What is written is written in many short transactions, so that a running server is not held up. Whoever is
    interrupted does it again: what is there already is unchanged.

    Raises:
        Refused: the file as a whole cannot be read.
        ConfigError: the policy's file of known passwords cannot be used.
        StoreError: the store is away or too slow; what was written until then stays.
    """
    staging = Staging()
    try:
        return await _Import(store, hasher, hashing, options, watched, staging).run(rows)
    finally:
        staging.close()


async def export_users(store: Store) -> AsyncIterator[tuple[User, Sequence[str]]]:
    """All users by name, each with its groups, read a page at a time.

    Raises:
        StoreError: the store is away or too slow.
    """
    after = ""
    while page := await store.imports.page(after, BATCH):
        for each in page:
            yield each
        after = page[-1][0].name


class _Import:
    def __init__(
        self,
        store: Store,
        hasher: Hasher,
        hashing: Hashing,
        options: ImportOptions,
        watched: Watched,
        staging: Staging,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._hashing = hashing
        self._options = options
        self._watched = watched
        self._staging = staging
        self._groups: set[str] = set()  # that there are
        self._empty = False  # whether nobody is in the store
        self._fresh_groups: set[str] = set()
        self.done = Imported()

    async def run(self, rows: Iterator[Row | Bad]) -> Imported:
        self._groups = {group.name for group in await all_groups(self._store)}
        self._read(rows)
        for line, first in self._staging.repeated():
            self._bad(line, f"is the same user as line {first}")
        self._empty = await self._store.imports.empty()
        options, done = self._options, self.done
        if options.dry_run or not options.only_good:
            if options.dry_run or not self._empty:
                await self._each_batch("checking", self._look)
            if done.bad or options.dry_run:
                if not options.only_good and done.bad:
                    done.added = done.changed = done.groups = 0
                return done
            done.added = done.changed = done.unchanged = done.skipped = 0
        await self._add_groups()
        done.written = True
        await self._each_batch("writing", self._write)
        return done

    def _read(self, rows: Iterator[Row | Bad]) -> None:
        """Check each row by itself, and keep the good ones."""
        groups = None if self._options.create_groups else self._groups
        for row in rows:
            if isinstance(row, Bad):
                self._bad(row.line, row.why)
                continue
            try:
                asked = wanted(row.members, groups, self._options.sources, self._hash_fault)
                self._demand(asked)
            except Refused as fault:
                self._bad(row.line, str(fault))
                continue
            self._fresh_groups.update(group for group in asked.groups or () if group not in self._groups)
            self.done.passwords += asked.password is not None
            self._staging.put(asked.name, row.line, (asked.given, asked.fields, asked.groups, asked.password))

    def _demand(self, asked: Wanted) -> None:
        """Come back if a password in clear, where the row has one, may be this user's.

        Raises:
            Refused: it may not.
            ConfigError: the policy's file of known passwords cannot be used.
        """
        if asked.password is None:
            return
        self._hasher.demand(asked.password)
        if self._options.policy is not None:
            self._options.policy.demand(asked.password, (asked.name, asked.fields.get("display", asked.given)))

    def _hash_fault(self, stored: str) -> str:
        form = recognise(stored)
        if why := refusal(form, self._hashing):
            if not self._options.all_hashes or not form.scheme:
                return f"{why}; a password in clear has a column of its own" if why == UNKNOWN else why
            self.done.untried += 1
        self.done.weak += bool(form.weak)
        return ""

    def _bad(self, line: int, why: str) -> None:
        self.done.bad += 1
        self._watched.bad(line, why)

    async def _each_batch(self, what: str, work: Callable[[list[tuple[int, Wanted]]], Any]) -> None:
        total, seen = self._staging.count, 0
        size = _SLOW_BATCH if self.done.passwords else BATCH
        for batch in self._staging.batches(size):
            await work([(line, _loaded(name, row)) for name, line, row in batch])
            seen += len(batch)
            self._watched.step(what, seen, total)

    async def _look(self, batch: list[tuple[int, Wanted]]) -> None:
        """Count what would be done, and tell what would be refused."""
        for line, made in await self._plans(batch, hashes=False):
            self._count(line, made)

    async def _write(self, batch: list[tuple[int, Wanted]]) -> None:
        """Do it; whatever came between is looked at again."""
        for left in reversed(range(_TRIES)):
            plans = await self._plans(batch, hashes=True)
            try:
                changes = [made.change for _, made in plans if made.change is not None]
                fresh, others = [each for each in changes if each.fresh], [each for each in changes if not each.fresh]
                if fresh:
                    await self._store.imports.write(fresh)
                for at in range(0, len(others), _CHANGES):
                    await self._store.imports.write(others[at : at + _CHANGES])
                break
            except (Refused, StoreError):
                if not left:
                    raise
                self._empty = False
                await asyncio.sleep(0.1)
        for line, made in plans:
            self._count(line, made)

    def _count(self, line: int, made: Plan) -> None:
        if made.why:
            self._bad(line, made.why)
        elif made.skipped:
            self.done.skipped += 1
        elif made.change is None:
            self.done.unchanged += 1
        elif made.change.fresh:
            self.done.added += 1
        else:
            self.done.changed += 1

    async def _plans(self, batch: list[tuple[int, Wanted]], *, hashes: bool) -> list[tuple[int, Plan]]:
        there: dict[str, User] = {}
        groups: dict[str, list[str]] = {}
        if not self._empty:
            there, groups = await self._store.imports.find([asked.name for _, asked in batch])
        made = await self._hashed([asked for _, asked in batch], there, hashes)
        existing = self._options.existing
        return [
            (line, plan(asked, made.get(asked.name), there.get(asked.name), groups.get(asked.name, ()), existing))
            for line, asked in batch
        ]

    async def _hashed(self, batch: list[Wanted], there: dict[str, User], make: bool) -> dict[str, str]:
        """What is made of the passwords that are not those of before; without ``make`` only that something would be."""

        async def one(asked: Wanted) -> tuple[str, str | None]:
            found = there.get(asked.name)
            if found is not None and self._options.existing is Existing.SKIP:
                return asked.name, None
            if found is not None and found.hash and await self._hasher.verify(asked.password or "", found.hash):
                return asked.name, None
            return asked.name, await self._hasher.hash(asked.password or "") if make else _PENDING

        slow = [asked for asked in batch if asked.password is not None]
        made: dict[str, str] = {}
        at_once = self._hashing.workers or this_machine().cores
        for at in range(0, len(slow), at_once):
            done = await asyncio.gather(*map(one, slow[at : at + at_once]))
            made.update({name: hashed for name, hashed in done if hashed is not None})
        return made

    async def _add_groups(self) -> None:
        for name in sorted(self._fresh_groups):
            try:
                await self._store.groups.add(Group(name))
            except Refused:  # somebody added it meanwhile
                continue
            self.done.groups += 1


def _loaded(name: str, row: Any) -> Wanted:
    given, fields, groups, password = row
    return Wanted(name, given, fields, groups, password)
