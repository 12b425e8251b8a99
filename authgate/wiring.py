"""Config -> live objects; the one place that builds them."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from authgate.config import Config
from authgate.errors import StoreError
from authgate.gateway import AppWire, Gateway
from authgate.hooks.caller import Caller
from authgate.hooks.methods import METHODS
from authgate.hooks.reply import method_configs, rest_client_config
from authgate.model import Kind
from authgate.passwords import Hasher
from authgate.ports import VerdictLog
from authgate.rules import Rules
from authgate.store import Store
from authgate.verifiers.credentials import CredentialPaths


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that one worker runs on."""

    config: Config
    store: Store
    hasher: Hasher
    gateway: Gateway
    caller: Caller

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """In it, hooks can be answered; left, everything that was handed in is written or spooled."""
        await self.store.start()
        try:
            yield
        finally:
            self.hasher.close()
            await self.store.close()

    async def faults(self) -> list[str]:
        """What keeps this worker from letting anybody in; empty where it is ready."""
        faults = list(self.config.unready())
        try:
            await self.store.check()
            await self.store.ping()
            if self.config.needs_stored_users() and not await self.store.users.any():
                faults.append("no user can log in: the store has none that is enabled; run: authgate user add NAME")
        except StoreError as error:
            faults.append(str(error))
        return faults


def build(config: Config, verdicts: VerdictLog) -> Service:
    """The service that a configuration describes, not running yet."""
    store = Store(config.store)
    hasher = Hasher(config.hashing)
    rules = Rules(config.policies, {name: app.policies for name, app in config.apps.items()})
    gateway = Gateway(
        rules=rules,
        verifiers=config.verifiers,
        apps={name: wire(rules, name, app.credentials or config.credentials) for name, app in config.apps.items()},
        any_app=wire(rules, "", config.credentials),
        session_options=config.sessions,
        users=store.users,
        hasher=hasher,
        sessions=store.sessions,
        ledger=store.ledger,
        verdicts=verdicts,
        new_id=store.new_id,
        tally=Counter(),
    )
    return Service(config, store, hasher, gateway, Caller(config.caller))


def wire(rules: Rules, app_key: str, credentials: CredentialPaths) -> AppWire:
    """What is sent to and taken from an application: FAIL is asked for wherever its rules may refuse."""
    may_refuse = {
        method.name: method.refusable and rules.ruling(app_key, method).policy.refuses
        for method in METHODS.values()
        if method.kind is not Kind.CONNECT
    }
    return AppWire(credentials, rest_client_config(method_configs(may_refuse, credentials.roots())))
