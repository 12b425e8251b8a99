"""What a worker needs is imported at start; what only some commands and pages need is not."""

import subprocess
import sys

LATER = (
    "alembic",
    "mako",
    "zxcvbn",
    "prometheus_client",
    "httpx",
    "redis",
    "authgate.admin",
    "authgate.server.admin",
)  # each costs every worker memory, and every start time


def test_a_worker_is_imported_without_what_only_commands_need():
    code = f"import sys\nimport authgate.server.run\nprint([name for name in {LATER!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
