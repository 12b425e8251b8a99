"""Each recipe of docs/recipes.md does what it says: written by its own text, with a real store over HTTP."""

import asyncio
import json
import os
import re
import time
import tomllib
import uuid
from contextlib import AsyncExitStack
from datetime import datetime

import httpx
import jwt
import pytest

from authgate.hooks.reply import SIP_FIELDS
from tests import here, process
from tests.recipes import PAGE, USERS, fields, prepare, read_step, recipes, run
from tests.standin.backend import Say, backend, refused

RECIPES = recipes()
FAR = 4_102_444_800  # seconds since the epoch: no clock of a recipe goes beyond the year 2100
PATIENCE = 10  # seconds until a hook that another back end does not hear is given up
HIDDEN = {"custom", *SIP_FIELDS}  # whatever the rules are
ADDRESS = "http://127.0.0.1:9000/hooks"  # of every other back end in the document

# What shifts the clock of a server: every Python that has it on its path loads it.
CLOCK = """
import pathlib, time
_file, _time = pathlib.Path(__file__).with_name("clock"), time.time
time.time = lambda: _time() + float(_file.read_text() or 0)
"""


class Proof(AsyncExitStack):
    """Carries out the lines of one recipe, against a server with its configuration."""

    async def start(self, recipe, folder, environment):
        self.folder, self.clock = folder / "authgate", folder / "clock"
        timed = any(step.who == "clock" for step in recipe.steps)
        if timed:
            self.clock.write_text("0")
            (folder / "sitecustomize.py").write_text(CLOCK)
            environment.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        self.backend = await self.enter_async_context(backend())
        sections = recipe.edited({ADDRESS: self.backend.url} if ADDRESS in recipe.toml else {})
        config = prepare(self.folder, [sections], recipe.shell)
        self.settings = tomllib.loads(config.read_text())
        self.url = self.enter_context(process.serve(config) if timed else here.serve(config)).hooks
        self.http = await self.enter_async_context(httpx.AsyncClient(trust_env=False, verify=False))
        self.sessions = {}  # of each client, its fields in every hook
        self.heard = 0  # requests to the other back end that a line has told of
        return self

    async def follow(self, step):
        if step.who == "$":
            await asyncio.to_thread(run, self.folder, step.what)
        elif step.who == "clock":
            self.clock.write_text(str(datetime.fromisoformat(step.what).timestamp() - time.time()))
        elif step.who == "WCS":
            assert await self.told(step.what) == set(" ".join(step.comes).split(", ")), step.text
        elif step.what == "answers":
            status, *given = step.comes
            body = json.dumps(fields(given)).encode()
            self.backend.answers[step.given[0]] = Say(body=body) if status == "200" else refused(int(status))
        elif step.what == "hears":
            await self.hears(step)
        else:
            status, *expected = step.comes
            sent, answer = await self.hook(step.who, step.what, step.given)
            assert (str(answer.status_code), self.says(sent, answer, expected)) == (status, True), (
                f"{step.text}\n{answer.status_code} {answer.text}"
            )

    def says(self, sent, answer, expected):
        """Whether the answer changes what is expected and nothing else, or refuses in the words that are."""
        told = answer.json()
        if answer.status_code != 200:
            words = " ".join(expected) or ("Access denied" if answer.status_code == 403 else "Try again later")
            return told == {"status": answer.status_code, "reason": words}
        told.pop("restClientConfig", None)
        changed = {name: told.get(name) for name in sent | told if told.get(name) != sent.get(name)}
        return changed == fields(expected)

    async def hook(self, who, method, words):
        """Send a hook of a client's session, which is opened where it has none: what was sent, and the answer."""
        given = [word for word in words if word.partition("=")[0].partition(".")[0] != "token"]
        if method == "connect":
            self.sessions.pop(who, None)
        session = self.sessions.get(who)
        if session is None:
            session = {"nodeId": "n1", "appKey": "defaultApp", "sessionId": f"/198.51.100.1:5000/{uuid.uuid4()}"}
            if who in USERS and method not in ("connect", "playHLS", "playRTSP"):
                _, answer = await self.hook(who, "connect", ())
                assert answer.status_code == 200
                session = self.sessions[who]
        body = session | fields(given)
        own = method in ("connect", "playHLS", "playRTSP")
        token = self.token(who, words, own)
        if token is not None:
            body["custom"] = body.get("custom", {}) | {"token": token}
        answer = await self.http.post(f"{self.url}/{method}", json=body)
        if method == "connect" and answer.status_code == 200:
            self.sessions[who] = {name: body[name] for name in ("nodeId", "appKey", "sessionId")}
            self.config = answer.json()["restClientConfig"]
        return body, answer

    def token(self, who, words, own):
        """The token that a hook brings, None for none."""
        given = [word.removeprefix("token") for word in words if word.partition("=")[0].partition(".")[0] == "token"]
        if any(word.startswith("=") for word in given):
            return given[0][1:]
        offers = any(word.startswith("custom.") for word in words)
        if not given and (not own or offers or who not in USERS):
            return None
        verifier = next(each for each in self.settings["verifiers"] if each["type"] == "token")
        key = verifier["key"]
        if isinstance(key, dict):
            key = (self.folder / key["file"]).read_text().strip()
        claims = fields([word[1:] for word in given if word])
        return jwt.encode({"sub": who, "exp": FAR} | claims, key, "HS256")

    async def told(self, method):
        """What the media server was told of a method, in the words of the page."""
        if not hasattr(self, "config"):
            await self.hook("ann", "connect", ())
        of = self.config[method]
        words = {of["restOnError"]}
        if of["restPolicy"] == "OVERWRITE":
            words.add(f"OVERWRITE {of['restOverwrite'].replace(',', ' ')}")
        hidden = [name for name in of["clientExclude"].split(",") if name not in HIDDEN]
        return words | ({f"hides {' '.join(hidden)}"} if hidden else set())

    async def hears(self, step):
        """Return once the other back end was sent such a hook, after those of earlier lines."""
        method, *words = step.given
        wanted = fields(words).items()
        async with asyncio.timeout(PATIENCE):
            while True:
                for at, request in enumerate(self.backend.requests[self.heard :], self.heard + 1):
                    if request.method == method and wanted <= request.fields.items():
                        self.heard = at
                        return
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
async def test_recipe(recipe, tmp_path, monkeypatch):
    async with Proof() as proof:
        await proof.start(recipe, tmp_path, monkeypatch)
        for step in recipe.steps:
            await proof.follow(step)


