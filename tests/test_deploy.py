"""The files in deploy/ do what docs/deploy.md says, as far as that can be seen without the machines they are for."""

import configparser
import hmac
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PATIENCE = 30  # seconds until what does not come is given up
KEY = "a-key-of-the-media-server-for-this-test"
BODY = b'{"nodeId":"n1","appKey":"defaultApp","sessionId":"s1","custom":{"login":"ann","password":"correct horse"}}'


def signed(body):
    return {"Authorization": f"WCS {hmac.new(KEY.encode(), body, 'md5').hexdigest()}"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(what):
    """Until something is true."""
    give_up = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.05)


# -- systemd


UNIT = configparser.RawConfigParser(strict=False, interpolation=None)
UNIT.optionxform = str
UNIT.read(DEPLOY / "authgate.service")
SERVICE = UNIT["Service"]

WANTED = {
    "ExecReload": "/opt/authgate/bin/authgate --config /etc/authgate/authgate.toml config reload",
    "User": "authgate",
    "Restart": "on-failure",
    "RestartPreventExitStatus": "2",
    "StateDirectory": "authgate",
    "ProtectSystem": "strict",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "MemoryDenyWriteExecute": "yes",
}


@pytest.mark.parametrize(("setting", "value"), WANTED.items(), ids=WANTED)
def test_unit_is_hardened(setting, value):
    assert SERVICE[setting] == value


