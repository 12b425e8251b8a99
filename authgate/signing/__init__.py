"""Our own keys, and the tokens that are signed with them."""

from authgate.signing.issuer import Issuer
from authgate.signing.ring import Ring

__all__ = ["Issuer", "Ring"]
