"""What happens, told as it happens: the records as events, to readers, to the terminal, to webhooks and to a stream."""

from authgate.feed.event import KINDS, Event, Note
from authgate.feed.feed import Feed, Reader
from authgate.feed.filters import Filter
from authgate.feed.options import FeedOptions
from authgate.feed.record_stream import RecordStream
from authgate.feed.stream import StreamOptions
from authgate.feed.webhook import WebhookOptions
from authgate.feed.webhooks import Webhooks

__all__ = [
    "KINDS",
    "Event",
    "Feed",
    "FeedOptions",
    "Filter",
    "Note",
    "Reader",
    "RecordStream",
    "StreamOptions",
    "WebhookOptions",
    "Webhooks",
]
