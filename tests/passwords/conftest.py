"""Hashers for these tests."""

from collections.abc import Iterator

import pytest

from tests.passwords.hashers import CHEAP, EVERYTHING, Watched


@pytest.fixture
def hasher() -> Iterator[Watched]:
    made = Watched(CHEAP)
    yield made
    made.close()


@pytest.fixture
def tolerant() -> Iterator[Watched]:
    """One that verifies every legacy form there is."""
    made = Watched(EVERYTHING)
    yield made
    made.close()
