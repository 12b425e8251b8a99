"""The rules, asked one after the other until one decides."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from authgate.errors import TargetError
from authgate.judge.sender import Given, Outside, Sender
from authgate.judge.signalled import DATA, signalled
from authgate.judge.trace import Trace
from authgate.model import Ask, Asks, Case, Decision, Hook, Kind, Principal, Reason, Signal
from authgate.patterns import Match
from authgate.ports import Aliases, Verifier
from authgate.rewrites.rewrite import Change
from authgate.rules import Rule, Rules
from authgate.sessions import SessionOptions
from authgate.signals import NO_SIGNALS, Signals
from authgate.value import value
from authgate.verifiers.credentials import CredentialPaths


@value(frozen=True, slots=True)
class Setup:
    """What hooks are judged by: made of a configuration, and replaced as a whole."""

    rules: Rules
    verifiers: Sequence[Verifier]
    credentials: CredentialPaths  # of an application that has none of its own
    app_credentials: Mapping[str, CredentialPaths]
    sessions: SessionOptions
    signals: Signals = NO_SIGNALS


@value(frozen=True, slots=True)
class Judged:
    """The decision on a hook, and what is known of who sent it."""

    decision: Decision
    case: Case
    user: str | None = None  # of a rejected client: who it said to be, or was
    signal: Signal | None = None  # what it asks for by the data that it sends

    @property
    def client(self) -> Principal | None:
        """The client, where it is proven who that is."""
        return self.case.client if isinstance(self.case.client, Principal) else None


@value(frozen=True, slots=True)
class Judge:
    """Judges hooks by one set-up."""

    setup: Setup
    outside: Outside
    aliases: Aliases

    async def judge(
        self,
        hook: Hook,
        now: float,
        trace: Trace | None = None,
        given: Given | None = None,
        until: float = math.inf,
    ) -> Judged:
        """The verdict on a hook at a time in seconds since the epoch; ``until`` is the loop's time of its deadline.

        The first rule that matches decides. One that only may match, since the hook's names can be read in
        more than one way, can reject and cannot allow.

        Raises:
            Trouble: it could not be decided.
        """
        every = self.setup.rules
        lot = every.about(hook)
        signals = hook.method.name == DATA and self.setup.signals.concern(hook.app_key)
        only = lot.only
        if only is not None and trace is None and not signals and only.says_ok(hook.method):
            return Judged(Decision(Reason.OK, only.name), Case(hook, now))
        all_rules = () if trace is None else every.of(hook.app_key, hook.method)  # whoever asks why sees them all
        asks_origin = lot.asks_origin or any(rule.asks_origin for rule in all_rules)
        sender = self._sender(hook, now, asks_origin, trace, given, until)
        for at, rule in enumerate(all_rules or lot.in_turn(sender)):
            match = await _match(rule, sender, trace)
            if match is Match.NO:
                continue
            decision = await self._decide(rule, sender, match, trace)
            if decision is not None:
                _pass_over(all_rules[at + 1 :], trace)
                signal = await signalled(self.setup.signals, sender) if signals and decision.allowed else None
                if isinstance(signal, Reason):
                    return Judged(Decision(signal, decision.rule), sender.case, sender.user)
                return Judged(decision, sender.case, sender.user, signal)
        raise AssertionError("the default policy matches everything")

    def _sender(
        self,
        hook: Hook,
        now: float,
        asks_origin: bool,
        trace: Trace | None,
        given: Given | None,
        until: float,
    ) -> Sender:
        setup = self.setup
        return Sender(
            Case(hook, now),
            self.outside,
            tuple(setup.verifiers),
            setup.app_credentials.get(hook.app_key, setup.credentials),
            setup.sessions,
            setup.rules.fallback(hook.app_key),
            asks_origin,
            trace,
            given,
            until,
        )

    async def _decide(self, rule: Rule, sender: Sender, match: Match, trace: Trace | None) -> Decision | None:
        """What a rule comes to that matches or may match; None where the next one is to be asked."""
        before = sender.case, sender.user, sender.verifier
        verdict = await self._verdict(rule, sender, trace)
        if verdict.reason is not Reason.OK:
            return Decision(verdict.reason, _named(rule, sender), verdict.text)
        if match is not Match.YES:
            if sender.case.hook.method.kind is Kind.CONNECT:
                # A target that only may be the one to ask vouches for nobody in what comes after.
                sender.case, sender.user, sender.verifier = before
            return None
        if not (rule.rewrites or verdict.changes):
            return Decision(Reason.OK, _named(rule, sender))
        for each in rule.rewrites:
            await sender.find(each.asks)
        if sender.spoiled and isinstance(sender.case.own, Reason):  # it was asked for by a rewrite
            return Decision(sender.case.own, _named(rule, sender))
        changes = dict(verdict.changes)
        reason = await self._rewrite(rule, sender.case, changes, trace)
        return Decision(reason, _named(rule, sender), changes=changes if reason is Reason.OK else {})

    async def _verdict(self, rule: Rule, sender: Sender, trace: Trace | None) -> Decision:
        if sender.spoiled and isinstance(sender.case.own, Reason):  # it was asked for by a condition
            return Decision(sender.case.own)
        await sender.find(rule.policy.asks)
        said = rule.policy.judge(sender.case)
        if said is None:
            said = await self._default(sender)
        if trace is not None:
            trace.add("policy", getattr(rule.policy, "type", ""), said.target if isinstance(said, Ask) else said)
        connecting = sender.case.hook.method.kind is Kind.CONNECT
        if isinstance(said, Ask):
            return await self._ask(said, sender, trace)
        if said is Reason.OK and connecting:
            reason = await self._let_in(sender)
            if reason is not None:
                return Decision(reason)
        return Decision(said, text=getattr(rule.policy, "reason", "") if said is not Reason.OK else "")

    async def _default(self, sender: Sender) -> Reason:
        """What the default policy says, which a rule has left it to."""
        hook = sender.case.hook
        policy = self.setup.rules.default(hook.app_key, hook.method).policy
        await sender.find(policy.asks)
        said = policy.judge(sender.case)
        return said if isinstance(said, Reason) else Reason.GRANT_MISSING

    async def _let_in(self, sender: Sender) -> Reason | None:
        """Why a client is not let in that is to be let in whoever it is: it may be anonymous, but not banned, and what
        it offers must be right."""
        given = sender.given
        if sender.credentials().offered if given is None else given.client is not None:
            await sender.find(Asks.CLIENT)
            if sender.spoiled and isinstance(sender.case.own, Reason):
                return sender.case.own
        elif given is None and await sender.at_banned_address():
            return Reason.BANNED
        return None

    async def _ask(self, ask: Ask, sender: Sender, trace: Trace | None) -> Decision:
        """What a target says; of a ``connect`` it also vouches for a client whom no verifier knows."""
        hook = sender.case.hook
        connecting = hook.method.kind is Kind.CONNECT
        if connecting:
            await sender.find(Asks.CLIENT, vouched=True)
            known = sender.case.client
            if isinstance(known, Reason) and known not in _NOT_KNOWN:
                return Decision(known)
        try:
            answered = await self.outside.targets.ask(ask.target, hook)
        except TargetError as error:
            if trace is not None:
                trace.add("target", ask.target, Reason.TARGET_UNAVAILABLE, str(error))
            raise
        if trace is not None:
            trace.add("target", ask.target, "ok" if answered.allowed else Reason.TARGET_REFUSED, answered.trouble)
        if not answered.allowed:
            return Decision(Reason.TARGET_REFUSED)
        if connecting and not isinstance(sender.case.client, Principal):
            if answered.trouble:
                return Decision(Reason.TARGET_UNAVAILABLE)
            client = await sender.vouched(ask.target)
            if isinstance(client, Reason):
                return Decision(client)
            sender.user = client.user
            sender.case = replace(sender.case, client=client, own=client)
        changes = {
            name: answered.fields[name]
            for name in ask.overwrite
            if name in answered.fields and _differ(answered.fields[name], hook.fields.get(name))
        }
        return Decision(Reason.OK, changes=changes)

    async def _rewrite(self, rule: Rule, case: Case, changes: dict[str, Any], trace: Trace | None) -> Reason:
        """Carry out the rule's rewrites on top of the changes; OK, or why the hook must be rejected."""
        fields = {**case.hook.fields, **changes} if rule.rewrites else {}
        for rewrite in rule.rewrites:
            wanted = rewrite.looks_up(case, fields)
            found = await self.aliases.find(*wanted) if wanted is not None else None
            outcome = rewrite.apply(case, fields, found)
            if trace is not None:
                said = outcome if isinstance(outcome, Reason) else ("changed" if outcome else "nothing to change")
                lacking = rewrite.lacks(case, fields) if isinstance(outcome, Reason) else ()
                lacks = [f"{{{name}}} has no value that could be put there" for name in lacking]
                trace.add("rewrite", rewrite.field, said, "; ".join(lacks))
            if isinstance(outcome, Reason):
                return outcome
            if isinstance(outcome, Change):
                fields[outcome.field] = changes[outcome.field] = outcome.value
        return Reason.OK


