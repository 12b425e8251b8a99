"""``authgate key``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from authgate import admin
from authgate.cli.common import config_option, iso, json_option, print_fields, print_json, run, settings
from authgate.cli.signing import VERBS
from authgate.errors import Refused

if TYPE_CHECKING:
    from authgate.key_sets import KeySetState


@click.group()
def key() -> None:
    """Show, refresh and rotate keys."""


@key.command()
@json_option
@config_option
def status(as_json: bool) -> None:
    """Show the keys of each issuer that publishes them, as they were last fetched.

    Exit status 1: some verifier has no keys to verify with.
    """
    config = settings()
    states = run(config, lambda store: admin.key_set_states(store, config.verifiers))
    _print(states, as_json)
    if names := admin.without_keys(states):
        raise Refused(f"no keys to verify with: {', '.join(names)}; fetch them with: authgate key refresh")


@key.command()
@json_option
@config_option
def refresh(as_json: bool) -> None:
    """Fetch the keys of each issuer that publishes them now, and have running workers do so within a second.

    Exit status 1: some could not be fetched.
    """
    config = settings()
    states = run(config, lambda store: admin.refresh_key_sets(store, config.verifiers))
    _print(states, as_json)
    if faults := [f"{name}: {state.fault}" for name, state in states.items() if state.fault]:
        raise Refused("\n".join(faults))


for verb in VERBS:
    key.add_command(verb)


def _print(states: "Mapping[str, KeySetState]", as_json: bool) -> None:
    if as_json:
        print_json([_fields(name, state) for name, state in states.items()])
        return
    if not states:
        click.echo("no verifier has the keys of an issuer that publishes them")
    for at, (name, state) in enumerate(states.items()):
        if at:
            click.echo()
        keys = [f"{key_id or '(no kid)'} ({', '.join(algorithms)})" for key_id, algorithms in state.keys]
        print_fields({**_fields(name, state), "keys": ", ".join(keys), "notes": "; ".join(state.notes)})


def _fields(name: str, state: "KeySetState") -> dict[str, object]:
    return {
        "verifier": name,
        "issuer": state.issuer,
        "url": state.url,
        "state": state.state.value,
        "keys": [{"kid": key_id, "algorithms": list(algorithms)} for key_id, algorithms in state.keys],
        "notes": list(state.notes),
        "fetched": iso(state.fetched_at),
        "tried": iso(state.tried_at),
        "fault": state.fault,
    }
