"""Other issuers' keys: fetched, kept in memory, and used on while their issuer is away."""

from authgate.key_sets.key_sets import KeySets
from authgate.key_sets.state import KeySetState, Shelf, State

__all__ = ["KeySetState", "KeySets", "Shelf", "State"]
