"""A hook -> what would be answered and why, step by step, by the same judge that answers live hooks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from authgate.errors import StoreError, Trouble
from authgate.explain.dry import NotAskedError
from authgate.explain.kept import NOT_ASKED, NOT_KEPT, NotKeptError, Recalled, lacks
from authgate.explain.limits import within_limits
from authgate.explain.masks import Mask
from authgate.explain.outlook import MethodTold, Standing, outlook, standing, told
from authgate.gateway import InForce, reply_to
from authgate.hooks import reply
from authgate.judge import Given, Step, Trace, Unknowable
from authgate.model import Decision, Hook, Kind, Method, Principal, Reason, Reply, Secret, Session
from authgate.rules import RuleOptions
from authgate.verifiers.credentials import CredentialPaths

_SENDER = {"credentials", "verifier", "fallback", "session", "client", "authority", "sessions", "mistake"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of the answer that is not as it came; as JSON, masked where it is a secret."""

    field: str
    before: str | None  # None: it was not there
    after: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a hook comes to, and how."""

    method: Method
    hook: Hook | None = None  # None: it cannot be read
    sender: tuple[Step, ...] = ()  # how it was found out who sent it
    rules: tuple[Step, ...] = ()  # each rule, followed by what its policy and its rewrites came to
    decision: Decision | None = None  # None: it is not decided here
    pending: str = ""  # why it is not decided here
    target: str = ""  # the target that would decide
    answer: Reply | None = None
    differences: tuple[Difference, ...] = ()
    config: tuple[MethodTold, ...] = ()  # what an allowed connect's session is told, by method
    outlook: tuple[str, ...] = ()  # what the media server makes of the answer
    fault: str = ""  # why it is not judged at all

    @property
    def allowed(self) -> bool:
        """Whether it is answered with 200."""
        return self.answer is not None and self.answer.status == 200


async def explain(
    hook: Hook,
    now: float,
    in_force: InForce,
    given: Given | None = None,
    rules: Sequence[RuleOptions] = (),
    *,
    live: bool = True,
) -> Explanation:
    """What is answered to a hook at a time in seconds since the epoch.

    ``in_force`` is to be dry (``explain.dry``). ``rules`` are all of the configuration, so that those which are
    not for this hook are told too; ``live`` says whether the hook's session may be there still.

    Raises:
        StoreError: the store is away or too slow.
    """
    trace = Trace()
    session = await _session(hook, in_force) if live else None
    decision: Decision | None = None
    pending = target = ""
    try:
        judged = await in_force.judge.judge(hook, now, trace, given)
        decision = await within_limits(hook, judged, in_force, trace) if live else judged.decision
    except NotAskedError as ask:
        pending, target = f"decided by target {ask.target}, which was not asked", ask.target
    except Unknowable:
        pending = NOT_ASKED
    except NotKeptError as lost:
        pending = f"{NOT_KEPT}: {lost}"
    except StoreError:
        raise
    except Trouble as trouble:
        decision = _in_trouble(hook, trouble.reason, in_force)
    except Exception as mistake:  # it is answered like any trouble, and its text could hold anything
        trace.add("mistake", type(mistake).__name__, Reason.INTERNAL)
        decision = _in_trouble(hook, Reason.INTERNAL, in_force)
    setup = in_force.judge.setup
    paths = (setup.credentials, *setup.app_credentials.values())
    mask = Mask(replace(hook, fields=dict(hook.fields)), paths, _secrets(hook, in_force))
    sender = tuple(_masked(step, mask) for step in trace.steps if step.what in _SENDER)
    asked = tuple(_masked(step, mask) for step in _in_order(hook, trace.steps, in_force, rules))
    if decision is None:
        return Explanation(hook.method, hook, sender, asked, pending=pending, target=target)
    answer = reply_to(hook, decision, in_force)
    wire = in_force.wire(session.app_key if session else hook.app_key)
    here = told(wire)
    opened = tuple(here.values()) if hook.method.kind is Kind.CONNECT and decision.allowed else ()
    where = standing(hook.method, session, wire) if live else Standing.NONE
    return Explanation(
        method=hook.method,
        hook=hook,
        sender=sender,
        rules=asked,
        decision=decision,
        answer=answer,
        differences=tuple(_differences(hook, decision, mask)),
        config=opened,
        outlook=outlook(hook.method, answer, tuple(decision.changes), here.get(hook.method.name), where),
    )


async def explain_past(recalled: Recalled, in_force: InForce, rules: Sequence[RuleOptions] = ()) -> Explanation:
    """What a recorded hook comes to by the rules that are in force, at the time of its record.

    Raises:
        StoreError: the store is away or too slow.
    """
    found = await explain(recalled.hook, recalled.record.at / 1000, in_force, recalled.given, rules, live=False)
    lost = lacks(recalled, found.decision, in_force) if found.decision else []
    if not lost:
        return found
    pending = f"{NOT_KEPT}: {', '.join(lost)}"
    return Explanation(found.method, found.hook, found.sender, found.rules, pending=pending)


def explain_unread(method: Method, fault: str, trouble: Reply, in_force: InForce) -> Explanation:
    """What is answered to a hook that cannot be read, with ``trouble`` where that is no event."""
    return _unjudged(method, fault, in_force.unjudged(method, trouble), in_force)


def explain_stranger(method: Method, in_force: InForce) -> Explanation:
    """What is answered to a caller that is not trusted."""
    return _unjudged(method, "the caller is not trusted, so nothing in the hook is looked at", reply.REFUSED, in_force)


def _unjudged(method: Method, fault: str, answer: Reply, in_force: InForce) -> Explanation:
    here = told(in_force.any_app).get(method.name)
    return Explanation(method, fault=fault, answer=answer, outlook=outlook(method, answer, (), here, Standing.NONE))


async def sent_by(user: str, hook: Hook, now: float, in_force: InForce) -> Given:
    """That a user of the store sent a hook: by credentials in it, or, where it has none, by a session of the user's.

    ``now`` in seconds since the epoch is when.

    Raises:
        StoreError: the store is away or too slow.
    """
    found = await in_force.judge.outside.users.find(user)
    refusal = Reason.USER_UNKNOWN if found is None else found.refusal(now)
    limit = None if found is None else found.max_sessions
    client = Principal(user, "--as", stored_user=True, max_sessions=limit) if refusal is None else refusal
    connecting = hook.method.kind is Kind.CONNECT
    own = connecting or hook.method.sessionless or _paths(hook, in_force).find(hook.fields).offered
    session = None if connecting else await _session(hook, in_force)
    origin = hook.text("origin") if connecting else session.origin if session else ""
    return Given(client, own, origin)


def _in_trouble(hook: Hook, reason: Reason, in_force: InForce) -> Decision:
    """What the gateway answers where nobody judged: no where that can be said."""
    if in_force.may_refuse(hook):
        return Decision(reason)
    return Decision(Reason.OK, in_force.judge.setup.rules.default(hook.app_key, hook.method).name)


async def _session(hook: Hook, in_force: InForce) -> Session | None:
    alone = hook.method.kind is Kind.CONNECT or hook.method.sessionless or not hook.key.session
    return None if alone else await in_force.judge.outside.sessions.find(hook.key)


def _paths(hook: Hook, in_force: InForce) -> CredentialPaths:
    setup = in_force.judge.setup
    return setup.app_credentials.get(hook.app_key, setup.credentials)


def _masked(step: Step, mask: Mask) -> Step:
    return Step(step.what, step.name, step.outcome, mask.detail(step.detail))


def _in_order(hook: Hook, steps: Sequence[Step], in_force: InForce, rules: Sequence[RuleOptions]) -> Iterator[Step]:
    """Every rule in the order of the configuration, each with its steps: also those that were not reached."""
    spoken = [rule.name for rule in in_force.judge.setup.rules.of(hook.app_key, hook.method)]
    blocks = _blocks(steps)
    for rule in rules:
        if rule.name not in spoken:
            elsewhere = rule.apps and hook.app_key not in rule.apps
            what = "other applications" if elsewhere else f"other hooks than {hook.method.name}"
            yield Step("rule", rule.name, "miss", f"it is for {what}")
            continue
        while spoken and rule.name in spoken:
            name = spoken.pop(0)
            yield from blocks.get(name) or [Step("rule", name, "not asked")]
    for name in spoken:
        yield from blocks.get(name) or [Step("rule", name, "not asked")]


def _blocks(steps: Sequence[Step]) -> Mapping[str, list[Step]]:
    blocks: dict[str, list[Step]] = {}
    name = ""
    for step in steps:
        if step.what in _SENDER:
            continue
        name = step.name if step.what == "rule" else name
        blocks.setdefault(name, []).append(step)
    return blocks


def _differences(hook: Hook, decision: Decision, mask: Mask) -> Iterator[Difference]:
    changes: Mapping[str, Any] = decision.changes if decision.allowed else {}
    for field, value in changes.items():
        before = mask.value(field, hook.fields[field]) if field in hook.fields else None
        yield Difference(field, before, mask.value(field, value))


def _secrets(hook: Hook, in_force: InForce) -> Iterator[str]:
    """What rewrites put into answers and nobody may see."""
    for rule in in_force.judge.setup.rules.of(hook.app_key, hook.method):
        for each in rule.rewrites:
            secret = getattr(each, "secret", None)
            if isinstance(secret, Secret):
                yield secret.reveal()
