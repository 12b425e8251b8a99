"""Measures a server that runs, gently: how long it takes to answer a client that comes and goes."""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from authgate import admin
from authgate.bench import programs
from authgate.bench.figures import Figure
from authgate.bench.keeper import Leavings
from authgate.bench.load import Order
from authgate.bench.own import can_sign
from authgate.bench.scratch import figure, lifetime, sender
from authgate.config import Config
from authgate.errors import Refused
from authgate.issuance import Wanted
from authgate.passwords import Hasher
from authgate.store import Store
from authgate.verifiers import AnyVerifier

_CONNECTIONS = 8
_MOST_TOKENS = 2_000
_EFFECTIVE = 1.5  # seconds until every worker and node knows of a new user
_PATIENCE = 10.0  # seconds that a read or write of the store may take


@dataclass(frozen=True, slots=True)
class Gently:
    """What is to be measured, and how."""

    url: str  # of the server, without a path: where hooks go is told by the configuration
    seconds: float
    rate: float  # hooks in a second
    app: str  # appKey
    told_too: bool = False  # whether those may be told who are told of every session


@dataclass(frozen=True, slots=True)
class Latency:
    """What came of it."""

    node: str  # nodeId of the records that remain
    user: str  # their user, who is gone
    figures: tuple[Figure, ...]


def measure(config: Config, wish: Gently, say: Callable[[str], None]) -> Latency:
    """What came of it; ``say`` is told what goes on.

    Raises:
        Refused: it would not be harmless, no token can be made, or nobody answers there.
        StoreError: the store is away.
    """
    parts = urlsplit(wish.url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        port = 0
    if parts.scheme not in ("http", "https") or not parts.hostname or not port or parts.path not in ("", "/"):
        raise Refused("--url is the address of a server without a path, such as http://127.0.0.1:8080")
    _demand_harmless(config, wish)
    verifier = next((each for each in config.verifiers if can_sign(each, time.time())), None)
    if verifier is None:
        raise Refused(
            "no token can be made, since no verifier has a key that can sign, and passwords would take the server's "
            "time for hashing; measure without --url, where a verifier of its own is added"
        )
    name = f"authgate-bench-{secrets.token_hex(4)}"
    who = sender(config, wish.app, parts.netloc.rpartition("@")[2])
    with programs.kept(Leavings(config=str(config.source), user=name)) as keeper:
        say(f"a user of its own: {name}")
        tokens = asyncio.run(_tokens(config, verifier, name, min(_MOST_TOKENS, int(wish.seconds * wish.rate) + 1)))
        time.sleep(_EFFECTIVE)
        say(f"measuring: {wish.rate:g} hooks a second for {wish.seconds:g} s")
        base = config.server.base.rstrip("/")
        order = Order(
            "come and go",
            parts.hostname,
            port,
            base,
            _CONNECTIONS,
            wish.seconds,
            wish.rate,
            tls=parts.scheme == "https",
        )
        with programs.load(keeper, who, [(name, token) for token in tokens]) as load:
            told = load.run(order)
        if not told["methods"]:
            raise Refused(f"nobody answers at {wish.url}")
    labels = {"connect": "connect, by token", "ConnectionStatusEvent": "DISCONNECTED"}
    figures = tuple(figure(label, told, method) for method, label in labels.items() if method in told["methods"])
    return Latency(who.node, name, figures)


def _demand_harmless(config: Config, wish: Gently) -> None:
    """Raises Refused where a session is nobody's business but the server's only if that is wanted."""
    heard = [f"[[webhooks]] {each.name}" for each in config.webhooks]
    heard += [f"[targets.{name}]" for name in config.targets]
    heard += ["[[signals]]"] if config.signals else []
    heard += ["[records.stream]"] if config.records.stream.url is not None else []
    if heard and not wish.told_too:
        raise Refused(
            f"others hear of every session: {', '.join(heard)}; say --tell-others where that does no harm, or measure "
            "without --url, where nobody is told"
        )


async def _tokens(config: Config, verifier: AnyVerifier, name: str, count: int) -> list[str]:
    """Add the user, and make tokens for it."""
    from authgate.wiring import directory_of, issuer_of, keys_of

    async with AsyncExitStack() as stack:
        store = Store(config.store, _PATIENCE)
        stack.push_async_callback(store.close)
        await admin.demand_newest(store)
        hasher = Hasher(config.hashing)
        stack.callback(hasher.close)
        await admin.add_user(store, hasher, name, None, None)
        keys, directory = keys_of(config, store), directory_of(config, store)
        stack.push_async_callback(keys.close)
        stack.push_async_callback(directory.close)
        keys.take_over()
        issuer = issuer_of(config, directory.users, keys, store, verifier.name)
        if issuer is None:
            raise Refused("no token can be made")
        wanted = Wanted(name, lifetime(verifier))
        return [(await admin.issue_token(issuer, wanted, time.time())).text.reveal() for _ in range(count)]
