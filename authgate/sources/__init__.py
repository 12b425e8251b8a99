"""Sources of users beside the store: tables that belong to somebody else, and are only read."""

from authgate.sources.directory import Directory
from authgate.sources.options import SourceOptions, UsersOptions

__all__ = ["Directory", "SourceOptions", "UsersOptions"]
