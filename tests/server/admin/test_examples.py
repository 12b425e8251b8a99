"""What docs/admin-api.md says to type gives what it says."""

import os
import re
import subprocess
from pathlib import Path

from authgate.api_keys import ADMIN_SCOPES
from authgate.server.admin.openapi import document

from .conftest import Administered

PAGE = (Path(__file__).parents[3] / "docs" / "admin-api.md").read_text()
SCRIPT = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
STEPS = re.findall(r"^# (\d{3})  (.+)\napi (.+)$", SCRIPT, re.MULTILINE)


def test_every_example_has_its_status():
    assert len(STEPS) == len(re.findall(r"^api ", SCRIPT, re.MULTILINE)) >= 10


def test_every_scope_is_in_the_manual():
    assert {*re.findall(r"`(\w+:(?:read|write|send))`", PAGE)} == {*ADMIN_SCOPES}


def test_the_paths_of_the_examples_are_documented():
    known = [re.sub(r"\{\w+\}", "[^/]+", path) for path in document()["paths"]]
    for _, _, step in STEPS:
        [path] = re.findall(r"\$ADMIN([^\s?\"]*)", step)
        assert any(re.fullmatch(each, f"/api/v1{path}") for each in known), path


def test_the_examples_give_what_they_say(served: Administered):
    script = SCRIPT.replace("http://127.0.0.1:8081", served.url)
    environment = {**os.environ, "KEY": served.all, "NO_PROXY": "*"}
    done = subprocess.run(
        ["bash", "-eu", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert re.findall(r"HTTP/1\.1 (\d{3})", done.stdout) == [status for status, _, _ in STEPS], done.stdout
