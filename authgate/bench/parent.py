"""A process that is not to outlive the command that started it: its standard input ends with that."""

import os
import signal
import sys
import threading
import time

_PATIENCE = 15.0  # seconds to end in when told to


def end_with_parent() -> None:
    """Have this process told to stop once standard input ends, and killed where it does not."""
    threading.Thread(target=_watch, name="parent", daemon=True).start()


def _watch() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os._exit(1)
