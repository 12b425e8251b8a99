"""What the commands share that issue tokens: what is wanted, and who issues it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from authgate.cli.judging import directory
from authgate.errors import Refused
from authgate.issuance import Wanted

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.config import Config
    from authgate.ports import Issuer
    from authgate.store import Store
    from authgate.verifiers.issued import IssuedVerifier

F = TypeVar("F", bound=Callable[..., Any])


def bound_options(command: F) -> F:
    """``--app``, ``--ip``, ``--origin`` and ``--stream``: what a token is bound to."""
    for option in (
        click.option("--stream", "streams", multiple=True, metavar="PATTERN", help="Good for these streams only."),
        click.option("--origin", "origins", multiple=True, metavar="ORIGIN", help="Good for pages from there only."),
        click.option("--ip", "addresses", multiple=True, metavar="CIDR", help="Good for clients from there only."),
        click.option("--app", "apps", multiple=True, metavar="KEY", help="Good for this application (appKey) only."),
    ):
        command = option(command)
    return command


def wanted(
    name: str,
    ttl: int,
    grants: tuple[str, ...] | None,
    apps: tuple[str, ...],
    addresses: tuple[str, ...],
    origins: tuple[str, ...],
    streams: tuple[str, ...],
    once: bool,
) -> Wanted:
    """What is wanted, as the options say it."""
    return Wanted(name, ttl, grants, apps, addresses, origins, streams, once)


def note_idle_grants(config: "Config") -> None:
    """Tell whoever narrows tokens by grants where nothing asks for them."""
    if not config.asks_for_grants():
        click.echo(
            "note: no rule or policy asks for grants, so they narrow nothing; add a rule with policy = "
            '{ type = "grant" }. What a token is bound to, as by --stream, is kept to in any case',
            err=True,
        )


@asynccontextmanager
async def issuer(config: "Config", store: "Store", name: str | None) -> "AsyncIterator[Issuer]":
    """In it, tokens can be issued for the verifier of this name, or the only one that has a key to sign with.

    Raises:
        Refused: there is none, or one has to be named.
    """
    from authgate.wiring import issuer_of, keys_of

    names = [each.name for each in config.verifiers if each.type != "password"]
    if not names:
        raise Refused('no verifier of the configuration takes tokens; add [[verifiers]] with type = "token"')
    if name is not None and name not in names:
        raise Refused(f"there is no verifier {name!r} that takes tokens; there are: {', '.join(names)}")
    able = [each for each in config.verifiers if each.type == "token"]
    if name is None and len(able) > 1 and not any(each.type == "issued" for each in config.verifiers):
        raise Refused(
            f"several verifiers take tokens; say for which one this is: --verifier, one of {', '.join(names)}"
        )
    keys = keys_of(config, store)
    keys.take_over()
    try:
        async with directory(config, store) as known:
            found = issuer_of(config, known.users, keys, store, name)
            if found is None:
                raise Refused(
                    f"verifier {name or names[0]!r} holds public keys, and only the private one, which its issuer "
                    "has, can sign"
                )
            yield found
    finally:
        await keys.close()


def issued_verifier(config: "Config") -> "IssuedVerifier":
    """The verifier of what authgate issues itself.

    Raises:
        Refused: there is none.
    """
    for each in config.verifiers:
        if each.type == "issued":
            return each
    raise Refused('no verifier of the configuration takes what authgate issues; add [[verifiers]] with type = "issued"')
