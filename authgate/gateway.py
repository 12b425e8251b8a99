"""The journey of one hook, top to bottom."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from authgate.deadline import Deadline
from authgate.errors import BadHook, Trouble
from authgate.hooks import reply
from authgate.hooks.methods import method
from authgate.hooks.news import news
from authgate.hooks.parse import parse
from authgate.hooks.subject import MAX_STATUS, subject
from authgate.judge import Judge, Judged, facts
from authgate.limits import NO_LIMITS, PUBLISH, Limits
from authgate.model import (
    Begin,
    CallNews,
    Case,
    Close,
    Decision,
    Delivery,
    Entry,
    Hook,
    Kind,
    Limit,
    Method,
    Open,
    Reason,
    Record,
    Reply,
    StreamNews,
)
from authgate.ports import Ledger, NoPost, Post, Targets, VerdictLog
from authgate.sessions import as_answered, change

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AppWire:
    """What the clients of one application are let in with."""

    rest_client_config: bytes  # the value that a connect is answered with
    digest: str  # of it, by which a session remembers what it was opened with


@dataclass(frozen=True, slots=True)
class InForce:
    """What hooks are answered by: all that one configuration comes to."""

    judge: Judge
    apps: Mapping[str, AppWire]
    any_app: AppWire  # for an application that the configuration does not name
    limits: Limits = NO_LIMITS

    def wire(self, app_key: str) -> AppWire:
        """What an application's clients are let in with."""
        return self.apps.get(app_key, self.any_app)

    def may_refuse(self, hook: Hook) -> bool:
        """Whether the configuration could refuse this hook, and so whether no answer may stand for a yes."""
        return hook.method.kind is Kind.CONNECT or self.judge.setup.rules.refuses(hook.app_key, hook.method)

    def unjudged(self, of: Method, trouble: Reply) -> Reply:
        """The answer to a hook that cannot be read: of an event that no policy refuses, we have seen it."""
        if of.kind is Kind.EVENT and not self.judge.setup.rules.ever_refuses(of):
            return reply.SEEN
        return reply.in_place_of_a_verdict(of, trouble)


