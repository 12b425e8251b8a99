"""authgate's server within the tests' own process: a process of its own takes seconds of work only to begin."""

import gc
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx
import uvicorn

from authgate.config import load
from authgate.server.logs import Lines, NoVerdicts
from authgate.server.reload import Generation
from authgate.server.worker import Worker
from tests.process import CHEAP, PATIENCE, Running
from tests.trouble import awaited


@contextmanager
def serve(config: Path, port: int = 0) -> Iterator[Running]:
    """As ``process.serve`` with one worker, on a thread of its own and on this port; it tells no verdicts.

    Raises:
        AssertionError: it did not become ready.
        ConfigError: the configuration cannot be used.
    """
    worker = Worker(Generation(load(config, CHEAP)), _nowhere(), NoVerdicts())
    administered = worker.in_force.config.admin.listen is not None
    admin_listener = socket.create_server(("127.0.0.1", 0)) if administered else None
    server = uvicorn.Server(
        uvicorn.Config(
            worker.app(admin_listener=admin_listener),
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            http="authgate.server.protocol:HookProtocol",
            ws="none",
            lifespan="on",
        )
    )
    thresholds = gc.get_threshold()
    gc.freeze()  # a worker has all looked at that was there before, which is much here
    with socket.create_server(("127.0.0.1", port)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            awaited(lambda: server.started or not thread.is_alive())
            assert server.started
            awaited(lambda: httpx.get(f"{url}/readyz", trust_env=False, verify=False).status_code == 200)
            admin = admin_listener and f"http://127.0.0.1:{admin_listener.getsockname()[1]}"
            yield Running(url, config, admin=admin or "")
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            gc.unfreeze()
            gc.set_threshold(*thresholds)


@cache  # its thread stays
def _nowhere() -> Lines:
    return Lines(os.open(os.devnull, os.O_WRONLY))
