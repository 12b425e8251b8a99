"""The options that belong to no other room."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MinLen

from authgate.api_keys import MAX_TTL
from authgate.feed import StreamOptions
from authgate.limits import AppLimits
from authgate.origins import normal
from authgate.rules import AppPolicies
from authgate.store.retention import RecordOptions
from authgate.verifiers.credentials import CredentialPaths

_BASE = re.compile(r"/|(/[A-Za-z0-9._~-]+)+/?")
_LISTEN = re.compile(r"(?:(?P<host>[A-Za-z0-9._-]+)|\[(?P<six>[0-9A-Fa-f:.]+)\]):(?P<port>[0-9]{1,5})")
_TAKEN = ("/healthz", "/readyz", "/tokens", "/login", "/.well-known/jwks.json", "/openapi.json")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Section ``[server]``: where hooks are received, and how long one may take."""

    host: str = "127.0.0.1"
    port: Annotated[int, Ge(0), Le(65535)] = 8080  # 0: any free one
    workers: Annotated[int, Ge(1), Le(256)] = 1  # processes
    base: str = "/hooks"  # path before the method: POST {base}/{method}
    deadline: Annotated[float, Gt(0), Le(15)] = 2.0  # seconds; the media server itself gives up after 15
    max_body: Annotated[int, Ge(1024), Le(1 << 30)] = 1_048_576  # bytes
    keep_alive: Annotated[int, Ge(1), Le(86400)] = 75  # seconds; longer than the media server's idle time
    tls_certificate: Path | None = None  # PEM, with its chain
    tls_key: Path | None = None  # PEM, without a passphrase

    def __post_init__(self) -> None:
        faults = []
        if not self.host.strip():
            faults.append("host: is empty; for every address of this machine write '0.0.0.0' or '::'")
        if not _BASE.fullmatch(self.base):
            faults.append("base: must be a path such as '/hooks', beginning with '/'")
        elif self.base.rstrip("/") in _TAKEN:
            faults.append("base: is a path that authgate answers itself; choose another")
        faults += _tls_faults(self.tls_certificate, self.tls_key)
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the listener."""
        return _is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class RecordsOptions(RecordOptions):
    """Section ``[records]``: how long records are kept, and where they are sent on to."""

    stream: StreamOptions = field(default_factory=StreamOptions)


@dataclass(frozen=True, slots=True)
class AdminOptions:
    """Section ``[admin]``: where authgate is administered over HTTP. It is off by default."""

    listen: str | None = None  # HOST:PORT; None: nowhere
    tls_certificate: Path | None = None  # PEM, with its chain
    tls_key: Path | None = None  # PEM, without a passphrase
    insecure_without_tls: bool = False  # others than this machine may reach it, in clear
    insecure_metrics_without_key: bool = False  # whoever is on this machine may scrape
    max_connections: Annotated[int, Ge(1), Le(10_000)] = 256  # of each worker

    def __post_init__(self) -> None:
        faults = _tls_faults(self.tls_certificate, self.tls_key)
        if self.listen is not None:
            try:
                _host_and_port(self.listen)
            except ValueError as fault:
                faults.append(f"listen: {fault}")
            else:
                if not (_is_loopback(self.host) or self.tls_certificate or self.insecure_without_tls):
                    faults.append(
                        "listen: others than this machine can reach this address, and keys would cross the network in "
                        "clear; set tls_certificate and tls_key, or listen on '127.0.0.1:PORT', or set "
                        "insecure_without_tls = true"
                    )
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def host(self) -> str:
        """The address to listen on, without brackets; "" where it is off."""
        return "" if self.listen is None else _host_and_port(self.listen)[0]

    @property
    def port(self) -> int:
        """The port to listen on; 0: any free one."""
        return 0 if self.listen is None else _host_and_port(self.listen)[1]

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the listener."""
        return self.listen is None or _is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class AppOptions:
    """Section ``[apps.NAME]``: what differs for one application of the media server, told by its appKey."""

    policies: AppPolicies = field(default_factory=AppPolicies)
    limits: AppLimits = field(default_factory=AppLimits)
    credentials: CredentialPaths | None = None  # None: as in [credentials], and so is the half that it leaves out


@dataclass(frozen=True, slots=True)
class IssuingOptions:
    """Section ``[issuing]``: what web applications get from us over HTTP. All of it is off by default."""

    tokens: bool = False  # POST /tokens: a token for whom an application says, by its API key
    login: bool = False  # POST /login: a token for a user's password
    publish_keys: bool = False  # GET /.well-known/jwks.json: our public keys
    login_origins: tuple[str, ...] = ()  # of pages whose scripts may log in; exact
    login_ttl: Annotated[int, Ge(1), Le(MAX_TTL)] = 300  # seconds
    max_ttl: Annotated[int, Ge(1), Le(MAX_TTL)] = 86_400  # seconds that any token lives at most

    def __post_init__(self) -> None:
        faults = [
            f"login_origins: {text!r} is no origin as browsers send it, such as 'https://www.example.com': small "
            "letters, no path, no default port and no wildcard"
            for text in self.login_origins
            if not _is_origin(text)
        ]
        if self.login_ttl > self.max_ttl:
            faults.append("login_ttl: must be at most max_ttl")
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def any(self) -> bool:
        """Whether anything is on."""
        return self.issues or self.publish_keys

    @property
    def issues(self) -> bool:
        """Whether tokens are issued."""
        return self.tokens or self.login


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Section ``[log]``: how the log on standard error is written."""

    format: Literal["auto", "json", "console"] = "auto"  # auto: console on a terminal, else JSON
    level: Literal["debug", "info", "warning", "error"] = "info"


def _tls_faults(certificate: Path | None, key: Path | None) -> list[str]:
    faults = []
    paths = {"tls_certificate": certificate, "tls_key": key}
    for given, other in (("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")):
        path = paths[given]
        if path is not None and paths[other] is None:
            faults.append(f"{other}: is missing; TLS needs it beside {given}")
        if path is not None and not path.is_file():
            faults.append(f"{given}: no such file; give the path of a PEM file, or remove both TLS options")
    return faults


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _host_and_port(text: str) -> tuple[str, int]:
    """Raises ValueError where it is not HOST:PORT."""
    found = _LISTEN.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        raise ValueError("must be an address and a port, such as '127.0.0.1:8081' or '[::1]:8081'")
    return found["host"] or found["six"], int(found["port"])


def _is_origin(text: str) -> bool:
    """Whether a browser could send this as an ``Origin`` (RFC 6454, 6.1): it is compared as it stands."""
    return text.startswith(("http://", "https://")) and normal(text) == text


Apps = Mapping[Annotated[str, MinLen(1)], AppOptions]
