"""Messages that wait in the store -> the media server's nodes, in order, in the background."""

from authgate.delivery.deliverer import Deliverer

__all__ = ["Deliverer"]
