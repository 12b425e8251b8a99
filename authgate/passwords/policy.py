"""What a new password has to be, beyond what a hash can be made of."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le

from authgate.errors import Refused
from authgate.passwords.breached import Breached

_SCORED = 72  # characters; what the library takes at most


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """Section ``[passwords]``: what new passwords are held to, in a file too; hashes and what is there already are not.

    The default is the least that NIST SP 800-63B names for a password that a person chooses (5.1.1.2), and there are no
    rules of composition, which that page advises against.
    """

    min_length: Annotated[int, Ge(1), Le(128)] = 8  # characters, in the form in which it is kept
    min_score: Annotated[int, Ge(0), Le(4)] = 0  # of zxcvbn: how hard it is to guess; 0: it is not asked
    breached: Path | None = None  # a file of passwords that are known to thieves; None: there is none

    def demand(self, password: str, names: Sequence[str] = ()) -> None:
        """Come back if this may be the password of somebody who goes by these names.

        Raises:
            Refused: it may not; with the rule, and nothing of the password.
            ConfigError: the file of known passwords cannot be used.
        """
        kept = unicodedata.normalize("NFKC", password)
        if len(kept) < self.min_length:
            raise Refused(f"a password has at least {self.min_length} characters (passwords.min_length)")
        if kept.casefold() in {unicodedata.normalize("NFKC", name).casefold() for name in names}:
            raise Refused("a password is not the user's own name")
        if self.min_score:
            self._demand_score(kept, names)
        if self.breached is not None and Breached(self.breached).holds({password, kept}):
            raise Refused("the password is known from breaches, and so to whoever guesses (passwords.breached)")

    def _demand_score(self, password: str, names: Sequence[str]) -> None:
        # Here, since its dictionaries take long to load; and it has no types.
        from zxcvbn import zxcvbn  # type: ignore[import-untyped]

        found = zxcvbn(password[:_SCORED], list(names), max_length=_SCORED)
        if found["score"] < self.min_score:
            why = str(found["feedback"]["warning"]).rstrip(".")  # one of the library's own sentences
            told = f": {why[0].lower()}{why[1:]}" if why else ""
            wanted = f"its score is {found['score']}, and passwords.min_score wants {self.min_score}"
            raise Refused(f"the password is too easy to guess{told} ({wanted})")
