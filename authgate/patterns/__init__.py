"""Patterns of names, and the ways in which a name can be read.

What a client names is read by others after us: by the media server, by what it fetches from, by what stands
between. They may decode it, cut it and put it in order, or not. So a name is here all that somebody may read in
it, and a pattern matches it for sure only where it matches every reading.
"""

from authgate.patterns.name import MAX_LENGTH, Name, read_name
from authgate.patterns.pattern import Match, Pattern, escaped

__all__ = ["MAX_LENGTH", "Match", "Name", "Pattern", "escaped", "read_name"]
