"""The store and the sources of users, in their order, as one: obeys ``ports.Users``."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from authgate.errors import SourceError
from authgate.model import NO_AUTHORITY, Authority, Origin, User
from authgate.ports import Authorities
from authgate.sources.mapping import refused, version_of
from authgate.sources.options import STORE
from authgate.sources.source import Source
from authgate.store import Store

log = logging.getLogger(__name__)

Answers = Mapping[str, User | BaseException | None]


@dataclass(frozen=True, slots=True)
class Found:
    """Where a user was found: in the store, in a source, or in both, where the store has adopted it."""

    row: User | None = None
    theirs: User | None = None
    shadows: bool = False  # whether the store has another user of that name, who is not meant

    @property
    def user(self) -> User | None:
        """The user as verifiers see it."""
        if self.row is None or self.theirs is None:
            return self.row or self.theirs
        return _both(self.row, self.theirs)


class Chain:
    """The users of the store and of the sources, as one.

    Who is to prove a password is looked up everywhere, whoever has the name: names that are there and names that are
    not take the same time.
    """

    def __init__(self, store: Store, sources: Mapping[str, Source], order: Sequence[str]) -> None:
        self._store = store
        self._sources = sources
        self._order = order
        self._asked = [sources[name] for name in order if name != STORE]
        # Also where it is not in the order, the store says whom it has adopted.
        self._has_rows = STORE in order or any(each.options.adopt != "no" for each in self._asked)

    async def find(self, name: str, login: str | None = None, *, fresh: bool = False) -> User | None:
        """See ``ports.Users``; ``fresh``: as it is now, though nobody is about to prove a password."""
        return (await self.look(name, login, fresh=fresh)).user

    async def look(self, name: str, login: str | None = None, *, fresh: bool = False) -> Found:
        """Where the user under this canonical name is found.

        Raises:
            StoreError: the store, or a source before whoever has the user, is away or too slow.
            Overloaded: more users are looked up in a source than it answers in time.
        """
        row = await self._store.users.find(name) if self._has_rows else None
        if login is None and not fresh:
            return await _Look(self, name, row, {}).first()
        looks = (self.ask(each, name, row, login, fresh=True) for each in self._asked)
        answers = await asyncio.gather(*looks, return_exceptions=True)
        known = dict(zip((each.name for each in self._asked), answers, strict=True))
        return await _Look(self, name, row, known).first()

    async def create(self, name: str) -> User | None:
        """See ``ports.Users``."""
        return await self._store.users.create(name)

    async def renew(self, name: str, old_hash: str, new_hash: str) -> bool:
        """See ``ports.Users``. Of a user who is to be moved here, the store takes the password over."""
        row = await self._store.users.find(name)
        if row is None or row.origin is None:
            return row is not None and await self._store.users.renew(name, old_hash, new_hash)
        source = self._sources.get(row.origin.source)
        if source is None or source.options.adopt != "move":
            return False
        version = version_of(source.name, old_hash)
        return await self._store.adopted.take_over(name, source.name, version, new_hash)

    async def proven(self, user: User) -> User:
        """See ``ports.Users``. A user of a source that adopts gets a row in the store."""
        origin = user.origin
        if origin is None or (origin.linked and user.generation >= 0):
            return user
        if origin.linked:  # with another password than before
            row = await self._store.adopted.relink(user.name, origin)
        elif self._sources[origin.source].options.adopt == "no":
            return user
        else:
            row = await self._store.adopted.link(user)
        if row is None:
            log.warning("user %s of user source %s is not adopted: the name is taken", user.name, origin.source)
            return user
        return _both(row, user)

    async def authority(self, authorities: Authorities, name: str) -> Authority:
        """What a user may do: as the store says, and as the source that it is of.

        What the store says of a user of its own is not said of another of that name, who comes first in the order.

        Raises:
            StoreError: as ``look`` does.
            Overloaded: as ``look`` does.
        """
        if not self._asked:
            return await authorities.of(name)
        found = await self.look(name)
        said = NO_AUTHORITY if found.shadows else await authorities.of(name)
        if found.theirs is None:
            return said
        lists = [each for each in (said.grants, found.theirs.grants) if each is not None]
        grants = tuple(dict.fromkeys(grant for each in lists for grant in each)) if lists else None
        return Authority(said.groups | found.theirs.groups, grants)

    async def ask(
        self, source: Source, name: str, row: User | None, login: str | None = None, *, fresh: bool = False
    ) -> User | None:
        """What a source says of a user; ``fresh``: now, not lately.

        Raises:
            SourceError: the source is away or too slow.
            Overloaded: more users are looked up than it answers in time.
        """
        asked = name
        if source.options.parameter == "typed":
            origin = row.origin if row is not None else None
            known = origin.known_as if origin is not None and origin.source == source.name else None
            asked = known or login or name
        found = await source.find(name, asked, fresh=fresh)
        if found is None or found.origin is None:
            return found
        return replace(found, origin=replace(found.origin, moves=source.options.adopt == "move"))

    def source(self, name: str) -> Source | None:
        """The source of this name, where it is asked at all."""
        return self._sources.get(name) if name in self._order else None

    @property
    def order(self) -> Sequence[str]:
        """Where users are looked for."""
        return self._order


@dataclass(frozen=True, slots=True)
class _Look:
    """One look for a user. ``answers`` are of the sources that were asked already."""

    chain: Chain
    name: str
    row: User | None
    answers: Answers

    async def first(self) -> Found:
        """Where the user is found first; who was not asked yet is asked when it is its turn."""
        row = self.row
        origin = row.origin if row is not None else None
        for place in self.chain.order:
            if row is not None and origin is not None and place in (STORE, origin.source):
                return await self._adopted(row, origin)
            if place == STORE:
                if row is not None:
                    return Found(row)
                continue
            theirs = await self._answer(place)
            if theirs is not None:
                return Found(None, theirs, shadows=row is not None)
        if row is not None and origin is not None:  # of a source that is not asked any more
            return await self._adopted(row, origin)
        return Found()

    async def _adopted(self, row: User, origin: Origin) -> Found:
        """A user of the store whom a source still has to vouch for."""
        source = self.chain.source(origin.source)
        if source is None:
            log.warning("user %s is refused: user source %s is not asked any more", self.name, origin.source)
            return Found(row, refused(origin.source, self.name))
        theirs = await self._answer(source.name, must=True)
        if source.name not in self.answers and not _same(row, theirs):  # somebody may have looked later than we
            theirs = await self.chain.ask(source, self.name, row, fresh=True)
        return Found(row, theirs or refused(source.name, self.name))

    async def _answer(self, place: str, *, must: bool = False) -> User | None:
        """What a source says; ``must``: nobody else can say it, so it is not passed over while it is away."""
        source = self.chain.source(place)
        if source is None:
            return None
        try:
            if place not in self.answers:
                return await self.chain.ask(source, self.name, self.row)
            answer = self.answers[place]
            if isinstance(answer, BaseException):
                raise answer
        except SourceError:
            if must or not source.options.insecure_skip_while_away:
                raise
            return None
        return answer


def _both(row: User, theirs: User) -> User:
    """A user whom the store has adopted: let in where both let it in, by the password that the source has.

    Where that is another than when it was last seen, what was issued before is refused: its generation is none that
    the store ever gave.
    """
    if theirs.origin is None:
        return row
    return replace(
        row,
        enabled=row.enabled and theirs.enabled,
        hash=theirs.hash,
        generation=row.generation if _same(row, theirs) else theirs.origin.version,
        not_before=max((each for each in (row.not_before, theirs.not_before) if each is not None), default=None),
        expires_at=min((each for each in (row.expires_at, theirs.expires_at) if each is not None), default=None),
        groups=theirs.groups,
        origin=replace(theirs.origin, linked=True),
    )


def _same(row: User, theirs: User | None) -> bool:
    """Whether a source has the same password of a user as when the store last heard of it."""
    if row.origin is None or theirs is None or theirs.origin is None:
        return False
    return row.origin.version == theirs.origin.version
