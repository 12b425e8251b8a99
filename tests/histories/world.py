"""One history: clients of two nodes and two authgates, hooks that go astray, and what must be true of it all."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from authgate.model import MediaKey, SessionKey
from authgate.store import Store
from tests.histories.authgates import PUBLISHERS_PER_NAME, SESSIONS_PER_APP, SESSIONS_PER_TOKEN, Authgates
from tests.standin.crowd import Crowd, session_id
from tests.standin.faults import FaultyHooks, Plan
from tests.standin.state import Node, Session

USERS: Mapping[str, int | None] = {"ann": 1, "bob": 2, "eve": None}  # with the most sessions that each may have
PORTS = 3  # that clients of a node come from, so that they are soon used again
NAMES = ("cam", "door")
STEPS = (1, 5, 600)  # seconds that may pass
MARGIN = 60  # seconds that a comparison leaves alone what may still be on its way, and more
ROUNDS = 2  # of upkeep: to find out and end what may not go on, and to see that it has ended
OTHER = "other"
LATEST = 50  # seconds that a hook may be astray: a media server waits for 15, and tries three times more


def users_of(name: str) -> dict[str, int | None]:
    """The users of the history of this name."""
    return {f"{name}-{user}": most for user, most in USERS.items()}


class World:
    """A history as it goes. What it does is left to its plan where it is not said."""

    def __init__(self, name: str, run: str, authgates: Authgates, plan: Plan, *, reuse: bool) -> None:
        """``reuse``: session ids come again, as those of older media servers do."""
        self._limits = users_of(name)
        self._apps = (f"{name}-one", f"{name}-two")
        self._tokens = {user: authgates.token(user) for user in self._limits}
        self._plan = plan
        self._ports = itertools.count()
        self._late_ports = itertools.count(60_000)
        self._reuse = reuse
        self._strict = not (reuse or authgates.ends_oldest)
        self._users: dict[Session, str] = {}
        self.clock = authgates.clock
        self.store: Store = authgates.store
        self.hooks = FaultyHooks(authgates.backends, plan)
        self.crowd = Crowd(self.hooks, [f"{run}-a", f"{run}-b"], self._apps)
        self._upkeep = authgates.upkeep
        self.nodes = authgates.upkeep.nodes.add(self.crowd.apis)
        self.wrong: list[str] = []  # what was not as it must be
        self.moments = 0  # in which there were too many of something, where that may be for a while

    async def connect(self, user: int, node: int, port: int, *, at_once: bool = False) -> None:
        """A client comes; one that was on from the same port is gone."""
        name = list(self._limits)[user % len(self._limits)]
        where = self.crowd.nodes[node % len(self.crowd.nodes)]
        app_key = self._apps[self._plan.pick(len(self._apps))]
        port = port % PORTS if self._reuse else next(self._ports)
        await self._connect(name, where, 50_000 + port, app_key, at_once=at_once)
        self._look_at_limits()

    async def stampede(self, user: int, count: int) -> None:
        """So many clients of one user come at the same time, from everywhere."""
        places = [(node, port) for port in range(PORTS) for node in range(len(self.crowd.nodes))]
        await asyncio.gather(*(self.connect(user, node, port) for node, port in places[:count]))

    async def leave(self, which: int) -> None:
        """A client goes."""
        if self.crowd.sessions:
            await self.crowd.leave(self.crowd.sessions[which % len(self.crowd.sessions)])

    async def publish(self, which: int, name: int) -> None:
        if self.crowd.sessions:
            session = self.crowd.sessions[which % len(self.crowd.sessions)]
            await self.crowd.publish(session, NAMES[name % len(NAMES)])
            self._look_at_limits()

    async def play(self, which: int, name: int) -> None:
        if self.crowd.sessions:
            await self.crowd.play(self.crowd.sessions[which % len(self.crowd.sessions)], NAMES[name % len(NAMES)])

    async def stop(self, which: int) -> None:
        if self.crowd.streams:
            await self.crowd.stop(self.crowd.streams[which % len(self.crowd.streams)])

    async def keep_alive(self, node: int) -> None:
        await self.crowd.keep_alive(self.crowd.nodes[node % len(self.crowd.nodes)])

    async def restart(self, node: int) -> None:
        """A node starts anew."""
        self.crowd.restart(self.crowd.nodes[node % len(self.crowd.nodes)])

    async def arrive(self, count: int) -> None:
        """Some of the hooks that are astray arrive."""
        for _ in range(count):
            await self.hooks.arrive()

    async def wait(self, step: int) -> None:
        """Time passes; what is astray longer than a media server waits and tries has arrived by then, or is lost."""
        seconds = STEPS[step % len(STEPS)]
        if seconds > LATEST:
            await self.no_more_astray(arriving=bool(self._plan.pick(2)))
        self.clock.let_pass(seconds)

    async def compare(self, which: int) -> None:
        """authgate compares with a node, or finds it away, and ends what may not go on."""
        node = self.nodes[which % len(self.nodes)]
        node.away = not self._plan.pick(4)
        await self._upkeep.compare([node])
        node.away = False
        await self._upkeep.end()
        await self.crowd.settled()

    async def no_more_astray(self, *, arriving: bool) -> None:
        """What is astray arrives, or is lost for good."""
        while arriving and self.hooks.astray:
            await self.hooks.arrive()
        self.hooks.astray.clear()
        await self.crowd.settled()

    async def check(self) -> None:
        """See that the store tells the truth, now that it was put right."""
        self.wrong += [*self._too_many(), *await self.differences()]
        await self.check_room()
        if any(api.wiped for api in self.crowd.apis):
            self.wrong.append("everything was ended by an empty filter")

    async def check_room(self) -> None:
        """See that whoever may come in can, and publish what nobody does: no lost hook keeps a place taken."""
        self.hooks.calm = True
        for user in self._limits:
            room = {what: most - count for what, (count, most) in self._held()}
            app_key = max(self._apps, key=room.__getitem__)
            if room[user] < 1 or room[app_key] < 1:
                continue
            came = await self._connect(user, self.crowd.nodes[0], next(self._late_ports), app_key)
            if came is None:
                self.wrong.append(f"wedged: {user} may have {room[user]} sessions more, and is not let in")
                continue
            for name, known_as in (("cam", "cam"), ("door", "hall")):
                if room.get(f"{app_key} {known_as}", 1) > 0 and came.node.publisher(known_as) is None:
                    await self.crowd.publish(came, name)
                    if not any(each.name == known_as for each in came.streams.values()):
                        self.wrong.append(f"wedged: nobody publishes {known_as} in {app_key}, and {user} may not")
            await self.crowd.leave(came)

    async def check_identities(self) -> None:
        """See that nobody stands on another's session, also where nothing was put right yet."""
        self.wrong += [each for each in await self._of_sessions() if each.startswith(OTHER)]

    async def check_sessions(self) -> None:
        """See that the store tells the truth of sessions, where nothing has gone astray."""
        self.wrong += await self._of_sessions()

    async def differences(self) -> list[str]:
        """What the store says of these nodes that is not so, or does not say that is."""
        return await self._of_sessions() + await self._of_streams()

    async def _of_sessions(self) -> list[str]:
        truth: dict[Any, Any] = {
            SessionKey(each.node.node_id, each.id): (self._users[each], each.app_key) for each in self.crowd.sessions
        }
        told: dict[Any, Any] = {}
        for node in self.crowd.nodes:
            for each in await self.store.sessions.list(node=node.node_id, limit=1000):
                told[each.key] = (each.client.user if each.client else "", each.app_key)
        return _differences("session", truth, told)

    async def _of_streams(self) -> list[str]:
        truth: dict[Any, Any] = {
            MediaKey(each.session.node.node_id, each.session.id, each.id): (each.name, each.published)
            for each in self.crowd.streams
        }
        told: dict[Any, Any] = {}
        for node in self.crowd.nodes:
            for each in await self.store.streams.list(node=node.node_id, limit=1000):
                told[each.key] = (each.name, each.published)
        return _differences("stream", truth, told)

    def _look_at_limits(self) -> None:
        """Nobody may ever have too many, but where the oldest are ended for it, or session ids are used again.

        What tells that a connection is over names its id and nothing else: one that comes twice or late may be taken
        for the next one's, which is put right as soon as the media server is asked.
        """
        if self._strict:
            self.wrong += self._too_many()
        else:
            self.moments += bool(self._too_many())

    def _too_many(self) -> list[str]:
        return [
            f"limit: {what} has {count} and may have {most}" for what, (count, most) in self._held() if count > most
        ]

    def _held(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """All that is limited: how many there are, and how many there may be."""
        on = [session for session in self.crowd.sessions if session in self._users]
        users = Counter(self._users[session] for session in on)
        apps = Counter(session.app_key for session in on)
        for user, most in self._limits.items():
            yield user, (users[user], SESSIONS_PER_TOKEN if most is None else most)
        for app_key in self._apps:
            yield app_key, (apps[app_key], SESSIONS_PER_APP)
        published = Counter((each.session.app_key, each.name) for each in self.crowd.streams if each.published)
        for stream, count in published.items():
            yield " ".join(stream), (count, PUBLISHERS_PER_NAME)

    async def _connect(
        self, user: str, node: Node, port: int, app_key: str, *, at_once: bool = False
    ) -> Session | None:
        # Nothing in a connect says when it was sent: one that comes once its port is another's can be told from none.
        self.hooks.lose(session_id(node, port), "connect")
        offered = {"custom": {"token": self._tokens[user], "who": user}}
        came = await self.crowd.connect(node, port, app_key, offered, at_once=at_once)
        if came is not None:
            self._users[came] = user
        return came


async def put_right(authgates: Authgates, worlds: Sequence[World]) -> None:
    """authgate has the time to find out what is so; nothing happens in these histories but what it does itself."""
    for _ in range(ROUNDS):
        authgates.clock.catch_up(MARGIN)
        for world in worlds:
            await authgates.upkeep.compare(world.nodes)
        await authgates.upkeep.end()
        for world in worlds:
            await world.crowd.settled()


def _differences(what: str, truth: dict[Any, Any], told: dict[Any, Any]) -> list[str]:
    ghosts = [f"ghost: {what} {key} of {told[key]}" for key in sorted(told.keys() - truth.keys())]
    missing = [f"missing: {what} {key} of {truth[key]}" for key in sorted(truth.keys() - told.keys())]
    other = [
        f"{OTHER}: {what} {key} is {truth[key]}, told is {told[key]}"
        for key in sorted(truth.keys() & told.keys())
        if truth[key] != told[key]
    ]
    return ghosts + missing + other
