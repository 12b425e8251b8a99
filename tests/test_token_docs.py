"""The examples of docs/tokens.md and docs/keys.md do what is said of them."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest

from authgate.admin import check_token
from authgate.cli.explain import explain
from authgate.config import load
from authgate.model import Credentials, Principal, Secret, User
from tests.here import serve
from tests.process import prepare
from tests.verifiers.fakes import means
from tests.verifiers.forge import signed as forged

DOCS = Path(__file__).parents[1] / "docs"
TOKENS = (DOCS / "tokens.md").read_text()
KEYS = (DOCS / "keys.md").read_text()
SECRET = "c2VjcmV0IG9mIHRoZSBzaG9wLCBhcyB0ZXh0IG9ubHkh"  # base64 of text, and taken as the text that it is
ANN = User("ann", "Ann")
PATIENCE = 60  # seconds until a program that does not end is given up


def blocks(page, language):
    """The code blocks of a language, without the indentation of a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", page, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"(?m)^{indent}", "", text) for indent, text in found]


def block(language, name):
    """The only block of a language that has this name in its first line."""
    [found] = [each for each in blocks(TOKENS, language) if name in each.splitlines()[0]]
    return found


def verifier(folder):
    """What the page's configuration of an application that shares a secret comes to."""
    [sample] = blocks(TOKENS, "toml")
    (folder / "secret").write_text(f"{SECRET}\n")
    (folder / "authgate.toml").write_text(re.sub(r'file = "[^"]+"', 'file = "secret"', sample))
    [found] = load(folder / "authgate.toml", {}).verifiers
    return found


