"""What an ASGI server of your own runs: ``uvicorn --factory authgate.asgi:create``."""

import os

from starlette.types import ASGIApp

from authgate.config import load
from authgate.server.logs import set_up
from authgate.server.reload import Generation
from authgate.server.worker import Worker


def create() -> ASGIApp:
    """The application of one worker; the environment says where its configuration is, which it reads once.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    config = load(None, os.environ)
    return Worker(Generation(config), *set_up(config.log)).app()
