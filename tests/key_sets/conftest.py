"""An issuer, and the keys that are fetched of it."""

import pytest

from authgate.key_sets import KeySets
from authgate.ports import KeySource
from authgate.verifiers.jwks import JwksOptions
from tests.key_sets.issuer import Clock, FakeShelf, issuing


@pytest.fixture
async def issuer():
    async with issuing() as found:
        yield found


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shelf():
    return FakeShelf()


@pytest.fixture
def source(issuer):
    return KeySource("https://id.example.com", f"{issuer.url}/keys", ("RS256", "ES256"))


@pytest.fixture
async def made():
    """Makes key sets that are closed at the end: ``made({source: options}, shelf, clock)``."""
    living = []

    def make(sources, shelf, clock, **others):
        living.append(KeySets(sources, shelf, clock, **others))
        return living[-1]

    yield make
    for each in living:
        await each.close()


@pytest.fixture
def options(source):
    return JwksOptions(source.url, timeout=0.5)


@pytest.fixture
def key_sets(made, source, options, shelf, clock):
    """The keys of the issuer: fresh for 600 seconds, used for a day, fetched every 30 seconds at most."""
    return made({source: options}, shelf, clock)
