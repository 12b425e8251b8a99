"""Values that no one changes, at the price of those that one could."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool):
        """A dataclass that the type checker holds to be frozen, and that is built as fast as one that is not.

        A frozen one sets each of its fields by a call, which for the dozen values of one hook is a tenth of all that
        the hook costs.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["value"]
