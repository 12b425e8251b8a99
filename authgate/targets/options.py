"""The options of one target."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le

from authgate import tls
from authgate.hooks.caller import Login
from authgate.hooks.methods import METHODS
from authgate.model import Secret
from authgate.urls import split

EVERY = "*"  # in observe: each method, also one that nobody knows yet


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """Section ``[targets.NAME]``: another back end, that judges hooks, or sees them afterwards, or both."""

    url: str  # without the method, which is put behind it; it is shown to people, so no secret belongs in it
    timeout: Annotated[float, Gt(0), Le(15)] = 1.0  # seconds that one question may take, with all its attempts
    connections: Annotated[int, Ge(1), Le(1000)] = 32  # that questions may use at once, in each process
    retries: Annotated[int, Ge(0), Le(5)] = 1  # attempts after the first, where asking again does no harm
    insecure_fail_open: bool = False  # allows what is asked while the target does not answer
    hmac_key: Secret | None = None  # signs each body, as the media server does
    basic: Login | None = None  # sent with each hook
    max_answer: Annotated[int, Ge(1024), Le(1 << 30)] = 1_048_576  # bytes
    trip_after: Annotated[int, Ge(1), Le(10_000)] = 5  # questions in a row that go without an answer
    retry_after: Annotated[float, Gt(0), Le(3600)] = 2.0  # seconds that it is not asked any more then
    observe: tuple[str, ...] = ()  # methods whose hooks are sent to it once they have been answered
    observe_apps: tuple[str, ...] = ()  # only hooks of these applications; none given: of all
    queue_max_bytes: Annotated[int, Ge(0)] = 64 * 1024 * 1024  # bytes that may wait to be sent, in each process
    send_credentials: bool = False  # whether an observer is sent the clients' credentials
    ca_file: Path | None = None  # PEM; None: the authorities that this machine trusts
    insecure_skip_tls_verification: bool = False  # believes whoever answers

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", self.url.strip().rstrip("/"))
        if self.hmac_key is not None:
            # A Java properties file keeps no white space around a value, so neither does the key.
            object.__setattr__(self, "hmac_key", Secret(self.hmac_key.reveal().strip()))
        faults = [*self._faults_of_url(), *self._faults_of_credentials(), *self._faults_of_tls()]
        for name in self.observe:
            if name != EVERY and name not in METHODS:
                near = "".join(f"; did you mean '{each}'?" for each in get_close_matches(name, METHODS, 1))
                faults.append(f"observe: there is no method {name!r}{near}")
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def encrypted(self) -> bool:
        """Whether it is asked over TLS."""
        return tls.encrypted(self.url)

    @property
    def in_clear(self) -> bool:
        """Whether hooks, with the credentials in them, leave this machine without TLS."""
        return tls.in_clear(self.url)

    def observes(self, method: str, app_key: str) -> bool:
        """Whether hooks of this method and application are sent to it afterwards."""
        return (EVERY in self.observe or method in self.observe) and (
            not self.observe_apps or app_key in self.observe_apps
        )

    def _faults_of_url(self) -> Iterator[str]:
        """None of them shows the address: what is wrong with it may be a password."""
        found = split(self.url)
        if found is None or not (found.hostname and found.scheme in ("http", "https")):
            yield "url: must be an address such as 'http://192.0.2.20:8081/hooks'"
        elif "@" in self.url:
            yield "url: holds a user, a password or another @; put what it is to log in with in the option basic"
        elif "?" in self.url or "#" in self.url:
            yield "url: must end with its path, behind which the method is put; it has a query or a fragment"

    def _faults_of_credentials(self) -> Iterator[str]:
        if self.hmac_key is not None and not self.hmac_key:
            yield "hmac_key: is blank; anybody could sign with it"
        if self.basic is not None and not (self.basic.username and self.basic.password):
            yield "basic: the username or the password is empty"
        elif self.basic is not None and ":" in self.basic.username:
            yield "basic: a username cannot hold a colon"
        if self.hmac_key is not None and self.basic is not None:
            yield "basic: is given beside hmac_key, and both would be sent in the one header there is; remove one"

    def _faults_of_tls(self) -> Iterator[str]:
        if self.ca_file is not None and self.insecure_skip_tls_verification:
            yield "ca_file: is given, and insecure_skip_tls_verification says not to use it; remove one"
        if self.ca_file is not None and (fault := tls.fault_of_authorities(self.ca_file)):
            yield fault
