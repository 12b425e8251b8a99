"""The options of the stream of another system that the trail is sent on to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from authgate import redis_urls
from authgate.model import Secret

_KEY = re.compile(r"[!-~]{1,128}")
DEFAULT_KEY = "authgate:records"


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Section ``[records.stream]``: a stream of Redis that all records are sent on to, in order and each once."""

    url: Secret | None = None  # it may hold a password; None: they are sent nowhere
    key: str = DEFAULT_KEY  # of the stream; how far it has come is kept under it
    max_entries: Annotated[int, Ge(0), Le(10**12)] = 0  # that Redis keeps, about: the newest; 0: all

    def __post_init__(self) -> None:
        if self.url is not None:
            object.__setattr__(self, "url", Secret(self.url.reveal().strip()))
        faults = [*self._faults()]
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def address(self) -> str:
        """The address with its password, for whoever connects; "" where there is none."""
        return "" if self.url is None else self.url.reveal()

    @property
    def shown(self) -> str | None:
        """The address for people, without its password."""
        return None if self.url is None else redis_urls.shown(self.address)

    def _faults(self) -> Iterator[str]:
        """None of them shows the address."""
        if self.url is not None and (fault := redis_urls.fault_of(self.address)):
            yield f"url: {fault}"
        if self.url is None and (self.key != DEFAULT_KEY or self.max_entries):
            yield "url: is missing, and nothing would be sent; write redis://:PASSWORD@HOST:PORT/NUMBER"
        if not _KEY.fullmatch(self.key):
            yield "key: is 1 to 128 printable characters of ASCII without blanks, such as 'authgate:records'"
