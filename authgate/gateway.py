"""The journey of one hook, top to bottom."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from authgate.errors import BadHook, Trouble
from authgate.hooks import reply
from authgate.hooks.methods import method
from authgate.hooks.parse import parse
from authgate.hooks.subject import MAX_STATUS, subject
from authgate.model import (
    Close,
    Credentials,
    Decision,
    Delivery,
    Entry,
    Hook,
    Kind,
    Method,
    Principal,
    Reason,
    Record,
    Reply,
)
from authgate.ports import Hasher, Ledger, Means, Sessions, Users, VerdictLog, Verifier
from authgate.rules import Rules
from authgate.sessions import Connecting, SessionOptions, change, client_of
from authgate.verifiers.credentials import CredentialPaths

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AppWire:
    """What the wire of one application needs."""

    credentials: CredentialPaths
    rest_client_config: bytes  # the value that a connect is answered with


@dataclass(slots=True)
class Gateway:
    """Answers hooks: who is it, may it, write it down, say so."""

    rules: Rules
    verifiers: Sequence[Verifier]
    apps: Mapping[str, AppWire]
    any_app: AppWire  # for an application that the configuration does not name
    session_options: SessionOptions
    users: Users
    hasher: Hasher
    sessions: Sessions
    ledger: Ledger
    verdicts: VerdictLog
    new_id: Callable[[], str]
    clock: Callable[[], float] = time.time
    tally: Counter[str] = field(default_factory=Counter)
    _connecting: Connecting = field(default_factory=Connecting)

    async def answer(self, delivery: Delivery, until: float) -> Reply:
        """The answer to a delivery of a trusted caller, not later than the loop's time ``until``."""
        started = time.perf_counter()
        try:
            hook = parse(delivery)
        except BadHook as fault:
            return self._malformed(delivery.method, fault)
        if not hook.method.known:
            self.tally["hooks_of_unknown_method"] += 1
        if hook.method.kind is Kind.CONNECT:
            with self._connecting.judging(hook.key):
                record = await self._judged(hook, until)
        else:
            record = await self._judged(hook, until)
        self.tally["verdicts_allowed" if record.allowed else "verdicts_rejected"] += 1
        self.verdicts.verdict(record, (time.perf_counter() - started) * 1000)
        return self._reply(hook, record)

    async def _judged(self, hook: Hook, until: float) -> Record:
        """The verdict on a hook, written down: in the store, or where it waits for the store."""
        at = int(self.clock() * 1000)
        entry = None
        try:
            async with asyncio.timeout_at(until):
                entry = self._entry(hook, at, await self._decide(hook, at / 1000))
                await self.ledger.write(entry)
        except (Trouble, TimeoutError) as trouble:
            entry = self._degraded(hook, at, entry, getattr(trouble, "reason", Reason.DEADLINE))
        except Exception:
            log.exception("could not judge a hook %s", hook.method.name)
            entry = self._degraded(hook, at, entry, Reason.INTERNAL)
        return entry.record

    async def _decide(self, hook: Hook, now: float) -> "_Decided":
        if hook.method.kind is Kind.CONNECT:
            return await self._connect(hook, now)
        ruling = self.rules.ruling(hook.app_key, hook.method)
        if not ruling.policy.asks_client:
            return _Decided(Decision(ruling.policy.judge(hook, Reason.CREDENTIALS_MISSING), ruling.rule))
        sender = await self._sender(hook, now)
        return _Decided(Decision(ruling.policy.judge(hook, sender.client), ruling.rule), sender)

    async def _connect(self, hook: Hook, now: float) -> "_Decided":
        rule, how = self.rules.connect(hook.app_key)
        if how == "deny":
            return _Decided(Decision(Reason.POLICY_DENIED, rule))
        offered = self._wire(hook).credentials.find(hook.fields)
        if not offered.offered:
            # Only where nothing at all was offered: a bad credential never becomes no credential.
            reason = Reason.OK if how == "allow_anonymous" else Reason.CREDENTIALS_MISSING
            return _Decided(Decision(reason, rule))
        sender = await self._verify(offered, now)
        reason = Reason.OK if isinstance(sender.client, Principal) else sender.client
        return _Decided(Decision(reason, sender.rule or rule), sender)

    async def _sender(self, hook: Hook, now: float) -> "_Sender":
        """Who sends a hook after the connect: by its own credentials where it brings any, else by its session."""
        offered = self._wire(hook).credentials.find(hook.fields)
        if offered.offered:
            return await self._verify(offered, now)
        if hook.method.sessionless:
            return _Sender(Reason.CREDENTIALS_MISSING)
        session = await self.sessions.find(hook.key) if hook.key.session else None
        known = session.client if session else None
        return _Sender(client_of(session, now, self.session_options), known.user if known else None)

    async def _verify(self, offered: Credentials, now: float) -> "_Sender":
        if offered.malformed:
            return _Sender(Reason.CREDENTIALS_MALFORMED)
        means = Means(self.users, self.hasher, now)
        for verifier in self.verifiers:
            outcome = await verifier.verify(offered, means)
            if isinstance(outcome, Principal):
                return _Sender(outcome, outcome.user, f"verifiers.{verifier.name}")
            if outcome is not None:
                return _Sender(outcome, verifier.claimed(offered, now), f"verifiers.{verifier.name}")
        return _Sender(Reason.CREDENTIALS_UNRECOGNIZED)

    def _degraded(self, hook: Hook, at: int, entry: Entry | None, reason: Reason) -> Entry:
        """What is answered, on purpose, though something failed; its record is kept until the store is back.

        ``entry`` is what had been decided by then, if anything: it may be committed already or still.
        """
        if not self._may_refuse(hook):
            rule = self.rules.ruling(hook.app_key, hook.method).rule
            entry = entry or self._entry(hook, at, _Decided(Decision(Reason.OK, rule)))
        elif entry is None or entry.record.allowed:
            # A record of its own says what was answered, and a session that is opened too late is closed by it.
            entry = self._entry(hook, at, _Decided(Decision(reason, entry.record.rule if entry else "")))
        self.tally[f"verdicts_degraded_{reason}"] += 1
        self.tally["records_deferred" if self.ledger.defer(entry) else "records_lost"] += 1
        return entry

    def _may_refuse(self, hook: Hook) -> bool:
        """Whether the configuration could refuse this hook, and so whether no answer may stand for a yes."""
        if hook.method.kind is Kind.CONNECT:
            return True
        return hook.method.refusable and self.rules.ruling(hook.app_key, hook.method).policy.refuses

    def _entry(self, hook: Hook, at: int, decided: "_Decided") -> Entry:
        decision, sender = decided.decision, decided.sender
        record = Record(
            id=self.new_id(),
            at=at,
            key=hook.key,
            app_key=hook.app_key,
            method=hook.method.name,
            user=sender.user if sender else None,
            allowed=decision.allowed,
            reason=decision.reason,
            rule=decision.rule,
            status=hook.text("status")[:MAX_STATUS],
            subject=subject(hook),
        )
        client = sender.client if sender and isinstance(sender.client, Principal) else None
        changed = change(hook, decision, client, at)
        if isinstance(changed, Close):
            self._connecting.closed(changed)
        elif changed is not None and self._connecting.is_gone(changed):
            changed = None
        return Entry(record, changed)

    def _reply(self, hook: Hook, record: Record) -> Reply:
        if record.allowed:
            if hook.method.kind is Kind.CONNECT:
                return reply.let_in(hook, self._wire(hook).rest_client_config)
            return reply.unchanged(hook)
        if record.reason in _TROUBLE:
            return reply.in_place_of_a_verdict(hook.method, reply.UNAVAILABLE)
        return reply.REFUSED

    def unjudged(self, of: Method, trouble: Reply) -> Reply:
        """The answer to a hook that cannot be read: of an event that no policy refuses, we have seen it."""
        if of.kind is Kind.EVENT and not self.rules.ever_refuses(of):
            return reply.SEEN
        return reply.in_place_of_a_verdict(of, trouble)

    def _malformed(self, name: str, fault: BadHook) -> Reply:
        of = method(name)
        self.tally["hooks_malformed"] += 1
        log.warning("malformed hook %s: %s", of.name, fault)
        return self.unjudged(of, reply.MALFORMED)

    def _wire(self, hook: Hook) -> AppWire:
        return self.apps.get(hook.app_key, self.any_app)


@dataclass(frozen=True, slots=True)
class _Sender:
    client: Principal | Reason
    user: str | None = None  # of a rejected client: who it said to be, or was
    rule: str = ""  # the verifier that said so


@dataclass(frozen=True, slots=True)
class _Decided:
    decision: Decision
    sender: _Sender | None = None


_TROUBLE = {Reason.STORE_UNAVAILABLE, Reason.OVERLOADED, Reason.DEADLINE}
