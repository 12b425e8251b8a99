"""The media server's own REST API, by which authgate asks who is there, ends connections and passes messages on."""

from authgate.wcs.nodes import WcsNodes
from authgate.wcs.options import WcsOptions
from authgate.wcs.reading import WcsCall, WcsConnection, WcsStream

__all__ = ["WcsCall", "WcsConnection", "WcsNodes", "WcsOptions", "WcsStream"]
