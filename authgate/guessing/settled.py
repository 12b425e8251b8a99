"""Who logs in from where it has just logged in, with nobody guessing there: such a login need not be counted."""

from collections import Counter

from authgate.guessing.keys import Guess, neighbourhood

MAX_KEPT = 100_000  # users at addresses; those that came first are forgotten first

_Place = tuple[str, str]


class Settled:
    """What one process has seen of users at addresses. Times are seconds of the event loop.

    A user is settled at an address by a good login, for as long as wrong passwords count, unless one was wrong there
    lately or another is being tried. Whatever is tried there and counted unsettles it. So of all that is brought there
    at once, and whatever the order, none but the first can be right without having been counted.
    """

    def __init__(self) -> None:
        self._until: dict[_Place, float] = {}
        self._doubted: dict[_Place, float] = {}
        self._under_way: Counter[_Place] = Counter()

    def __len__(self) -> int:
        return len(self._until) + len(self._doubted) + len(self._under_way)

    def knows(self, guess: Guess, now: float) -> bool:
        """Whether the user is settled there."""
        return self._until.get(_place(guess), 0.0) > now

    def began(self, guess: Guess) -> None:
        """A guess is going to be counted and tried."""
        place = _place(guess)
        self._until.pop(place, None)
        self._under_way[place] += 1

    def over(self, guess: Guess) -> None:
        """It was tried, or is not going to be."""
        place = _place(guess)
        self._under_way[place] -= 1
        if not self._under_way[place]:
            del self._under_way[place]

    def wrong(self, guess: Guess, until: float) -> None:
        """It was wrong, and that counts until then."""
        _put(self._doubted, _place(guess), until)

    def right(self, guess: Guess, now: float, until: float) -> None:
        """It was right; by then it is to be counted again."""
        place = _place(guess)
        if guess.exists and guess.address and self._under_way[place] == 1 and self._doubted.get(place, 0.0) <= now:
            _put(self._until, place, until)


def _place(guess: Guess) -> _Place:
    return guess.user, neighbourhood(guess.address)


def _put(times: dict[_Place, float], place: _Place, until: float) -> None:
    times.pop(place, None)
    times[place] = until
    if len(times) > MAX_KEPT:
        del times[next(iter(times))]
