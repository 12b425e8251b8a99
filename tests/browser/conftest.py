"""A real Chromium with the vendor's Web SDK in it. Where one of them is absent, its tests are skipped and say why."""

import functools
import http.server
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from tests import process

HMAC_KEY = "a-key-between-media-server-and-back-end"
PASSWORD = "correct horse of the test"
SETTINGS = f"""
[caller]
hmac_keys = ["{HMAC_KEY}"]

[apps.guarded.policies.methods]
publishStream = "deny"
playStream = "deny"
OnDataEvent = "deny"
"""

HERE = Path(__file__).parent
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
    """The page at ``/page.html``, the SDK below ``/sdk/``."""

    def translate_path(self, path: str) -> str:
        name = path.split("?")[0].rpartition("/")[2]
        return str(SDK / name if path.startswith("/sdk/") else HERE / name)

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
        return await self.page.evaluate("([url, options]) => open(url, options)", [url, options])

    async def start(self, verb, name, custom=None):
        return await self.page.evaluate("([verb, name, custom]) => start(verb, name, custom)", [verb, name, custom])

    async def send(self, payload):
        return await self.page.evaluate("(payload) => send(payload)", payload)

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
    context = await chromium.new_context()
    one = await context.new_page()
    frames = []
    one.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame)))
    await one.goto(f"{site}/page.html")
    yield Page(one, frames)
    await context.close()
