"""docs/recipes.md, read as what it is: sections for a configuration, commands, and what comes of them."""

import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import process

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
USERS = {"ann": "correct horse of ann", "bob": "correct horse of bob"}

_TOKEN_VERIFIER = re.compile(r"# Whoever has this key[^\n]*\n\[\[verifiers\]\]\ntype = \"token\"\nkey = [^\n]+\n")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a proof."""

    text: str
    who: str  # "WCS", "$", "clock", a target of the configuration, or a client
    what: str  # a hook's method; of a command, all of it; of the clock, the time
    given: tuple[str, ...] = ()  # what stands before the arrow: FIELD=VALUE, or a word
    comes: tuple[str, ...] = ()  # what stands after it


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe of the page."""

    title: str
    toml: str
    shell: str
    steps: tuple[Step, ...]

    def for_app(self, app: str, edit: dict[str, str] | None = None) -> str:
        """The recipe's sections for one application alone, with these texts replaced besides."""
        every = {"[[rules]]\n": f'[[rules]]\napps = ["{app}"]\n', "[policies": f"[apps.{app}.policies"}
        return self.edited({old: new for old, new in every.items() if old in self.toml} | (edit or {}))

    def edited(self, edit: dict[str, str]) -> str:
        """The recipe's sections with these texts replaced.

        Raises:
            AssertionError: one is not in them.
        """
        text = self.toml
        for old, new in edit.items():
            assert old in text, f"{self.title}: {old}"
            text = text.replace(old, new)
        return text


def prepare(folder: Path, sections: list[str], shell: str) -> Path:
    """A starter configuration with these sections and the users of the page, after these commands."""
    config = process.prepare(folder, **USERS)
    text, more = config.read_text(), "\n".join(sections)
    if "[[verifiers]]" in more:  # in place of the one that init wrote
        text, count = _TOKEN_VERIFIER.subn("", text)
        assert count == 1
    config.write_text(f"{text}\n{more}")
    run(folder, shell)
    return config


def run(folder: Path, script: str) -> None:
    """Run commands beside the configuration: what is authgate's in this process, the rest by a shell.

    Raises:
        AssertionError: one has failed.
    """
    for line in script.splitlines():
        before, _, command = line.rpartition(" | ")
        program, *arguments = shlex.split(command) or [""]
        if program == "authgate":
            process.run("--config", str(folder / "authgate.toml"), *arguments, given=_shell(folder, before))
        else:
            _shell(folder, line)


def _shell(folder: Path, script: str) -> str:
    done = subprocess.run(["bash", "-euc", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def recipes() -> dict[str, Recipe]:
    """The recipes of the page, by their titles."""
    return {each.title: each for each in _read(PAGE.read_text())}


def read_step(line: str, targets: Sequence[str] = ()) -> Step:
    """A line of a proof, as the top of the page explains them; ``targets`` are the other back ends."""
    who, _, rest = line.partition(" ")
    if who in ("$", "clock"):
        return Step(line, who, rest.strip())
    words = tuple(shlex.split(rest))
    at = words.index("->") if "->" in words else len(words)
    given, comes = words[:at], words[at + 1 :]
    if who in targets:
        verb, method, *more = given
        return Step(line, who, verb, (method, *more), comes)
    return Step(line, who, given[0], given[1:], comes)


def fields(words: tuple[str, ...]) -> dict[str, Any]:
    """``custom.room=lobby record=true`` as the fields of a hook."""
    found: dict[str, Any] = {}
    for word in words:
        path, _, value = word.partition("=")
        *above, last = path.split(".")
        place = found
        for name in above:
            place = place.setdefault(name, {})
        place[last] = _value(value)
    return found


def _value(text: str) -> Any:
    return {"true": True, "false": False}.get(text, int(text) if text.isdecimal() and text[0] != "0" else text)


def _read(page: str) -> Iterator[Recipe]:
    for section in page.split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        blocks: dict[str, list[str]] = {"toml": [], "sh": [], "text": []}
        for kind, block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            blocks[kind].append(block)
        lines = re.sub(r"\n +", " ", "".join(blocks["text"])).splitlines()
        targets = re.findall(r"^\[targets\.(\w+)\]", "\n".join(blocks["toml"]), re.MULTILINE)
        steps = tuple(read_step(line, targets) for line in lines)
        yield Recipe(title, "\n".join(blocks["toml"]), "\n".join(blocks["sh"]), steps)
