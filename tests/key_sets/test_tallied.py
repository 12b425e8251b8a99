"""Fetches are counted by their outcome, and by whose keys they are."""

from collections import Counter

from tests.key_sets.issuer import answer


async def test_fetches_are_counted(made, source, options, shelf, clock, issuer):
    tally = Counter()
    key_sets = made({source: options}, shelf, clock, tally=tally)
    await key_sets.refresh()
    issuer.answers["/keys"] = answer(b"no keys")
    await key_sets.refresh()
    await key_sets.refresh()
    assert tally == {"key_sets_fetched:https://id.example.com": 1, "key_sets_failed:https://id.example.com": 2}
