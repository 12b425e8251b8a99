"""``authgate.toml`` and the environment -> ``Config``."""

from authgate.config.options import AdminOptions, AppOptions, IssuingOptions, LogOptions, ServerOptions
from authgate.config.settings import Config, load
from authgate.config.show import shown

__all__ = ["AdminOptions", "AppOptions", "Config", "IssuingOptions", "LogOptions", "ServerOptions", "load", "shown"]
