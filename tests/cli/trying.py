"""Hooks tried by the command line."""

import json

from authgate.model import SessionKey

KEY = SessionKey("n", "/1")


RULES = """
[[rules]]
name = "closed"
methods = ["publishStream"]
names = ["closed-*"]
policy = { type = "deny", reason = "Closed" }
[[rules]]
name = "own"
methods = ["publishStream"]
names = ["cam*"]
policy = { type = "session" }
rewrites = [{ type = "put", field = "name", value = "int-{name}" }]
[[rules]]
name = "calls"
methods = ["call"]
policy = { type = "forward", target = "legacy", overwrite = ["callee"] }
[[rules]]
name = "nights"
methods = ["snapshot"]
times = ["22:00-06:00"]
policy = { type = "deny" }
[targets.legacy]
url = "http://127.0.0.1:9/hooks"
"""


def body(**fields):
    return json.dumps({"nodeId": "n", "appKey": "app", "sessionId": "/1", **fields})


def tried(authgate, sent, *arguments, status=0, **how):
    return authgate("hook", "try", "-", *arguments, stdin=sent, status=status, **how).stdout


def as_json(authgate, sent, *arguments, **how):
    return json.loads(tried(authgate, sent, *arguments, "--json", **how))
