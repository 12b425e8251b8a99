"""The options that belong to no other room."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MinLen

from authgate.rules import AppPolicies
from authgate.verifiers.credentials import CredentialPaths

_BASE = re.compile(r"/|(/[A-Za-z0-9._~-]+)+/?")
_TAKEN = ("/healthz", "/readyz")


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
            faults.append("base: is the path of a health check; choose another")
        for given, other in (("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")):
            path = getattr(self, given)
            if path is not None and getattr(self, other) is None:
                faults.append(f"{other}: is missing; TLS needs it beside {given}")
            if path is not None and not path.is_file():
                faults.append(f"{given}: no such file; give the path of a PEM file, or remove both TLS options")
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the listener."""
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


@dataclass(frozen=True, slots=True)
class AppOptions:
    """Section ``[apps.NAME]``: what differs for one application of the media server, told by its appKey."""

    policies: AppPolicies = field(default_factory=AppPolicies)
    credentials: CredentialPaths | None = None  # None: as in [credentials], and so is the half that it leaves out


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Section ``[log]``: how the log on standard error is written."""

    format: Literal["auto", "json", "console"] = "auto"  # auto: console on a terminal, else JSON
    level: Literal["debug", "info", "warning", "error"] = "info"


Apps = Mapping[Annotated[str, MinLen(1)], AppOptions]