def run(command, folder, **environment):
    """What a program prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


PROGRAMS = {
    "PyJWT": ("python", "sign_pyjwt.py", sys.executable),
    "the standard library": ("python", "sign_stdlib.py", sys.executable),
    "Node": ("js", "sign.mjs", shutil.which("node")),
}
if php := shutil.which("php"):  # the page says that this one is run only where PHP is
    PROGRAMS["PHP"] = ("php", "sign.php", php)


@pytest.mark.parametrize(("language", "name", "program"), PROGRAMS.values(), ids=PROGRAMS)
async def test_program_signs_a_token_that_is_accepted(language, name, program, tmp_path):
    if program is None:
        pytest.skip("node is not installed")
    (tmp_path / name).write_text(block(language, name))
    printed = run([program, name], tmp_path, TOKEN_SECRET=SECRET)
    shop = verifier(tmp_path)
    offered = Credentials(token=Secret(printed.removesuffix("\n")))
    client = await shop.verify(offered, means(ANN, now=time.time()))
    assert isinstance(client, Principal)
    assert (client.user, client.grants) == ("ann", ("publish:ann-*", "play:*"))
    assert client.token_id
    assert client.issued.issued_at <= time.time()
    assert client.expires_at == client.issued.issued_at + 300


def test_programs_have_no_more_imports_than_is_said():
    assert re.findall(r'from "([^"]+)"', block("js", "sign.mjs")) == ["node:crypto"]
    imported = re.findall(r"^(?:import|from) (\w+)", block("python", "sign_stdlib.py"), re.MULTILINE)
    assert {*imported} <= sys.stdlib_module_names


def good(**changed):
    now = int(time.time())
    claims = {"iss": "https://shop.example.com", "aud": "wcs", "sub": "ann", "iat": now, "exp": now + 300, "jti": "1"}
    return {name: value for name, value in (claims | changed).items() if value is not None}


def signed(key=SECRET, algorithm="HS256", **changed):
    return jwt.encode(good(**changed), key, algorithm)


MISTAKES = {
    "milliseconds in `exp`": lambda: signed(exp=int(time.time() * 1000)),
    "a time as text": lambda: signed(exp="2027-01-31T00:00:00Z"),
    "no `exp`": lambda: signed(exp=None),
    "the user under another name": lambda: signed(sub=None, username="ann"),
    "the user is not in the store": lambda: signed(sub="zoe"),
    "`Bearer` before it": lambda: f"Bearer {signed()}",
    "quotes around it": lambda: json.dumps(signed()),
    "broken over two lines": lambda: f"{signed()[:60]}\n{signed()[60:]}",
    "cut off in the middle": lambda: signed().rpartition(".")[0],
    "cut off near the end": lambda: signed()[:-7],
    "another audience": lambda: signed(aud="web"),
    "no audience": lambda: signed(aud=None),
    "another issuer": lambda: signed(iss="https://other.example.com"),
    "no issuer": lambda: signed(iss=None),
    "a clock that is fast": lambda: signed(iat=int(time.time()) + 300, exp=int(time.time()) + 600),
    "a clock that is slow": lambda: signed(iat=int(time.time()) - 360, exp=int(time.time()) - 60),
    "another key": lambda: signed("another secret of the shop, of forty bytes"),
    "the secret decoded from base64": lambda: signed(base64.b64decode(SECRET)),
    "another algorithm": lambda: signed(SECRET * 2, "HS512"),
    "a number as `jti`": lambda: signed(jti=7),
    "`grants` as text": lambda: signed(grants="play:*"),
    "`once` as text": lambda: signed(once="yes"),
    "a claim twice": lambda: forged(json.dumps(good())[:-1] + ', "sub": "bob"}', key=SECRET),
    "`once` without `jti`": lambda: signed(jti=None, once=True),
    "a host name in `ip`": lambda: signed(ip="localhost"),
    "an address with a prefix in `ip`": lambda: signed(ip="203.0.113.7/24"),
    "the address of a page in `origin`": lambda: signed(origin="https://app.example.com/room"),
}
SAID = {
    mistake: (reason, text)
    for mistake, reason, text in re.findall(
        r"^\| (.+?) \| `(\w+)` \| `(.+)` \|$", TOKENS.partition("## Common mistakes")[2], re.MULTILINE
    )
}


def test_each_mistake_of_the_page_is_tried():
    assert SAID.keys() == MISTAKES.keys()


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_mistake_is_explained_as_the_page_says(mistake, tmp_path):
    token, verifiers = MISTAKES[mistake](), (verifier(tmp_path),)
    report = await check_token(means(ANN, now=time.time()), verifiers, token)
    reason, text = SAID[mistake]
    assert (report.reason, text in explain(report, token, verifiers)) == (reason, True)


def curl(name, server, **environment):
    """What an example comes to that asks a server."""
    script = block("sh", name).replace("http://127.0.0.1:8080", server.url)
    return json.loads(run(["bash", "-eu", "-c", script], server.config.parent, NO_PROXY="*", **environment))


def told(member):
    """What the page shows as an answer that has this member."""
    [found] = [answer for answer in map(json.loads, blocks(TOKENS, "json")) if member in answer]
    return found


def test_tokens_are_had_as_the_page_says(tmp_path):
    config = prepare(tmp_path, "[issuing]\ntokens = true\nlogin = true\n", ann="correct horse")
    [add] = re.findall(r"^    authgate (apikey add shop .+)$", TOKENS, re.MULTILINE)
    with serve(config) as server:
        key = server.run(*[word.strip("'") for word in add.split()]).strip()
        asked, logged_in = curl("# tokens", server, API_KEY=key), curl("# login", server)
        for answer, member in ((asked, "token"), (logged_in, "access_token")):
            shown = told(member)
            assert answer.keys() == shown.keys()
            assert all(answer[name] == shown[name] for name in ("token_type", "expires_in"))
            assert json.loads(server.run("token", "check", "--json", answer[member]))["reason"] == "ok"
    assert logged_in["scope"] == told("access_token")["scope"]


SAMPLES = [sample for page in (TOKENS, KEYS) for sample in blocks(page, "toml")]


@pytest.mark.parametrize("sample", SAMPLES, ids=range(len(SAMPLES)))
def test_sample_can_be_loaded(sample, tmp_path):
    def own(found):
        name = Path(found[1]).name
        (tmp_path / name).write_text(f"{SECRET} {name}\n")
        return f'file = "{name}"'

    path = tmp_path / "authgate.toml"
    path.write_text(re.sub(r'file = "([^"]+)"', own, sample))
    path.chmod(0o600)
    config = load(path, {})
    assert config.verifiers
    # Nothing is weak in them but what they say in so many words.
    assert not [line for line in config.warnings() if not re.match(r"verifiers\[\d\]\.users is ", line)]
