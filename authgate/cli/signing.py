"""The verbs of ``authgate key`` that are about our own signing keys."""

import time
from typing import TYPE_CHECKING

import click

from authgate import admin
from authgate.cli.common import config_option, iso, json_option, print_json, print_table, run, settings
from authgate.cli.issuing import issued_verifier
from authgate.issuance import OwnKey

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.config import Config
    from authgate.verifiers.issued import IssuedVerifier

_ALGORITHMS = ("EdDSA", "ES256", "RS256", "HS256")
_leave_option = click.option(
    "--leave-no-signing-key",
    "leave_none",
    is_flag=True,
    help="Also where no other key signs: no token can be issued then.",
)


@click.command("list")
@json_option
@config_option
def list_keys(as_json: bool) -> None:
    """List our own signing keys, the oldest first."""
    config = settings()
    keys = run(config, admin.signing_keys)
    verifier = _issued(config)
    faults = {} if verifier is None else admin.key_faults(verifier, keys)
    rows = [_fields(each, unreadable=each.id in faults) for each in keys]
    if as_json:
        print_json(rows)
    else:
        print_table(tuple(_HEADS), [tuple(row.values()) for row in rows])
    for key_id, fault in faults.items():
        click.echo(f"warning: {key_id} can neither sign nor verify: {fault}; see verifiers.master_keys", err=True)


@click.command()
@click.option("--algorithm", type=click.Choice(_ALGORITHMS), help="By default the verifier's.")
@config_option
def generate(algorithm: str | None) -> None:
    """Make a key. The first one signs at once, others when they are rotated to, and are published until then."""
    config = settings()
    verifier = issued_verifier(config)
    key = run(config, lambda store: admin.generate_key(store, verifier, algorithm))
    click.echo(f"generated {key.id} ({key.algorithm}), {state(key)}")


@click.command()
@config_option
def rotate() -> None:
    """Have the next key sign, a fresh one where none waits; tokens of the one before stay valid until they expire."""
    config = settings()
    verifier = issued_verifier(config)
    key, before = run(config, lambda store: admin.rotate_keys(store, verifier))
    click.echo(f"{key.id} ({key.algorithm}) signs from now on")
    for each in before:
        click.echo(f"{each.id} ({each.algorithm}) is retired, and verifies what it signed until that has expired")


@click.command()
@click.argument("kid")
@_leave_option
@config_option
def retire(kid: str, leave_none: bool) -> None:
    """Have the key KID sign no more; what it signed stays valid until it expires. None takes its place."""
    config = settings()
    verifier = issued_verifier(config)
    run(config, lambda store: admin.retire_key(store, verifier, kid, leave_none=leave_none))
    click.echo(f"retired {kid}")


@click.command()
@click.argument("kid")
@click.option("--force", is_flag=True, help="Also while tokens that it signed may be valid: they are refused then.")
@_leave_option
@config_option
def delete(kid: str, force: bool, leave_none: bool) -> None:
    """Forget the key KID: what it signed is refused within a second."""
    config = settings()
    verifier = _issued(config)
    run(config, lambda store: admin.delete_key(store, verifier, kid, force=force, leave_none=leave_none))
    click.echo(f"deleted {kid}")


@click.command()
@config_option
def reseal() -> None:
    """Seal every key with the first of master_keys, so that the others can be taken out of the configuration."""
    config = settings()
    verifier = issued_verifier(config)
    count = run(config, lambda store: admin.reseal_keys(store, verifier))
    click.echo(f"sealed {count} keys with master_keys[0]")


VERBS = (list_keys, generate, rotate, retire, delete, reseal)


def state(key: OwnKey, *, unreadable: bool = False) -> str:
    """What a key is good for now, in one word: next, signing, retired, over, or unreadable for nothing."""
    now = time.time()
    if key.over(now):
        return "over"
    if unreadable:
        return "unreadable"
    if key.retired_at is not None and now * 1000 >= key.retired_at:
        return "retired"
    return "next" if key.signs_from is None or now * 1000 < key.signs_from else "signing"


def _issued(config: "Config") -> "IssuedVerifier | None":
    """The verifier of what authgate issues itself, where there is one."""
    return next((each for each in config.verifiers if each.type == "issued"), None)


_HEADS = ("kid", "algorithm", "state", "created", "signs_from", "retired", "verifies_until")


def _fields(key: OwnKey, *, unreadable: bool) -> dict[str, object]:
    until = None if key.verifies_until is None else key.verifies_until * 1000
    times = (iso(key.created_at), iso(key.signs_from), iso(key.retired_at), iso(until))
    return dict(zip(_HEADS, (key.id, key.algorithm, state(key, unreadable=unreadable), *times), strict=True))
