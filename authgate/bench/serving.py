"""A process that serves an operator's configuration on a store for measuring, until its standard input ends."""

import json
import os
import signal
import sys
from pathlib import Path

from authgate.bench.own import Given, own
from authgate.bench.parent import end_with_parent
from authgate.config import load
from authgate.errors import AuthgateError
from authgate.model import Secret
from authgate.server.hangups import hangups
from authgate.server.listeners import Listeners
from authgate.server.run import serve_by


def main() -> None:
    """The first line of standard input says what to serve; standard output tells the port, or why there is none."""
    hangups()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked = json.loads(sys.stdin.readline())
    end_with_parent()
    try:
        config = load(Path(asked["config"]), os.environ)
        given = Given(Secret(asked["url"]), Path(asked["spool"]), asked["workers"], Secret(asked["token_key"]))
        serve_by(own(config, given).config, _opened)
    except AuthgateError as error:
        _say({"error": str(error)})
        sys.exit(1)


def _opened(listeners: Listeners) -> None:
    _say({"port": listeners.hooks.getsockname()[1]})


def _say(told: dict[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
