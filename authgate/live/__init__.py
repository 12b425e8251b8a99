"""What goes on, kept true in the background: compared with the media server, ended, cleared up."""

from authgate.live.live import Live
from authgate.live.means import Means

__all__ = ["Live", "Means"]
