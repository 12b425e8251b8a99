"""How others are reached: whether over TLS, and by whose certificates."""

import ipaddress
import ssl
from pathlib import Path
from urllib.parse import urlsplit


def encrypted(url: str) -> bool:
    """Whether what is sent to this address goes over TLS."""
    return urlsplit(url).scheme.lower() == "https"


def in_clear(url: str) -> bool:
    """Whether what is sent to this address leaves this machine without TLS."""
    host = urlsplit(url).hostname or ""
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    return not here and not encrypted(url)


def fault_of_authorities(ca_file: Path) -> str:
    """What keeps the certificates of this file from being trusted, as ``option: what``; "" where nothing does."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
    except ssl.SSLError:
        return "ca_file: holds no certificate in PEM"
    except OSError as error:
        return f"ca_file: cannot be read: {error.strerror}"
    return ""
