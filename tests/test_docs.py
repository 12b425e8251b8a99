"""Everything that a person can set, type or read stands in the manual, and what stands in the README works."""

import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from authgate.cli import cli
from authgate.config import Config, load, shape
from authgate.model import Reason
from authgate.policies import POLICIES
from authgate.verifiers import VERIFIERS
from tests.here import serve
from tests.process import prepare

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
OPTIONS = (ROOT / "config" / "authgate.toml").read_text()
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "docs").glob("*.md")}
PAGES |= {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "examples").glob("*/README.md")}
PAGES |= {name: (ROOT / name).read_text() for name in ("README.md", "CHANGELOG.md")}

# The manual of options, with its examples of options that have no default.
ALL_OPTIONS = tomllib.loads(
    "\n".join(re.sub(r"^#: ?", "", line) for line in OPTIONS.splitlines() if not re.match(r"#(?!:)", line))
)


def every_option(annotation, path=()):
    """Each option that a person can write, below its tables; ``*`` stands for a name of the person's own."""
    for name, inner in shape.options(annotation).items():
        table = inner if shape.options(inner) else shape.entry(inner)
        if shape.options(table) and not shape.reads_text(table):
            yield from every_option(table, (*path, name, "*") if shape.free_keys(inner) else (*path, name))
        else:
            yield (*path, name)


def written(tree, path):
    """Whether an option stands in a tree of settings; in a list, in any of its entries."""
    if not path:
        return True
    if isinstance(tree, list):
        return any(written(each, path) for each in tree)
    if path[0] == "*":
        return any(written(each, path[1:]) for each in tree.values())
    return path[0] in tree and written(tree[path[0]], path[1:])


# An application's credentials are a whole section [credentials], whose options are explained there.
SETTINGS = [path for path in every_option(Config) if path[:3] != ("apps", "*", "credentials")]


@pytest.mark.parametrize("path", SETTINGS, ids=map(".".join, SETTINGS))
def test_option_is_in_the_manual(path):
    assert written(ALL_OPTIONS, path)


@pytest.mark.parametrize("section", Config.model_fields)
def test_section_is_in_the_readme(section):
    assert re.search(rf"`\[+{section}(\.NAME)?\]+`", README)


def test_options_that_the_manual_names_exist():
    flat = {".".join(path) for path in SETTINGS} | {path[0] for path in SETTINGS}
    named = re.compile(rf"`((?:{'|'.join(Config.model_fields)})\.[a-z_]+)`")
    assert {name for text in PAGES.values() for name in named.findall(text)} <= flat


@pytest.mark.parametrize("reason", Reason)
def test_reason_is_explained(reason):
    rows = re.findall(rf"^\| `{reason}` \| (.+) \| (.*) ?\|$", README, re.MULTILINE)
    assert len(rows) == 1


def test_no_reason_is_explained_that_is_not_given():
    table = README.partition("## Reasons")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == {*Reason}


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_verifier_is_in_the_manual(verifier):
    assert f'type = "{verifier}"' in OPTIONS
    assert f'`type = "{verifier}"`' in README


@pytest.mark.parametrize("policy", POLICIES)
def test_policy_is_in_the_manual(policy):
    assert f'"{policy}"' in OPTIONS
    assert f"`{policy}`" in README


def every_command(group, words=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*words, name))
        else:
            yield (*words, name)


COMMANDS = [*every_command(cli)]


@pytest.mark.parametrize("words", COMMANDS, ids=map(" ".join, COMMANDS))
def test_command_is_in_the_readme(words):
    commands = README.partition("## Commands")[2].partition("\n## ")[0]
    assert re.search(rf"`(authgate )?{' '.join(words)}\b", commands)


def test_commands_that_the_manual_names_exist():
    named = re.compile(rf"authgate ((?:{'|'.join({words[0] for words in COMMANDS})})\b(?: [a-z]+)?)")
    known = {" ".join(words) for words in COMMANDS}
    said = {each for text in PAGES.values() for each in named.findall(text)}
    assert {each for each in said if each not in known and each.split()[0] not in known} == set()


# Links to other sites are not looked at.
LINKS = [(page, link) for page, text in PAGES.items() for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text)]


@pytest.mark.parametrize(("page", "link"), LINKS, ids=[f"{page} {link}" for page, link in LINKS])
def test_link_leads_somewhere(page, link):
    path, _, place = link.partition("#")
    target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
    assert target.is_file()
    if place:
        heads = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
        assert place in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


SAMPLES = [sample for text in PAGES.values() for sample in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.splitlines()[0] for sample in SAMPLES])
def test_sample_can_be_used(sample, tmp_path):
    (tmp_path / "secret").write_text("whsec_d2hhdCBhIGZpbGUgb2YgdGhpcyBzYW1wbGUgY291bGQgaG9sZA==")
    path = tmp_path / "authgate.toml"
    path.write_text(re.sub(r'file = "[^"]+"', 'file = "secret"', sample))
    load(path, {})


BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
FIRST = next(block for block in BLOCKS if "authgate init" in block)
JOURNEY = next(block for block in BLOCKS if "HOOKS=" in block)
STEPS = re.findall(r"^# (\d{3})  (.+)\n(curl .+)$", JOURNEY, re.MULTILINE)


def shell(script, folder, **more):
    """What a script prints, with the authgate of this Python."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AUTHGATE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = inherited | {"PATH": path, "NO_PROXY": "*"} | more
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_hook_of_the_journey_has_its_status():
    assert len(STEPS) == JOURNEY.count("curl ") >= 10


def test_journey(tmp_path):
    config = prepare(tmp_path / "run", ann="correct horse")
    with serve(config) as server:
        script = JOURNEY.replace("http://127.0.0.1:8080", server.url)
        told = shell(script, tmp_path, AUTHGATE_CONFIG=str(config))
    assert re.findall(r"HTTP/1\.1 (\d{3})", told) == [status for status, _, _ in STEPS]
    assert len(re.findall(r"  (?:allowed|rejected)  ", told)) == len(STEPS)
    assert re.search(r"^n1 +s2 +ann ", told, re.MULTILINE)


def test_five_commands_lead_to_an_allowed_connect(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    commands = [line for line in FIRST.splitlines() if line.strip()]
    assert len(commands) == 5
    script = FIRST.replace(":8080", f":{port}") + "\nkill %1; wait"
    told = shell(f"trap 'kill %1 2>/dev/null || true' EXIT\n{script}", tmp_path, AUTHGATE_SERVER__PORT=port)
    assert "HTTP/1.1 200" in told
    assert '"restClientConfig"' in told