WRONG = {
    "status": "ann publishStream name=lobby -> 403",
    "refusal": "nobody publishStream name=lobby -> 200",
    "words": 'nobody publishStream name=lobby -> 403 "Other words"',
    "change": "ann publishStream name=lobby -> 200",
    "value": "ann publishStream name=lobby -> 200 name=lobby",
    "one change more": "ann publishStream name=lobby -> 200 name=web-lobby record=true",
    "no FAIL": "WCS publishStream -> LOG, OVERWRITE name, hides name",
    "no OVERWRITE": "WCS publishStream -> FAIL, hides name",
    "other OVERWRITE": "WCS publishStream -> FAIL, OVERWRITE name record, hides name",
    "nothing hidden": "WCS publishStream -> FAIL, OVERWRITE name",
    "more hidden": "WCS StreamStatusEvent -> LOG, hides name status",
}


async def test_line_that_is_not_so_is_noticed(tmp_path, monkeypatch):
    async with Proof() as proof:
        await proof.start(next(iter(RECIPES.values())), tmp_path, monkeypatch)
        for line in WRONG.values():
            with pytest.raises(AssertionError):
                await proof.follow(read_step(line))


def test_there_are_recipes_for_what_people_ask():
    assert len(RECIPES) >= 12


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipe_proves_what_it_allows_and_what_it_refuses(recipe):
    assert tomllib.loads(recipe.toml)
    answers = [step.comes[0] for step in recipe.steps if step.comes and step.comes[0].isdecimal()]
    assert "200" in answers
    assert "403" in answers


def test_each_rule_has_a_name_of_its_own():
    rules = [rule["name"] for recipe in RECIPES.values() for rule in tomllib.loads(recipe.toml).get("rules", ())]
    assert len(rules) == len(set(rules))


def test_page_begins_with_what_is_on_it():
    assert re.findall(r"^- \[(.+)\]\(#.+\)$", PAGE.read_text(), re.MULTILINE) == [*RECIPES]


def test_page_is_not_wider_than_a_screen():
    code = PAGE.read_text().split("```")
    assert not [line for text in code[::2] for line in text.splitlines() if len(line) > 120]
