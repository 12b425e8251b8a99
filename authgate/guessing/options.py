"""Section ``[guessing]``: how many wrong passwords are too many, for whom, and for how long."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from annotated_types import Ge, Le

from authgate import redis_urls
from authgate.model import Secret

STORE, MEMORY = "store", "memory"
_MOST = 100_000  # wrong passwords that a limit may let through
DAY = 86_400  # seconds
# Of the deadline: how long a failed login may be kept waiting for its answer, and a guess for its turn before that.
HELD, PATIENCE = 0.6, 0.25


@dataclass(frozen=True, slots=True)
class GuessingOptions:
    """Section ``[guessing]``: after so many wrong passwords within the window, no more are tried for a while.

    A limit of 0 is none.
    """

    storage: Secret = Secret(STORE)  # noqa: RUF009 - a Secret never changes
    window: Annotated[int, Ge(10), Le(DAY)] = 300  # seconds for which a wrong password counts
    per_user_and_address: Annotated[int, Ge(0), Le(_MOST)] = 5
    per_user: Annotated[int, Ge(0), Le(_MOST)] = 20  # from all addresses together
    per_address: Annotated[int, Ge(0), Le(_MOST)] = 100  # an IPv4 address or an IPv6 network of 64 bits
    per_app: Annotated[int, Ge(0), Le(_MOST)] = 3_000
    # The same within a day: else it would be enough to stay just below.
    per_user_and_address_a_day: Annotated[int, Ge(0), Le(_MOST)] = 30
    per_user_a_day: Annotated[int, Ge(0), Le(_MOST)] = 100
    per_address_a_day: Annotated[int, Ge(0), Le(_MOST)] = 1_000
    delay: Annotated[int, Ge(0), Le(60)] = 1  # seconds after the third wrong password, then twice as many each time
    lock: Annotated[int, Ge(10), Le(DAY)] = 300  # seconds, for the first time
    max_lock: Annotated[int, Ge(10), Le(7 * DAY)] = 3_600  # seconds; each lock lasts twice as long as the one before
    forget: Annotated[int, Ge(10), Le(365 * DAY)] = DAY  # seconds after a lock until the next one counts as the first
    remember: Annotated[int, Ge(0), Le(365 * DAY)] = 30 * DAY  # seconds for which an address is known after a login
    shared_addresses: tuple[IPv4Network | IPv6Network, ...] = ()  # of proxies, behind which clients are not told apart
    answer_after: Annotated[float, Ge(0), Le(5)] = 0.25  # seconds until a failed login is answered, at least

    def __post_init__(self) -> None:
        faults = [f"storage: {fault}"] if (fault := _storage_fault(self.storage.reveal())) else []
        if self.lock < self.window:
            faults.append(f"lock: must be window ({self.window} seconds) or more, or what it was for would still count")
        if self.max_lock < self.lock:
            faults.append(f"max_lock: must be lock ({self.lock} seconds) or more")
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def redis(self) -> bool:
        """Whether wrong passwords are counted in Redis."""
        return self.storage.reveal() not in (STORE, MEMORY)

    @property
    def storage_shown(self) -> str:
        """The storage, without its password."""
        text = self.storage.reveal()
        return redis_urls.shown(text) if self.redis else text


def _storage_fault(text: str) -> str:
    """What is wrong with a storage, or ""; it holds nothing of it, for that is a secret."""
    return "" if text in (STORE, MEMORY) else redis_urls.fault_of(text, f'"{STORE}", "{MEMORY}" or ')
