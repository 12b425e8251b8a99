"""Measures an operator's configuration on a server and a store of its own, which are gone afterwards."""

import asyncio
import http.client
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from authgate import admin
from authgate.bench import own, processes, programs
from authgate.bench.figures import CONNECT, FLOOR, LOGIN, Figure, Findings
from authgate.bench.hooks import UNKNOWN, Sender
from authgate.bench.keeper import Leavings
from authgate.bench.load import EVENT, Order
from authgate.bench.programs import Keeper, Process
from authgate.config import Config
from authgate.errors import Refused
from authgate.issuance import Wanted
from authgate.passwords import Hasher, fitting, this_machine
from authgate.store import Store, scratch

if TYPE_CHECKING:
    from authgate.userfiles import Row

_GRANTS = ["*:*"]  # rules and policies that ask for grants allow what is sent
_TTL = 3600  # seconds that a token lives
_AT_ONCE = 64  # tokens that are made at once
_STARTS = 60.0  # seconds that a server may take until it is ready
_BUSY = 0.85  # of a core: a process that sends is what limits the rate
_FLOOR = "connect"  # the method that the bare framework is measured with


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be measured."""

    seconds: float  # of each round
    connections: int
    workers: int
    users: int
    app: str  # appKey
    logins: bool  # whether passwords are measured, where a verifier takes some


@dataclass(frozen=True, slots=True)
class _Ready:
    """A store that is filled, and its clients."""

    given: own.Given
    measured: own.Own
    clients: list[tuple[str, str]]  # names, with tokens
    password: str  # of all of them; "" where nobody has one


def measure(config: Config, wish: Wish, say: Callable[[str], None]) -> Findings:
    """What came of it; ``say`` is told what goes on.

    Raises:
        ConfigError: hashing does not fit into this machine with so many workers.
        Refused: there is no room for it, or something that is needed does not begin.
        StoreError: the store's server is away.
    """
    name = f"authgate_bench_{secrets.token_hex(6)}"
    file = scratch.file(config.store)
    folder = _folder(file.parent if file else Path(tempfile.gettempdir()), name)
    database = "" if file else name
    fitting(config.hashing, wish.workers, this_machine())
    asyncio.run(scratch.reach(config.store))
    with programs.kept(Leavings(config.store.url.reveal(), database, str(folder))) as keeper:
        folder.mkdir(mode=0o700)
        options = scratch.beside(config.store, name, folder)
        given = own.Given(options.url, options.spool, wish.workers)
        measured = own.own(config, given)
        say(f"a store of its own: {folder if file else f'the database {name}'}, with {wish.users:,} users")
        if database:
            try:
                asyncio.run(scratch.create(config.store, database))
            except Refused:
                keeper.not_made()
                raise
        ready = asyncio.run(_fill(given, measured, wish))
        findings = Findings(wish.workers, this_machine().cores, wish.connections, config.server.deadline)
        findings.notes += measured.notes
        for note in measured.notes:
            say(note)
        _rounds(keeper, folder, ready, wish, findings, say)
    return findings


def sender(config: Config, app: str, host: str) -> Sender:
    """The media server whose hooks a configuration takes."""
    paths = next((each.credentials for name, each in config.apps.items() if name == app), None) or config.credentials
    pair = paths.passwords[0] if paths.passwords else None
    node = f"authgate-bench@{socket.gethostname()}"
    keys, logins = config.caller.hmac_keys, config.caller.basic
    return Sender(
        node,
        app,
        host,
        keys[0].reveal() if keys else "",
        f"{logins[0].username}:{logins[0].password.reveal()}" if logins else "",
        paths.tokens[0] if paths.tokens else "custom.token",
        pair.login if pair else "custom.login",
        pair.password if pair else "custom.password",
    )


def figure(what: str, told: Mapping[str, Any], method: str, cpu: float | None = None) -> Figure:
    """What a round says of a method; ``cpu`` in seconds."""
    points = told["methods"].get(method, {"hooks": 0, "p50": 0.0, "p99": 0.0, "p999": 0.0})
    hooks, seconds = points["hooks"], told["seconds"]
    refused = sum(count for status, count in told["statuses"].items() if not 200 <= int(status) < 300)
    each = None if cpu is None or not hooks else cpu / hooks * 1000
    rate = hooks / seconds if seconds else 0.0
    return Figure(what, hooks, rate, points["p50"], points["p99"], points["p999"], each, refused, told["failed"])


def _folder(parent: Path, name: str) -> Path:
    if not os.access(parent, os.W_OK | os.X_OK):
        raise Refused(f"{parent} cannot be written to by this user; what is measured needs a folder there for a while")
    return parent / name


async def _fill(given: own.Given, measured: own.Own, wish: Wish) -> _Ready:
    """Migrate the store, and fill it with users who all have the same password; a token for each."""
    from authgate.admin.imports import ImportOptions, Watched, import_users
    from authgate.wiring import directory_of, issuer_of, keys_of

    settings = measured.config
    store, hasher = Store(settings.store, 30.0), Hasher(settings.hashing)
    password = ""
    try:
        await admin.upgrade(store)
        if wish.logins and any(each.type == "password" for each in settings.verifiers):
            password = secrets.token_urlsafe(16)
        stored = await hasher.hash(password) if password else None
        rows = (_row(number, stored) for number in range(wish.users))
        await import_users(store, hasher, settings.hashing, rows, ImportOptions(), Watched(_unexpected))
        names = [_user(number) for number in range(wish.users)]
        verifier = next(each for each in settings.verifiers if each.name == measured.verifier)
        if verifier.type == "issued":
            await admin.generate_key(store, verifier)
        keys, directory = keys_of(settings, store), directory_of(settings, store)
        keys.take_over()
        try:
            issuer = issuer_of(settings, directory.users, keys, store, measured.verifier)
            if issuer is None:
                raise Refused("no token can be made")
            clients: list[tuple[str, str]] = []
            for at in range(0, len(names), _AT_ONCE):
                some = names[at : at + _AT_ONCE]
                wanted = [Wanted(name, lifetime(verifier)) for name in some]
                tokens = await asyncio.gather(*(admin.issue_token(issuer, each, time.time()) for each in wanted))
                clients += [(name, each.text.reveal()) for name, each in zip(some, tokens, strict=True)]
        finally:
            await keys.close()
            await directory.close()
    finally:
        hasher.close()
        await store.close()
    return _Ready(given, measured, clients, password)


def lifetime(verifier: Any) -> int:
    """Seconds that a token lives which is issued for a verifier."""
    return min(_TTL, verifier.max_ttl) if verifier.type == "issued" else _TTL


def _user(number: int) -> str:
    return f"bench{number}"


def _row(number: int, stored: str | None) -> "Row":
    from authgate.userfiles import Row

    return Row(number, {"name": _user(number), "grants": _GRANTS} | ({"hash": stored} if stored else {}))


def _unexpected(_line: int, why: str) -> None:
    raise Refused(f"no users can be made for it: {why}")


def _rounds(
    keeper: Keeper, folder: Path, ready: _Ready, wish: Wish, findings: Findings, say: Callable[[str], None]
) -> None:
    settings = ready.measured.config
    base = settings.server.base.rstrip("/")
    log = folder / "serve.log"
    asked = {
        "config": str(settings.source),
        "url": ready.given.url.reveal(),
        "spool": str(ready.given.spool),
        "workers": wish.workers,
        "token_key": ready.given.token_key.reveal(),
    }
    with ExitStack() as stack:
        floor = stack.enter_context(
            keeper.started("authgate.bench.floor", {"port": (port := _free_port()), "workers": wish.workers}, log)
        )
        server = stack.enter_context(keeper.started("authgate.bench.serving", asked, log))
        at = int(programs.heard(server, _STARTS, "the server")["port"])
        _wait(server, at, wish.workers)
        _wait(floor, port, 0)
        who = sender(settings, wish.app, f"127.0.0.1:{at}")
        load = stack.enter_context(programs.load(keeper, who, ready.clients, ready.password))

        def round_of(what: str, process: Process, method: str, label: str, connections: int = 0) -> None:
            here, path = (port, "/hooks") if process is floor else (at, base)
            order = Order(what, "127.0.0.1", here, path, connections or wish.connections, wish.seconds)
            say(f"measuring: {label}")
            before = processes.cpu(process.pid) if processes.told() else None
            told = load.run(order)
            used = None if before is None else processes.cpu(process.pid) - before
            found = figure(label, told, method, used)
            if not found.hooks:
                findings.notes.append(f"nothing could be measured: {label}")
            else:
                findings.figures.append(found)
            if told["busy"] > _BUSY * told["seconds"]:
                findings.notes.append(f"{label}: what sent the hooks was as busy as it can be; a server may do more")
            if told["used_up"] and told["seconds"] < wish.seconds / 2 and found.hooks:
                findings.notes.append(f"{label}: everybody had come after {told['seconds']:.1f} s; see --users")

        round_of("floor", floor, _FLOOR, FLOOR)
        round_of("connect", server, "connect", CONNECT)
        round_of("play", server, "playStream", "playStream")
        round_of("status", server, EVENT, EVENT)
        round_of("unknown", server, UNKNOWN, "a hook of tomorrow")
        if processes.told():
            findings.memory = [processes.memory(each) for each in processes.workers(server.pid)]
        else:
            findings.notes.append("processor time and memory are told on Linux alone")
        if ready.password:
            round_of("login", server, "connect", LOGIN, min(wish.connections, findings.cores))
    if any(each.refused or each.failed for each in findings.figures):
        findings.notes.append(f"hooks were refused or not answered{_why(log)}")


def _why(log: Path) -> str:
    """What the log says of the first that was refused."""
    with suppress(OSError, ValueError, KeyError), log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if '"rejected"' in line:
                told = json.loads(line)
                return f", the first of them: {told['hook']}: {told['reason']}, rule {told['rule'] or '-'}"
    return ""


def _wait(process: Process, port: int, workers: int) -> None:
    """Come back when it answers, and each of so many workers has said that it is ready."""
    give_up, seen = time.monotonic() + _STARTS, set[int]()
    while time.monotonic() < give_up and process.poll() is None:
        with suppress(OSError, ValueError, KeyError):
            status, _ = _asked(port, "/readyz" if workers else "/")
            if workers and status == 200:
                seen.add(_asked(port, "/healthz")[1]["worker"]["process"])
            if len(seen) >= workers:
                return
        time.sleep(0.02)
    raise Refused("the server that is to be measured does not become ready")


def _asked(port: int, path: str) -> tuple[int, Any]:
    """The status of an answer, and its JSON where it is 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if answer.status == 200 else None
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
