"""What lies beyond the media server: cameras that it pulls from, and the telephone exchange."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.standin.wire import Fields


@dataclass(frozen=True, slots=True)
class Account:
    """How a session makes itself known at the exchange."""

    login: str
    password: str
    domain: str

    @classmethod
    def of(cls, connection: Fields) -> Account | None:
        """The account in a connection object, None where it has no login."""
        login = connection.get("sipAuthenticationName") or connection.get("sipLogin")
        if not login:
            return None
        return cls(str(login), str(connection.get("sipPassword", "")), str(connection.get("sipDomain", "")))


@dataclass(frozen=True, slots=True)
class Dialed:
    """One call as the exchange was asked for it."""

    callee: str
    account: Account | None
    visible_name: str = ""


@dataclass(slots=True)
class Outside:
    """At rest there is no camera anywhere, and the exchange takes everybody."""

    cameras: set[str] = field(default_factory=set)  # addresses at which one answers, in full
    accounts: dict[str, str] | None = None  # login and password; None: the exchange takes everybody
    pulled: list[str] = field(default_factory=list)  # each address that a stream was pulled from
    registered: list[Account] = field(default_factory=list)
    dialed: list[Dialed] = field(default_factory=list)  # each call that the exchange has put through

    def pull(self, address: str) -> bool:
        """Whether a camera answers there."""
        if address not in self.cameras:
            return False
        self.pulled.append(address)
        return True

    def register(self, account: Account) -> bool:
        """Whether the exchange takes an account."""
        if not self._knows(account):
            return False
        self.registered.append(account)
        return True

    def dial(self, call: Fields, account: Account | None) -> bool:
        """Whether the exchange puts a call through."""
        if not self._knows(account):
            return False
        self.dialed.append(Dialed(str(call.get("callee", "")), account, str(call.get("visibleName", ""))))
        return True

    def _knows(self, account: Account | None) -> bool:
        if self.accounts is None:
            return True
        return account is not None and self.accounts.get(account.login) == account.password
