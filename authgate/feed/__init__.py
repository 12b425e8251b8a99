"""What happens, told as it happens: the records as events, to readers, to the terminal and to webhooks."""

from authgate.feed.event import KINDS, Event, Note
from authgate.feed.feed import Feed, Reader
from authgate.feed.filters import Filter
from authgate.feed.options import FeedOptions
from authgate.feed.webhook import WebhookOptions
from authgate.feed.webhooks import Webhooks

__all__ = ["KINDS", "Event", "Feed", "FeedOptions", "Filter", "Note", "Reader", "WebhookOptions", "Webhooks"]
