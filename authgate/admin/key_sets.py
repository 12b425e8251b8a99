"""Other issuers' keys: how they stand, and fetching them now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.key_sets import KeySetState
    from authgate.ports import KeySource
    from authgate.store import Store
    from authgate.verifiers import AnyVerifier
    from authgate.verifiers.jwks import JwksOptions


def key_sources(verifiers: "Sequence[AnyVerifier]") -> "dict[str, tuple[KeySource, JwksOptions]]":
    """Where the keys of issuers are, by the names of the token verifiers that use them."""
    found = {}
    for each in verifiers:
        if each.type == "token" and each.jwks is not None and (source := each.key_source) is not None:
            found[each.name] = source, each.jwks
    return found


async def key_set_states(store: "Store", verifiers: "Sequence[AnyVerifier]") -> "dict[str, KeySetState]":
    """How the issuers' keys stand in the store, by the names of their verifiers; nothing is fetched.

    Raises:
        StoreError: the store is away or too slow.
    """
    from authgate.key_sets import KeySets
    from authgate.store.key_sets import key_set_id

    sources = key_sources(verifiers)
    kept = {each.id: each for each in await store.key_sets.list()}
    key_sets = KeySets(dict(sources.values()), store.key_sets)
    await key_sets.load()
    states = {}
    for name, (source, _) in sources.items():
        state = key_sets.state(source)
        tried = kept.get(key_set_id(source))
        if tried is not None:
            state = replace(state, fetched_at=tried.fetched_at, tried_at=tried.tried_at, fault=tried.fault)
        states[name] = state
    await key_sets.close()
    return states


async def refresh_key_sets(store: "Store", verifiers: "Sequence[AnyVerifier]") -> "dict[str, KeySetState]":
    """How the issuers' keys stand, by the names of their verifiers, after they were fetched now and kept.

    Running workers fetch them too, within a second.

    Raises:
        StoreError: the store is away or too slow.
    """
    from authgate.key_sets import KeySets

    sources = key_sources(verifiers)
    key_sets = KeySets(dict(sources.values()), store.key_sets)
    await key_sets.load()
    await key_sets.refresh()
    await key_sets.close()
    await store.key_sets.changed()
    return {name: key_sets.state(source) for name, (source, _) in sources.items()}


def without_keys(states: "Mapping[str, KeySetState]") -> Sequence[str]:
    """The names of the verifiers that have no keys to verify with."""
    return [name for name, state in states.items() if not state.state.usable]