# A target may vouch for clients of whom no verifier has said anything.
_NOT_KNOWN = {Reason.CREDENTIALS_MISSING, Reason.CREDENTIALS_UNRECOGNIZED}


def _differ(one: Any, other: Any) -> bool:
    """Whether two values of JSON differ: 0 is not false."""
    return type(one) is not type(other) or bool(one != other)


def _named(rule: Rule, sender: Sender) -> str:
    """The name that the record gets: of a ``connect`` that no rule speaks for, the verifier that decided."""
    connecting = sender.case.hook.method.kind is Kind.CONNECT
    return sender.verifier if connecting and rule.is_default and sender.verifier else rule.name


async def _match(rule: Rule, sender: Sender, trace: Trace | None) -> Match:
    """Whether a rule matches: what it asks for is found out only when all conditions that need less hold."""
    worst = Match.YES
    if not rule.conditions and trace is None:
        return worst
    seen = []
    for condition in rule.conditions:
        await sender.find(condition.asks)
        found = condition.match(sender.case)
        worst = min(worst, found)
        if trace is not None:
            seen.append(f"{condition.option}: {_MATCH[found]} {condition.seen(sender.case)!r}")
        if worst is Match.NO:
            break
    if trace is not None:
        trace.add("rule", rule.name, _MATCH[worst], "; ".join(seen))
    return worst


def _pass_over(rules: Sequence[Rule], trace: Trace | None) -> None:
    if trace is not None:
        for rule in rules:
            trace.add("rule", rule.name, "shadowed")


_MATCH = {Match.YES: "hit", Match.MAYBE: "may", Match.NO: "miss"}
