"""Who is known, from wherever: the users, what they may do, and whether their sessions go on."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from authgate.model import Authority, Issued, Limit, MediaKey, Session, SessionKey, User
from authgate.ports import Authorities
from authgate.sources.chain import Chain
from authgate.sources.options import SourceOptions, UsersOptions, in_order
from authgate.sources.source import Source
from authgate.store import Store

_SKEW = 5.0  # seconds by which the clocks of two machines may differ


class Directory:
    """The store together with the sources of a configuration. It connects to them when they are first asked."""

    def __init__(
        self,
        store: Store,
        users: UsersOptions,
        sources: Sequence[SourceOptions],
        tally: Counter[str] | None = None,
    ) -> None:
        """Build it. Looks at sources are counted in ``tally``.

        Raises:
            ConfigError: a file that the address of a source names cannot be used.
        """
        self.sources = {each.name: Source(each, f"user_sources[{at}]", tally=tally) for at, each in enumerate(sources)}
        self.users = Chain(store, self.sources, in_order(users, sources))
        self.authorities: Authorities = _Authorities(self.users, store) if sources else store.authorities
        lasts = max((each.recheck for each in sources), default=0)
        self.sessions = LiveSessions(self.users, store, lasts)

    def states(self) -> list[dict[str, str]]:
        """How it stands with each source, for everybody to see."""
        return [{"name": name, "state": "away" if each.away else "asked"} for name, each in self.sources.items()]

    async def close(self) -> None:
        """Let go of every connection to a source."""
        for each in self.sources.values():
            await each.close()


class _Authorities:
    """What users of the store and of sources may do: obeys ``ports.Authorities``."""

    def __init__(self, users: Chain, store: Store) -> None:
        self._users = users
        self._store = store

    async def of(self, user: str) -> Authority:
        """See ``ports.Authorities``."""
        return await self._users.authority(self._store.authorities, user)


class LiveSessions:
    """The live sessions, with what sources say of their users: obeys ``ports.Sessions``."""

    def __init__(self, users: Chain, store: Store, lasts: float) -> None:
        """``lasts``: seconds that a look at a user may lie back."""
        self._users = users
        self._store = store
        self._lasts = lasts

    async def find(self, key: SessionKey) -> Session | None:
        """See ``ports.Sessions``."""
        session = await self._store.sessions.find(key)
        return None if session is None else await self.as_of_now(session)

    async def as_of_now(self, session: Session) -> Session:
        """A session of the store, with what is said of its user now, wherever that one is from.

        Raises:
            StoreError: the store or the source is away or too slow.
        """
        client = session.client
        if client is None or not client.stored_user:
            return session
        outside = client.generation is not None and client.generation < 0
        if not (outside or session.user_source):
            return session
        user = await self._users.find(client.user)
        young = time.time() - session.opened_at / 1000 < self._lasts + _SKEW
        if young and _ends(user, client.generation):  # it may have been opened after we last looked
            user = await self._users.find(client.user, fresh=True)
        if user is None:
            return replace(session, user_enabled=False, user_generation=None)
        revoked = outside and client.issued is None and await self._revoked(client.user, session)
        return replace(
            session,
            user_enabled=user.enabled,
            user_generation=None if revoked else user.generation,
            user_not_before=user.not_before,
            user_expires_at=user.expires_at,
        )

    async def held(self, limit: Limit, but: SessionKey | MediaKey) -> int:
        """See ``ports.Sessions``."""
        return await self._store.sessions.held(limit, but)

    async def _revoked(self, user: str, session: Session) -> bool:
        """Whether the sessions of a user who has no row in the store were cut off since."""
        return await self._store.revocations.revoked(Issued(user, issued_at=session.opened_at / 1000))


def _ends(user: User | None, generation: int | None) -> bool:
    return user is None or user.refusal(time.time()) is not None or user.generation != generation
