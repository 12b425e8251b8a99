"""Scripts of pages in a browser: which of them may log in, and which may read the public keys."""

import json
import re
from pathlib import Path

import pytest

from authgate.issuance import Wanted
from tests import process
from tests.server.live import SETTINGS, done, issuing, with_key
from tests.server.running import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = (Path(__file__).parents[2] / "docs" / "tokens.md").read_text()
[LOG_IN] = re.findall(r"<script>\n(.*?function logIn.*?)</script>", PAGE, re.DOTALL)
WRONG = "the user name or the password is wrong, or the user may not log in"


@pytest.fixture(scope="module")
def server(site, tmp_path_factory):
    """A server that lets the scripts of the site log in."""
    more = f'{SETTINGS}login_origins = ["{site}"]\n[guessing]\nper_user_and_address = 1\n'
    more += "[hashing]\nmemory = 1024\ntime = 1\n"
    with process.serve(with_key(tmp_path_factory.mktemp("login") / "authgate", more, bob=PASSWORD)) as server:
        yield server


@pytest.fixture
def log_in(server):
    """What the function of the manual comes back with on a page, or what it says where it fails."""
    script = LOG_IN.replace("https://authgate.example.com", server.url)

    async def log_in(page, username="ann", password=PASSWORD, fetch=script):
        ask = "([username, password]) => logIn(username, password).catch((error) => String(error))"
        await page.page.add_script_tag(content=fetch)
        return await page.page.evaluate(ask, [username, password])

    return log_in


async def test_a_page_that_may_log_in(server, page, log_in):
    token = await log_in(page, " Ann")
    assert json.loads(server.run("token", "check", "--json", token))["reason"] == "ok"
    assert await log_in(page, "bob", "wrong") == f"Error: {WRONG}"
    assert await log_in(page, "bob") == f"Error: {WRONG}", "it is locked, and nobody is told"


REFUSED = "TypeError: Failed to fetch"
ASKING_MORE = {
    "cookies": 'method: "POST", credentials: "include"',
    "an API key": 'method: "POST", headers: { authorization: "Bearer x" }',
    "another verb": 'method: "PUT"',
}


@pytest.mark.parametrize("more", ASKING_MORE.values(), ids=ASKING_MORE)
async def test_what_the_browser_does_not_let_it_read(server, page, log_in, more):
    script = LOG_IN.replace("https://authgate.example.com", server.url)
    assert await log_in(page, fetch=script.replace('method: "POST"', more)) == REFUSED


async def test_a_page_of_another_origin(server, site, page, log_in):
    await page.page.goto(f"{site.replace('127.0.0.1', 'localhost')}/page.html")
    assert await log_in(page) == REFUSED
    keys = f"fetch('{server.url}/.well-known/jwks.json').then((answer) => answer.json())"
    key_id = done(server.config, issuing(Wanted("ann", 60)))[0].key_id
    assert [each["kid"] for each in (await page.page.evaluate(keys))["keys"]] == [key_id]
    for path in ("/openapi.json", "/healthz"):
        text = f"fetch('{server.url}{path}').catch((error) => String(error))"
        assert await page.page.evaluate(text) == REFUSED
