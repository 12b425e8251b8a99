"""The sockets on which workers are reached: made once, before any worker is, and shared by all of them."""

import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from authgate.config import Config
from authgate.errors import ConfigError, Refused

BACKLOG = 4096  # connections that wait to be accepted: after a restart of the media server all clients come at once
_ADMIN_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Listeners:
    """The open sockets."""

    hooks: socket.socket
    admin: socket.socket | None = None  # None: nobody administers over HTTP

    def close(self) -> None:
        """Be reached no more."""
        self.hooks.close()
        if self.admin is not None:
            self.admin.close()


def listen(config: Config) -> Listeners:
    """The sockets of a configuration.

    Raises:
        Refused: an address is taken, or is none of this machine's.
    """
    hooks = _listener(config.server.host, config.server.port, BACKLOG)
    if config.admin.listen is None:
        return Listeners(hooks)
    try:
        return Listeners(hooks, _listener(config.admin.host, config.admin.port, _ADMIN_BACKLOG))
    except Refused:
        hooks.close()
        raise


def url(listener: socket.socket, host: str, certificate: Path | None) -> str:
    """Where it is reached."""
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if certificate else 'http'}://{shown}:{listener.getsockname()[1]}"


def check_tls(section: str, certificate: Path | None, key: Path | None) -> None:
    """Come back if this certificate can be served, or there is none.

    Raises:
        ConfigError: it cannot; it names the option.
    """
    if certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError([f"{section}.tls_certificate: cannot be used with tls_key: {error.strerror}"]) from None


def _listener(host: str, port: int, backlog: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise Refused(f"cannot listen on {host}, port {port}: {why}") from None