def test_unit_is_understood_by_systemd(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    text = (DEPLOY / "authgate.service").read_text()
    command = Path(sysconfig.get_path("scripts")) / "authgate"
    unit = tmp_path / "authgate.service"
    unit.write_text(text.replace("/opt/authgate/bin/authgate", str(command)))
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


MANUAL = (ROOT / "docs" / "deploy.md").read_text()
[DROP_IN] = re.findall(r"```ini\n(.*?)```", MANUAL, re.DOTALL)
DROP_INS = {"as in the manual": (DROP_IN, ""), "misspelt": (DROP_IN.replace("LoadC", "LoadsC"), "Unknown key")}


@pytest.mark.parametrize(("text", "fault"), DROP_INS.values(), ids=DROP_INS)
def test_master_key_as_a_credential_is_understood_by_systemd(tmp_path, text, fault):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    command = Path(sysconfig.get_path("scripts")) / "authgate"
    unit = (DEPLOY / "authgate.service").read_text().replace("/opt/authgate/bin/authgate", str(command))
    (tmp_path / "authgate.service").write_text(unit)
    folder = tmp_path / "authgate.service.d"
    folder.mkdir()
    (folder / "master-key.conf").write_text(text)
    done = subprocess.run([analyze, "verify", tmp_path / "authgate.service"], capture_output=True, text=True)
    assert fault in done.stdout + done.stderr
    assert bool(done.stdout + done.stderr) == bool(fault)


def test_master_key_is_looked_for_where_systemd_puts_it():
    name = re.search(r"^LoadCredential=([\w-]+):/etc/", DROP_IN, re.MULTILINE)[1]
    assert f'file = "/run/credentials/authgate.service/{name}"' in MANUAL


# -- Docker


def instructions():
    """Each instruction of the Dockerfile with its arguments, continued lines joined, in stages."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    stages = []
    for name, arguments in lines:
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, " ".join(arguments.split())))
    return stages


BUILD, FINAL = instructions()
SOURCES = [
    source for name, rest in BUILD if name == "COPY" and not rest.startswith("--from") for source in rest.split()[:-1]
]
COMMANDS = {name: json.loads(rest) for name, rest in FINAL if name in ("ENTRYPOINT", "CMD")}
ENVIRONMENT = dict(pair.split("=", 1) for name, rest in FINAL if name == "ENV" for pair in rest.split())
HEALTH = json.loads(next(rest for name, rest in FINAL if name == "HEALTHCHECK").partition("CMD ")[2])
STATE = next(rest for name, rest in FINAL if name == "VOLUME")


@pytest.mark.parametrize("source", SOURCES)
def test_copied_file_is_there_and_not_ignored(source):
    assert (ROOT / source).exists()
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignore[0] == "*"
    assert f"!{source}" in ignore


def test_nothing_more_is_sent_to_the_builder():
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignore if line.startswith("!")} == set(SOURCES)


def test_image_is_not_run_by_root():
    users = [rest for name, rest in FINAL if name == "USER"]
    assert users == ["authgate"]


def test_image_holds_no_secret():
    assert not [name for name in ENVIRONMENT if "KEY" in name or "PASSWORD" in name]


def test_everything_installed_is_pinned():
    for name, rest in BUILD:
        if name == "RUN" and "pip install" in rest:
            assert "--require-hashes" in rest or "--no-index" in rest


def test_image_writes_in_its_volume_alone():
    assert Path(ENVIRONMENT["AUTHGATE_CONFIG"]).parent == Path(STATE)
    assert ENVIRONMENT["PYTHONDONTWRITEBYTECODE"] == "1"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """What the build stage makes of what it copies, in a virtual environment: the path of its Python.

    The packages of the lock come from this environment, so that nothing is downloaded.
    """
    folder = tmp_path_factory.mktemp("image")
    context = folder / "src"
    context.mkdir()
    for source in SOURCES:
        here = ROOT / source
        if here.is_dir():
            shutil.copytree(here, context / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(here, context / source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheels = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder / "wheel", context]
    subprocess.run([*pip, *wheels], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    installing = ["install", "--no-deps", "--no-index", "--find-links", folder / "wheel", "authgate"]
    subprocess.run([*pip, "--python", python, *installing], check=True)
    packages = next((folder / "venv" / "lib").glob("python*")) / "site-packages"
    (packages / "lock.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_wheel_holds_everything(image):
    wheel = next((image.parents[2] / "wheel").glob("*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    migrations = sorted(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))
    assert sorted(Path(name).name for name in names if "/migrations/versions/" in name) == migrations
    assert {"authgate/migrations/env.py", "authgate/authgate.toml"} <= set(names)
    assert [name for name in names if name.endswith("/licenses/LICENSE")]
    assert not [name for name in names if name.startswith("tests/")]


class Container:
    """A folder in place of the volume, and the commands of the image with its environment."""

    def __init__(self, python, state):
        self.python = python
        self.state = state
        self.port = free_port()
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AUTHGATE_", "COV"))}
        self.environment = inherited | {
            name: value.replace(STATE, str(state)) for name, value in ENVIRONMENT.items() if name != "PATH"
        }
        self.environment["AUTHGATE_SERVER__PORT"] = str(self.port)

    def command(self, *arguments):
        return [str(self.python.parent / COMMANDS["ENTRYPOINT"][0]), *arguments]

    def run(self, *arguments, given="", **more):
        return subprocess.run(
            self.command(*arguments),
            cwd=self.state,
            env=self.environment | more,
            input=given,
            capture_output=True,
            text=True,
        )

    def healthy(self):
        """Whether the image's health check succeeds."""
        command = [str(self.python), *HEALTH[1:]]
        return subprocess.run(command, env=self.environment, capture_output=True).returncode == 0


@pytest.fixture
def container(image, tmp_path):
    made = Container(image, tmp_path)
    assert made.run("init", str(tmp_path)).returncode == 0
    return made


def test_image_runs_outside_the_checkout(image, tmp_path):
    done = subprocess.run(
        [image, "-c", "import authgate; print(authgate.__file__)"], cwd=tmp_path, capture_output=True, text=True
    )
    assert str(ROOT) not in done.stdout
    assert done.stdout


def test_image_does_not_start_without_a_caller_check(container):
    done = container.run(*COMMANDS["CMD"])
    assert done.returncode == 2
    assert "server.host" in done.stderr


def test_image_does_not_start_on_an_empty_store(container):
    done = container.run("db", "check", AUTHGATE_CALLER__HMAC_KEYS=KEY)
    assert done.returncode != 0
    assert "authgate db upgrade" in done.stderr


def test_image_answers_hooks(container):
    container.environment["AUTHGATE_CALLER__HMAC_KEYS"] = KEY
    assert not container.healthy()
    assert container.run("db", "upgrade").returncode == 0
    assert container.run("user", "add", "ann", "--password-stdin", given="correct horse\n").returncode == 0
    server = subprocess.Popen(
        container.command(*COMMANDS["CMD"]), cwd=container.state, env=container.environment, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(container.healthy)
        url = f"http://127.0.0.1:{container.port}/hooks/connect"
        with httpx.Client(trust_env=False) as http:
            assert http.post(url, content=BODY, headers=signed(BODY)).status_code == 200
            assert http.post(url, content=BODY).status_code == 403
    finally:
        server.terminate()
        assert server.wait(PATIENCE) in (0, -signal.SIGTERM)  # systemd and Docker take both for a clean end
    assert {path.name for path in container.state.iterdir()} >= {"authgate.toml", "authgate.db", "spool"}
