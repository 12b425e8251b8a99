"""A policy is added in one file and one line: done here to a copy of the package, as the README tells."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import authgate

ROOT = Path(authgate.__file__).parents[1]

ONE_FILE = '''\
"""Allows only streams with short names."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from authgate.model import Asks, Case, Method, Reason


@dataclass(frozen=True, slots=True)
class Short:
    """Allows names of at most ``most`` characters."""

    refuses: ClassVar[bool] = True
    asks: ClassVar[Asks] = Asks.NOTHING
    overwrites: ClassVar[tuple[str, ...]] = ()
    type: Literal["short"] = "short"
    most: int = 8

    def cannot_judge(self, methods: Iterable[Method]) -> str:
        return ""

    def judge(self, case: Case) -> Reason:
        return Reason.OK if len(case.hook.text("name")) <= self.most else Reason.POLICY_DENIED
'''

SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from authgate.config import load
from authgate.errors import ConfigError
from authgate.model import Delivery
from authgate.server.logs import NoVerdicts
from authgate.wiring import build

async def answers():
    service = build(load(Path(sys.argv[1]), {}), NoVerdicts())
    judge = service.gateway.in_force.judge
    from authgate.hooks.parse import parse
    said = []
    for name in ("cam", "a-long-name"):
        hook = parse(Delivery("publishStream", json.dumps({"name": name}).encode()))
        judged = await judge.judge(hook, 0)
        said.append([judged.decision.reason, judged.decision.rule])
    config = json.loads(service.gateway.in_force.any_app.rest_client_config)["publishStream"]["restOnError"]
    print(json.dumps([said, config]))

asyncio.run(answers())
try:
    load(Path(sys.argv[2]), {})
except ConfigError as error:
    print(json.dumps(error.faults))
"""

RULE = '[[rules]]\nname = "short names"\nmethods = ["publishStream"]\npolicy = {{ type = "short", most = {most} }}\n'


def test_one_file_and_one_line(tmp_path):
    package = tmp_path / "authgate"
    shutil.copytree(ROOT / "authgate", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "policies" / "short.py").write_text(ONE_FILE)
    family = package / "policies" / "__init__.py"
    text, lines = re.subn(r'^MEMBERS = \(("plain"[^)]*)\)', r'MEMBERS = (\1, "short")', family.read_text(), flags=re.M)
    assert lines == 1
    family.write_text(text)

    told = run(tmp_path, RULE.format(most=3), RULE.format(most='"three"'))
    assert told.returncode == 0, told.stderr
    said, faults = map(json.loads, told.stdout.splitlines())
    assert said == [[["ok", "short names"], ["policy_denied", "short names"]], "FAIL"]
    [fault] = faults
    assert "rules[0].policy.most: must be a whole number" in fault


def run(folder, *rules):
    """What is said of a configuration that can be used, and of one that cannot."""
    paths = [folder / f"{number}.toml" for number in range(len(rules))]
    for path, text in zip(paths, rules, strict=True):
        path.write_text(text)
        path.chmod(0o600)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTHGATE_")}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, paths)],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
