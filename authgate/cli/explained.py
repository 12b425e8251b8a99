"""An explanation -> lines for people, or JSON."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from authgate.cli.common import plain
from authgate.explain.masks import address
from authgate.hooks.fields import NAMES

if TYPE_CHECKING:
    from authgate.explain import Explanation, MethodTold
    from authgate.judge import Step
    from authgate.model import Hook

_WIDTH = 14  # of what stands before each line


def print_explanation(found: "Explanation", checks: "Sequence[Step]" = (), notes: Iterable[str] = ()) -> None:
    """Each step on the way to the answer, the answer, and what comes of it."""
    for each in checks:
        line("caller", _step(each))
    for note in notes:
        line("note", note)
    unknown = "" if found.method.known else ", of no method that is known"
    line("hook", f"{found.method.name} ({found.method.kind.value}{unknown})")
    for name, value in facts_of(found.hook):
        line("", f"{name} {value}")
    if found.fault:
        line("not judged", found.fault)
    for each in found.sender:
        line(each.what, _step(each))
    if found.rules:
        print_rules(found.rules)
    line("verdict", verdict(found))
    print_answer(found)
    for sentence in found.outlook:
        line("media server", sentence)


def print_rules(steps: "Iterable[Step]") -> None:
    """Each rule with what it came to, and below it what its policy and rewrites did."""
    for each in steps:
        if each.what == "rule":
            line("rule", f"{each.outcome:<9} {each.name}" + (f"  ({each.detail})" if each.detail else ""))
        else:
            line("", f"{'':<9} {each.what} {_step(each)}")


def print_answer(found: "Explanation") -> None:
    """The status of the answer, and what in it is not as it came."""
    if found.answer is None:
        return
    same = "" if found.differences or found.config or not found.allowed or found.fault else ", as it came"
    words = "" if found.allowed else f" {found.answer.body.decode()}"
    line("answer", f"{found.answer.status}{same}{words}")
    for each in found.differences:
        line("", f"{each.field}: {'nothing' if each.before is None else each.before} -> {each.after}")
    if found.config:
        line("", f"restClientConfig: {summary(found.config)}")


def line(head: str, text: str) -> None:
    """One line below the others."""
    click.echo(f"{head.ljust(_WIDTH)}{plain(text)}".rstrip())


def verdict(found: "Explanation") -> str:
    """The verdict in words."""
    if found.decision is None:
        if found.answer is None:
            return found.pending
        return "allowed" if found.allowed else "rejected"
    rule = f" by {found.decision.rule}" if found.decision.rule else ""
    said = "allowed" if found.decision.allowed else f"rejected: {found.decision.reason.value}"
    return f"{said}{rule}"


def summary(config: "Sequence[MethodTold]") -> str:
    """What a session is told, in a line."""
    fail = [each.method for each in config if each.fail]
    overwrite = [f"{each.method} ({', '.join(each.overwrite)})" for each in config if each.overwrite]
    parts = [f"{len(config)} methods", f"FAIL for {', '.join(fail) or 'none'}"]
    return "; ".join([*parts, f"OVERWRITE for {', '.join(overwrite) or 'none'}"])


def as_tree(found: "Explanation", checks: "Sequence[Step]" = (), notes: Iterable[str] = ()) -> dict[str, Any]:
    """An explanation as JSON can hold it."""
    decision, answer = found.decision, found.answer
    return {
        "caller": [_tree(each) for each in checks],
        "notes": list(notes),
        "hook": {
            "method": found.method.name,
            "kind": found.method.kind.value,
            "known": found.method.known,
            **dict(facts_of(found.hook)),
        },
        "fault": found.fault or None,
        "sender": [_tree(each) for each in found.sender],
        "rules": [_tree(each) for each in found.rules],
        "allowed": None if answer is None else found.allowed,
        "reason": decision.reason.value if decision else None,
        "rule": decision.rule if decision else None,
        "pending": found.pending or None,
        "target": found.target or None,
        "status": answer.status if answer else None,
        "changes": [{"field": each.field, "before": each.before, "after": each.after} for each in found.differences],
        "restClientConfig": [_told(each) for each in found.config],
        "outlook": list(found.outlook),
    }


def _tree(step: "Step") -> dict[str, str]:
    return {"what": step.what, "name": step.name, "outcome": step.outcome, "detail": step.detail}


def _told(each: "MethodTold") -> dict[str, Any]:
    return {
        "method": each.method,
        "fail": each.fail,
        "overwrite": list(each.overwrite),
        "hidden": list(each.hidden),
        "unsent": list(each.unsent),
    }


def _step(step: "Step") -> str:
    told = ": ".join(part for part in (step.name, step.outcome) if part)
    return f"{told} ({step.detail})" if step.detail else told


def facts_of(hook: "Hook | None") -> list[tuple[str, str]]:
    """Where a hook is from, and what it names."""
    if hook is None:
        return []
    found = {"appKey": hook.app_key, "nodeId": hook.key.node, "sessionId": hook.key.session}
    fields = dict(hook.fields)  # of a recorded hook, those that were kept
    for name in ("status", *NAMES.get(hook.method.name, ())):
        value = fields.get(name)
        found[name] = address(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return [(name, value) for name, value in found.items() if value]
