"""A real Chromium with the vendor's Web SDK in it. Where one of them is absent, its tests are skipped and say why."""

import asyncio
import functools
import http.server
import shutil
import subprocess
import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from tests import process

HMAC_KEY = "a-key-between-media-server-and-back-end"
PASSWORD = "correct horse of the test"
PATIENCE = 20  # seconds until a page that does not answer is given up
SETTINGS = f"""
[caller]
hmac_keys = ["{HMAC_KEY}"]

[apps.guarded.policies.methods]
publishStream = "deny"
playStream = "deny"
OnDataEvent = "deny"
"""

HERE = Path(__file__).parent
CHAT = HERE.parents[1] / "examples" / "chat"
SDK = HERE / "node_modules" / "@flashphoner" / "websdk"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-port=0",
]


class _Handler(http.server.SimpleHTTPRequestHandler):
    """The page at ``/page.html``, the example of a chat below ``/chat/``, the SDK below any ``sdk/``."""

    def translate_path(self, path: str) -> str:
        folder, _, name = path.split("?")[0].rpartition("/")
        if folder.endswith("/sdk"):
            return str(SDK / name)
        return str(CHAT / (name or "index.html") if folder == "/chat" else HERE / name)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: a test's output is its own."""


@pytest.fixture(scope="session")
def sdk():
    """Where the Web SDK is, installed from the lock if it was not."""
    if not (SDK / "package.json").exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("the Web SDK is not installed and npm is absent")
        done = subprocess.run([npm, "ci", "--ignore-scripts"], cwd=HERE, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"the Web SDK could not be installed: npm ci exited with {done.returncode}")
    return SDK


@pytest.fixture(scope="session")
def site(sdk):
    """The address of the page."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(HERE)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def authgate_process(sdk, tmp_path_factory):
    """A server that trusts HMAC_KEY, with the users ann, and bob who is disabled, both with PASSWORD."""
    config = process.prepare(tmp_path_factory.mktemp("authgate"), SETTINGS, ann=PASSWORD, bob=PASSWORD)
    with process.serve(config) as server:
        server.run("user", "disable", "bob")
        yield server


@dataclass
class Page:
    """The page with the SDK; ``frames`` is all that its WebSockets have received."""

    page: object
    frames: list[str]

    async def open(self, url, **options):
        """What the session was told, from CONNECTED to ESTABLISHED or its end."""
        return await self.ask("open", url, options)

    async def start(self, verb, name, custom=None):
        return await self.ask("start", verb, name, custom)

    async def call(self, callee):
        return await self.ask("call", callee)

    async def snapshot(self, name):
        return await self.ask("snapshot", name)

    async def available(self, name):
        return await self.ask("available", name)

    async def send(self, payload):
        return await self.ask("send", payload)

    async def ask(self, function, *arguments):
        """What a function of the page comes back with.

        Raises:
            TimeoutError: it does not.
        """
        async with asyncio.timeout(PATIENCE):
            return await self.page.evaluate(f"(given) => {function}(...given)", arguments)

    async def told(self):
        """All that the session was told until now."""
        return await self.page.evaluate("told")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium, site):
    """A page of its own for each test."""
    async with _visited(chromium, site) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def other(chromium, site):
    """The page of another visitor."""
    async with _visited(chromium, site) as one:
        yield one


@asynccontextmanager
async def _visited(chromium, site):
    context = await chromium.new_context()
    one = await context.new_page()
    frames = []
    one.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame)))
    await one.goto(f"{site}/page.html")
    yield Page(one, frames)
    await context.close()
