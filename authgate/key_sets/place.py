"""Where the keys of an issuer are, and what comes of fetching them."""

from collections.abc import Awaitable, Callable

from authgate.ports import KeySource
from authgate.verifiers.jwks import JwksOptions

_DISCOVERY = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, 4

Fetch = Callable[[KeySource, JwksOptions], Awaitable[bytes]]


class FetchError(Exception):
    """There is no document; the message is one sentence that says why, and holds nothing that is secret."""


def address(source: KeySource) -> str:
    """Where the keys of a source are, or where it is said where they are."""
    return source.url or source.issuer.removesuffix("/") + _DISCOVERY