@dataclass(slots=True)
class Gateway:
    """Answers hooks: who is it, may it, write it down, say so."""

    in_force: InForce  # replaced as a whole; a hook is answered by what was in force when it came
    ledger: Ledger
    targets: Targets
    verdicts: VerdictLog
    new_id: Callable[[], str]
    clock: Callable[[], float] = time.time
    tally: Counter[str] = field(default_factory=Counter)
    post: Post = field(default_factory=NoPost)

    async def answer(self, delivery: Delivery, until: float) -> Reply:
        """The answer to a delivery of a trusted caller, not later than the loop's time ``until``."""
        started = time.perf_counter()
        in_force = self.in_force
        try:
            hook = parse(delivery)
        except BadHook as fault:
            return self._malformed(delivery.method, fault)
        if not hook.method.known:
            self.tally["hooks_of_unknown_method"] += 1
        record, decision = await self._judged(hook, until, in_force)
        self.tally["verdicts_allowed" if record.allowed else "verdicts_rejected"] += 1
        self.verdicts.verdict(record, (time.perf_counter() - started) * 1000)
        if record.rule != OWN:
            self.targets.observe(hook, record)
        return reply_to(hook, decision, in_force)

    async def _judged(self, hook: Hook, until: float, in_force: InForce) -> tuple[Record, Decision]:
        """The verdict on a hook, written down: in the store, or where it waits for the store."""
        at = int(self.clock() * 1000)
        judged = entry = None
        try:
            with Deadline(until):
                judged = await self._judge(hook, at, until, in_force)
                entry = self._entry(hook, at, judged, in_force)
                reason = await self.ledger.write(entry)
                if reason is not None:
                    entry = replace(entry, record=as_answered(entry.record, reason))
                    judged = replace(judged, decision=Decision(reason, judged.decision.rule))
                if entry.signal is not None or isinstance(entry.change, Close):
                    self.post.wake(left=entry.signal is None)
        except (Trouble, TimeoutError) as trouble:
            reason = getattr(trouble, "reason", Reason.DEADLINE)
            entry, judged = self._degraded(hook, at, (entry, judged), reason, in_force)
        except Exception:
            log.exception("could not judge a hook %s", hook.method.name)
            entry, judged = self._degraded(hook, at, (entry, judged), Reason.INTERNAL, in_force)
        return entry.record, judged.decision

    async def _judge(self, hook: Hook, at: int, until: float, in_force: InForce) -> Judged:
        """The verdict; what tells us of our own deliveries is no client's, and asks for nothing."""
        if self.post.own(hook):
            self.tally["signals_own"] += 1
            return Judged(Decision(Reason.OK, OWN), Case(hook, at / 1000))
        return await in_force.judge.judge(hook, at / 1000, until=until)

    def _degraded(
        self, hook: Hook, at: int, before: tuple[Entry | None, Judged | None], reason: Reason, in_force: InForce
    ) -> tuple[Entry, Judged]:
        """What is answered, on purpose, though something failed; its record is kept until the store is back.

        ``before`` is what had been decided by then, if anything: it may be committed already or still.
        """
        entry, judged = before
        rule = entry.record.rule if entry else ""
        ours = judged is not None and judged.decision.rule == OWN  # refused, what we deliver would not arrive
        if ours or not in_force.may_refuse(hook):
            rule = rule or in_force.judge.setup.rules.default(hook.app_key, hook.method).name
            judged = judged or Judged(Decision(Reason.OK, rule), Case(hook, at / 1000))
            entry = entry or self._entry(hook, at, judged, in_force)
        elif entry is None or judged is None or entry.record.allowed:
            # A record of its own says what was answered, and a session that is opened too late is closed by it.
            judged = Judged(Decision(reason, rule), Case(hook, at / 1000))
            entry = self._entry(hook, at, judged, in_force)
        self.tally[f"verdicts_degraded_{reason}"] += 1
        self.tally["records_deferred" if self.ledger.defer(entry) else "records_lost"] += 1
        return entry, judged

    def _entry(self, hook: Hook, at: int, judged: Judged, in_force: InForce) -> Entry:
        decision = judged.decision
        record = Record(
            id=self.new_id(),
            at=at,
            key=hook.key,
            app_key=hook.app_key,
            method=hook.method.name,
            user=judged.user,
            allowed=decision.allowed,
            reason=decision.reason,
            rule=decision.rule,
            status=hook.text("status")[:MAX_STATUS],
            subject=subject(hook),
            facts=facts.dump(judged) if hook.method.refusable else "",
        )
        digest = in_force.wire(hook.app_key).digest if hook.method.kind is Kind.CONNECT else ""
        changed = change(hook, decision, judged.client, at, digest)
        told, signal = news(hook, decision, at), judged.signal if decision.allowed else None
        return Entry(record, changed, told, signal, _limits(hook, changed, told, in_force.limits))

    def _malformed(self, name: str, fault: BadHook) -> Reply:
        of = method(name)
        self.tally["hooks_malformed"] += 1
        log.warning("malformed hook %s: %s", of.name, fault)
        return self.in_force.unjudged(of, reply.MALFORMED)


def _limits(
    hook: Hook,
    changed: Open | Close | Begin | None,
    told: StreamNews | CallNews | None,
    limits: Limits,
) -> tuple[Limit, ...]:
    """What a hook is held to that adds to what there is."""
    if isinstance(changed, Open):
        return limits.of_session(changed.session)
    if hook.method.name == PUBLISH and isinstance(told, StreamNews):
        return limits.of_publisher(told.app_key, told.name)
    return ()


def reply_to(hook: Hook, decision: Decision, in_force: InForce) -> Reply:
    """The answer that a decision comes to."""
    if decision.allowed:
        if hook.method.kind is Kind.CONNECT:
            return reply.let_in(hook, in_force.wire(hook.app_key).rest_client_config, decision.changes)
        return reply.changed(hook, decision.changes) if decision.changes else reply.unchanged(hook)
    if decision.reason in _TROUBLE:
        return reply.in_place_of_a_verdict(hook.method, reply.UNAVAILABLE)
    text = decision.text or _TOLD.get(decision.reason, "")
    return reply.refused(text) if text else reply.REFUSED


OWN = "signals.own"  # how records name what tells of our own deliveries

# What a client is told of data that it sent: what it did wrong, and nothing of others.
_TOLD = {
    Reason.SIGNAL_MALFORMED: "Malformed message",
    Reason.SIGNAL_TOO_LARGE: "Message too large",
    Reason.SIGNAL_TOO_FAST: "Too many messages",
    Reason.SIGNAL_NOT_IN_ROOM: "Not in this room",
    Reason.SIGNAL_ROOMS_EXCEEDED: "Too many rooms",
    Reason.SIGNAL_TOO_MANY_ADDRESSEES: "Too many addressees",
    Reason.SIGNAL_QUEUE_FULL: "Too many messages wait, try again later",
}
_TROUBLE = {
    Reason.STORE_UNAVAILABLE,
    Reason.OVERLOADED,
    Reason.DEADLINE,
    Reason.TARGET_UNAVAILABLE,
    Reason.KEYS_UNAVAILABLE,
}
