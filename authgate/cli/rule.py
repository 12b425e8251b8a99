"""``authgate rule``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from authgate.cli.common import config_option, json_option, plain, print_json, print_table, settings

if TYPE_CHECKING:
    from authgate.explain import DefaultTold, MethodTold, RuleTold

_WIDTH = 16  # of what stands before each line


@click.group()
def rule() -> None:
    """Show the rules, and what the media server is told because of them."""


@rule.command("list")
@click.option("--app", metavar="APPKEY", help="Only what is in force for this application.")
@click.option("--wire", is_flag=True, help="What restClientConfig says of each method, instead of the rules.")
@json_option
@config_option
def list_rules(app: str | None, wire: bool, as_json: bool) -> None:
    """List the rules in their order, the first that matches decides, and the default policies that follow them."""
    from authgate.explain import defaults_told, rules_told, told
    from authgate.wiring import rules_of
    from authgate.wiring import wire as wire_of

    config = settings()
    made = rules_of(config)
    if wire:
        own = config.apps.get(app or "")
        credentials = (own.credentials if own else None) or config.credentials
        methods = list(told(wire_of(made, app or "", credentials)).values())
        if as_json:
            print_json([_method_tree(each) for each in methods])
        else:
            _print_wire(methods, app)
        return
    rules, defaults = rules_told(config.rules, app), defaults_told(made, app or "")
    if as_json:
        print_json(
            {"rules": [_rule_tree(each) for each in rules], "defaults": [_default_tree(each) for each in defaults]}
        )
        return
    for at, each in enumerate(rules, 1):
        _print_rule(at, each)
    if rules:
        click.echo()
    _print_defaults(defaults)


def _print_rule(at: int, each: "RuleTold") -> None:
    click.echo(f"{at}. {plain(each.name)}")
    _line("  for", each.hooks + (f", of {', '.join(each.apps)}" if each.apps else ""))
    for condition in each.conditions:
        _line("  where", condition)
    _line("  policy", each.policy)
    for rewrite in each.rewrites:
        _line("  rewrite", rewrite)
    told = [f"FAIL for {', '.join(each.fail)}"] if each.fail else []
    told += [f"OVERWRITE {', '.join(each.overwrite)}"] if each.overwrite else []
    told += [f"hides {', '.join(each.hidden)}"] if each.hidden else []
    _line("  media server", "; ".join(told) or "nothing")


def _print_defaults(defaults: "Sequence[DefaultTold]") -> None:
    click.echo("The default policies, where no rule decides:")
    heads = ("policy of", "policy", "media server", "methods")
    print_table(heads, ((each.key, each.policy, each.told, ", ".join(each.methods)) for each in defaults))


def _print_wire(methods: "Sequence[MethodTold]", app: str | None) -> None:
    of = "every application that the configuration does not name" if app is None else app
    click.echo(f"restClientConfig for sessions of {plain(of)}:")
    common = [name for name in methods[0].hidden if all(name in each.hidden for each in methods)]
    rows = (
        (
            each.method,
            "FAIL" if each.fail else "LOG",
            "OVERWRITE" if each.overwrite else "NOTIFY",
            ", ".join(each.overwrite),
            ", ".join(name for name in each.hidden if name not in common),
            ", ".join(each.unsent),
        )
        for each in methods
    )
    print_table(("method", "restOnError", "restPolicy", "restOverwrite", "clientExclude", "restExclude"), rows)
    click.echo(f"\nclientExclude of every method: {plain(', '.join(common))}")


def _line(head: str, text: str) -> None:
    click.echo(f"{head.ljust(_WIDTH)}{plain(text)}".rstrip())


def _rule_tree(each: "RuleTold") -> dict[str, Any]:
    return {
        "name": each.name,
        "apps": list(each.apps),
        "methods": list(each.methods),
        "conditions": list(each.conditions),
        "policy": each.policy,
        "rewrites": list(each.rewrites),
        "fail": list(each.fail),
        "overwrite": list(each.overwrite),
        "hidden": list(each.hidden),
    }


def _default_tree(each: "DefaultTold") -> dict[str, Any]:
    return {"key": each.key, "policy": each.policy, "told": each.told, "methods": list(each.methods)}


def _method_tree(each: "MethodTold") -> dict[str, Any]:
    return {
        "method": each.method,
        "restOnError": "FAIL" if each.fail else "LOG",
        "restPolicy": "OVERWRITE" if each.overwrite else "NOTIFY",
        "restOverwrite": list(each.overwrite),
        "clientExclude": list(each.hidden),
        "restExclude": list(each.unsent),
    }
