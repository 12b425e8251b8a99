"""Where a user comes from who is not, or not only, the store's."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The source beside the store that a user is of, or was adopted from."""

    source: str  # its name in the configuration
    known_as: str  # the user's name as it is written there
    version: int  # drawn from the password's hash there, and below 0
    linked: bool = False  # whether the store has adopted the user
    moves: bool = False  # whether the store takes the user over for good, once its password is proven
