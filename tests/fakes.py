"""Small stand-ins that obey authgate.ports."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace

from authgate.errors import KeysError, StoreError, TargetError
from authgate.model import NO_AUTHORITY, Begin, Open, Principal, Reason, User
from authgate.ports import Answered


class FakeUsers:
    def __init__(self, *users):
        self.users = {user.name: user for user in users}
        self.away = False

    async def find(self, name, login=None):
        if self.away:
            raise StoreError("the store is away")
        return self.users.get(name)

    async def proven(self, user):
        return user

    async def create(self, name):
        return self.users.setdefault(name, User(name, name))

    async def renew(self, name, old_hash, new_hash):
        user = self.users.get(name)
        if user is None or user.hash != old_hash:
            return False
        self.users[name] = replace(user, hash=new_hash)
        return True


class FakeKeys:
    """``own`` and ``sets`` hold what is there; ``away`` is an issuer that cannot be reached."""

    def __init__(self):
        self.own, self.sets, self.away = {}, {}, False
        self.found = []

    async def find(self, source, key_id, algorithm):
        self.found.append((source.issuer, key_id))
        if self.away:
            raise KeysError("the issuer is away")
        return self.known(source, key_id, algorithm)

    def known(self, source, key_id, algorithm):
        return [key for key in self.sets.get(source, ()) if key_id in (None, key.id) and key.algorithm == algorithm]

    async def find_own(self, key_id, algorithm):
        return self.known_own(key_id, algorithm)

    def known_own(self, key_id, algorithm):
        key = self.own.get(key_id)
        return key if key is not None and key.algorithm == algorithm else None


class FakeRevocations:
    """``cut`` holds what was revoked: ids of tokens, users, issuers and keys."""

    def __init__(self, *cut):
        self.cut = set(cut)
        self.away = False

    async def revoked(self, issued):
        if self.away:
            raise StoreError("the store is away")
        return not self.cut.isdisjoint({issued.token_id, issued.user, issued.issuer, issued.key_id} - {None})


class FakeOneTime:
    def __init__(self):
        self.holders = {}

    async def reserve(self, token, where, expires_at, now, *, dry=False):
        if dry:
            return self.holders.get(token, where.holder) == where.holder
        return self.holders.setdefault(token, where.holder) == where.holder


class FakeStreamKeys:
    def __init__(self, *keys):
        self.keys = {key.prefix: key for key in keys}

    async def find(self, prefix):
        return self.keys.get(prefix)


class FakeHasher:
    """A hash is the password with ``hash:`` before it."""

    def __init__(self):
        self.verified = 0

    async def verify(self, password, stored, turn=None):
        self.verified += 1
        return stored == f"hash:{password}"

    def room(self, password, stored, turn=None):
        return nullcontext()

    def remembers(self, password, stored, turn=None):
        return False

    async def renewed(self, password, stored):
        return None


class FakeAttempt:
    waited = 0.0

    def __init__(self, told, refused):
        self.told, self.refused = told, refused

    async def wrong(self):
        self.told.append("wrong")

    def right(self):
        self.told.append("right")

    def over(self):
        self.told.append("over")


class FakeGuessing:
    """``refused`` holds users who may not try a password, ``bans`` users and addresses; ``away``: nobody knows."""

    def __init__(self, *refused):
        self.refused, self.bans, self.away = set(refused), set(), False
        self.at_home = set()
        self.guesses, self.told, self.evened, self.noted = [], [], [], []

    async def settled(self, guess):
        return guess.user in self.at_home

    async def begin(self, guess, *, dry=False):
        self.guesses.append(guess)
        return FakeAttempt(self.told, guess.user in self.refused)

    def note(self, began, stored):
        self.noted.append(stored)

    async def even(self, began, stored):
        self.evened.append(stored)

    async def any_banned(self):
        if self.away:
            raise StoreError("nobody knows who is banned")
        return bool(self.bans)

    async def banned(self, user, address):
        if self.away:
            raise StoreError("nobody knows who is banned")
        return not self.bans.isdisjoint({user, address} - {""})


class FakeSessions:
    def __init__(self):
        self.live = {}
        self.published = 0  # publishers of any name

    async def find(self, key):
        return self.live.get(key)

    async def held(self, limit, but):
        if limit.per == "name":
            return self.published
        others = [each for key, each in self.live.items() if key != but and limit.app_key in (None, each.app_key)]
        of = {"user": lambda each: each.client and each.client.user, "app": lambda each: each.app_key}
        return sum(of[limit.per](each) == limit.value for each in others)


class FakeAuthorities:
    """By user; ``away`` is a store that does not answer."""

    def __init__(self, **users):
        self.users = users
        self.away = False

    async def of(self, user):
        if self.away:
            raise StoreError("the store is away")
        return self.users.get(user, NO_AUTHORITY)


class FakeAliases:
    def __init__(self, **tables):
        self.tables = tables

    async def find(self, table, name):
        return self.tables.get(table, {}).get(name)


class FakeTargets:
    """Each target answers ``answers[name]``: fields to allow with, or None to refuse; without an entry it is away."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked, self.observed = [], []

    async def ask(self, target, hook):
        self.asked.append((target, hook.method.name))
        if target not in self.answers:
            raise TargetError(f"target {target} is away")
        answer = self.answers[target]
        if isinstance(answer, Answered):
            return answer
        return Answered(answer is not None, answer or {})

    def observe(self, hook, record):
        self.observed.append((hook.method.name, record.allowed))


class FakeLedger:
    """Applies what is written to the sessions; ``trouble`` is raised, ``hang`` waits for ever, ``full`` opens none."""

    def __init__(self, sessions):
        self.sessions = sessions
        self.over = {}  # when each session was told to be over
        self.written, self.deferred = [], []
        self.trouble = None
        self.hang = False
        self.full = False

    async def write(self, entry):
        if self.hang:
            await asyncio.Event().wait()
        if self.trouble:
            raise self.trouble
        self.written.append(entry)
        if isinstance(entry.change, Open) and self.full:
            self.sessions.live.pop(entry.change.session.key, None)
            return Reason.SESSIONS_EXCEEDED
        if isinstance(entry.change, Open):
            if self.over.get(entry.change.session.key, -1) > entry.change.session.opened_at:
                return Reason.SESSION_UNKNOWN
            self.sessions.live[entry.change.session.key] = entry.change.session
        elif entry.change is not None and not isinstance(entry.change, Begin):
            self.sessions.live.pop(entry.change.key, None)
            self.over[entry.change.key] = entry.change.at
        return None

    def defer(self, entry):
        self.deferred.append(entry)
        return True


class FakeVerifier:
    """Knows tokens by their text: ``ann`` is Ann, ``raise`` an error, ``other`` somebody else's."""

    name = "token"

    def __init__(self):
        self.turns = []

    async def verify(self, offered, means):
        self.turns.append(means.turn)
        if offered.token is None or offered.token.reveal() == "other":
            return None
        if offered.token.reveal() == "raise":
            raise ZeroDivisionError("a mistake of ours")
        if offered.token.reveal() == "hang":
            await asyncio.Event().wait()
        return Principal("ann", self.name) if offered.token.reveal() == "ann" else Reason.TOKEN_INVALID

    def claimed(self, offered, means, why):
        return "forger"


class FakeVerdicts:
    def __init__(self):
        self.told = []

    def verdict(self, record, milliseconds):
        self.told.append(record)
