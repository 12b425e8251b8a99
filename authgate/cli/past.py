"""``authgate record show``."""

from typing import TYPE_CHECKING, Any

import click

from authgate.cli.common import config_option, iso, json_option, print_json, run, settings
from authgate.errors import Refused
from authgate.limits import EXCEEDED
from authgate.model import Principal, Record

if TYPE_CHECKING:
    from authgate.config import Config
    from authgate.explain import Explanation, Recalled
    from authgate.store import Store


@click.command()
@click.argument("record_id", metavar="ID")
@json_option
@config_option
def show(record_id: str, as_json: bool) -> None:
    """Explain a verdict of the past: what is known of the hook, and what the rules in force today make of it."""
    from authgate.cli.explained import as_tree

    config = settings()
    recalled, found = run(config, lambda store: _explained(config, store, record_id))
    if as_json:
        print_json({**_tree(recalled), "today": as_tree(found), "same": _same(recalled.record, found)})
    else:
        _print(recalled, found)


async def _explained(config: "Config", store: "Store", record_id: str) -> "tuple[Recalled, Explanation]":
    from authgate.cli.judging import dry_in_force
    from authgate.explain import explain_past, recall

    record = await store.records.find(record_id)
    if record is None:
        raise Refused(f"there is no record {record_id!r}; `authgate record list --json` shows ids")
    recalled = recall(record)
    async with dry_in_force(config, store) as in_force:
        return recalled, await explain_past(recalled, in_force, config.rules)


def _print(recalled: "Recalled", found: "Explanation") -> None:
    from authgate.cli.explained import facts_of, line, print_answer, print_rules, verdict

    record = recalled.record
    line("record", record.id)
    line("at", iso(record.at) or "")
    line("hook", f"{record.method} ({found.method.kind.value})")
    known = facts_of(recalled.hook)
    for name, value in known:
        line("", f"{name} {value}")
    if record.subject and record.subject not in dict(known).values():
        line("", f"about {record.subject}")
    line("sent by", _sender(recalled))
    if recalled.given.origin:
        line("", f"from a page of {recalled.given.origin}")
    if recalled.changed:
        line("changed", ", ".join(recalled.changed))
    cut = f"the whole of {', '.join(recalled.cut)}, " if recalled.cut else ""
    line("not kept", f"{cut}credentials, and all fields that are not named here")
    line("verdict then", _then(record))
    click.echo("\nBy the rules in force today:")
    print_rules(found.rules)
    line("verdict today", verdict(found))
    print_answer(found)
    for sentence in found.outlook:
        line("media server", sentence)
    line("so", _compared(record, found))


def _sender(recalled: "Recalled") -> str:
    client = recalled.given.client
    if client is None:
        return f"{recalled.record.user or 'nobody knows whom'}: no rule asked who it is"
    how = "by credentials in the hook" if recalled.given.own else "by its session"
    if not isinstance(client, Principal):
        said = f", who says to be {recalled.record.user}" if recalled.record.user else ""
        return f"nobody who is known{said}: {client.value}"
    groups = f", in groups {', '.join(sorted(client.groups))}" if client.groups else ""
    grants = "" if client.grants is None else f", with the token's grants {', '.join(client.grants) or 'none'}"
    return f"{client.user}, {how} (verifier {client.verifier or 'unknown'}){groups}{grants}"


def _then(record: Record) -> str:
    said = "allowed" if record.allowed else f"rejected: {record.reason.value}"
    return f"{said} by {record.rule}" if record.rule else said


def _same(record: Record, found: "Explanation") -> bool | None:
    """Whether today's verdict is that of the record; None where it cannot be told."""
    return None if found.decision is None else found.decision.reason is record.reason


def _compared(record: Record, found: "Explanation") -> str:
    from authgate.cli.explained import verdict
    from authgate.explain import TROUBLE

    same = _same(record, found)
    if same is None:
        return "what the verdict would be today cannot be told"
    if same:
        return "the verdict is the same today"
    why = "; something failed then, and no rule was to blame" if record.reason in TROUBLE else ""
    if record.reason in EXCEEDED.values():
        why = "; the rules had allowed it, but there were as many as there may be"
    return f"{_then(record)} then; today {verdict(found)}{why}"


def _tree(recalled: "Recalled") -> dict[str, Any]:
    from authgate.cli.explained import facts_of

    record, client = recalled.record, recalled.given.client
    known = isinstance(client, Principal)
    return {
        "id": record.id,
        "at": iso(record.at),
        "hook": {"method": record.method, **dict(facts_of(recalled.hook))},
        "subject": record.subject,
        "user": record.user,
        "asked": client is not None,
        "client": client.user if isinstance(client, Principal) else client and client.value,
        "verifier": client.verifier if isinstance(client, Principal) else None,
        "own": recalled.given.own if known else None,
        "origin": recalled.given.origin or None,
        "changed": list(recalled.changed),
        "cut": list(recalled.cut),
        "allowed": record.allowed,
        "reason": record.reason.value,
        "rule": record.rule,
    }
