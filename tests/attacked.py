"""A whole authgate that is attacked, over HTTP."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
from click.testing import CliRunner

from authgate.cli import cli
from tests import process
from tests.trouble import kept

PASSWORD = "correct-horse-of-the-test"
REFUSED = (403, b'{"status":403,"reason":"Access denied"}')
MALFORMED = (400, b'{"status":400,"reason":"Malformed hook"}')
# Attacks are many, and none of them is to be stopped by what another one guessed.
SETTINGS = """
[hashing]
workers = 1
queue = 4

[log]
format = "json"
level = "debug"

[guessing]
per_user = 0
per_user_a_day = 0
answer_after = 0.0

[apps.open.policies]
connect = "allow_anonymous"
"""


class Attacked:
    """A server to send hooks to."""

    def __init__(self, server):
        self.server = server
        self.http = httpx.Client(base_url=server.url, timeout=30, trust_env=False)
        self.good = {"token": server.token()}

    def raw(self, method, body, headers=None):
        answer = self.http.post(f"/hooks/{method}", content=body, headers=headers)
        return answer.status_code, answer.content

    def get(self, path):
        answer = self.http.get(path)
        return answer.status_code, answer.json()

    def post(self, method, session="s", **fields):
        return self.raw(method, body(session, **fields))

    def connect(self, session="s", app="defaultApp", **custom):
        return self.post("connect", session, appKey=app, custom=custom)[0]

    def at_once(self, calls):
        """What each of these calls gives, all of them made at once."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return [made.result() for made in [pool.submit(*call) for call in calls]]

    def run(self, *arguments, given=None):
        """What a command prints that succeeds; another process than the server, but not one of its own."""
        variables = process.CHEAP | {"AUTHGATE_CONFIG": str(self.server.config)}
        done = CliRunner().invoke(cli, arguments, input=given, env=variables, prog_name="authgate")
        assert done.exit_code == 0, done.output
        return done.output

    def log(self):
        return self.server.config.with_name("serve.log").read_text()

    def live(self):
        return {each.key.session: each.client and each.client.user for each in kept(self.server.store_url)[1]}

    def reasons(self, session):
        return [each.reason for each in kept(self.server.store_url)[0] if each.key.session == session]


def body(session="s", **fields):
    return json.dumps({"nodeId": "n", "appKey": "defaultApp", "sessionId": session} | fields).encode()


@contextmanager
def servers(tmp_path_factory):
    """A function that starts servers, each once, until the end of the block."""
    with ExitStack() as stack:
        started = {}

        def start(name, settings, *arguments, store_url="", wait_for="/readyz", **users):
            if name not in started:
                config = process.prepare(tmp_path_factory.mktemp(name), settings, store_url, **users)
                started[name] = Attacked(stack.enter_context(process.serve(config, *arguments, wait_for=wait_for)))
                stack.callback(started[name].http.close)
            return started[name]

        yield start
        for each in started.values():  # all of them at once; each is waited for as the stack unwinds
            each.server.process.terminate()
