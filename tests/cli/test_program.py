"""The program as a process: help is fast, statuses are right, nobody sees a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import authgate
from authgate.cli import cli

HEAVY = ("pydantic", "sqlalchemy", "alembic", "jwt", "passlib", "cryptography", "starlette", "uvicorn")
NOUNS = ("init", "serve", "db", "user", "token", "config", "record", "session")


def program(*arguments, folder=None, **environ):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTHGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "authgate", *arguments],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(Path(authgate.__file__).parents[1])} | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The same within this process, in a folder of its own and without settings of authgate."""
    monkeypatch.chdir(tmp_path)
    unset = {name: None for name in os.environ if name.startswith("AUTHGATE_")}
    return lambda *arguments, **environ: CliRunner().invoke(cli, arguments, env=unset | environ, prog_name="authgate")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("user", "--help"), ("token", "issue", "--help")])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys\nfrom authgate.cli import main\n"
        f"sys.argv = ['authgate', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_noun():
    done = program("--help")
    assert done.returncode == 0
    assert all(f"\n  {noun}" in done.stdout for noun in NOUNS)


def test_version():
    assert program("--version").stdout == f"authgate, version {authgate.__version__}\n"


def test_from_nothing_to_a_token(here, tmp_path, monkeypatch):
    """Wherever the configuration is named: before the verb, after it, by a variable, or nowhere and beside us."""
    assert here("init", "run").exit_code == 0
    config = str(tmp_path / "run" / "authgate.toml")
    assert here("db", "upgrade", AUTHGATE_CONFIG=config).exit_code == 0
    assert here("--config", config, "user", "add", "ann", "--no-password").exit_code == 0
    token = here("token", "issue", "ann", "--config", config)
    assert (token.exit_code, token.stderr, token.stdout.count("\n")) == (0, "", 1)
    monkeypatch.chdir(tmp_path / "run")
    assert here("token", "check", token.stdout.strip()).exit_code == 0


FAILURES = {
    "no configuration": ((), 2, "error: no configuration file: "),
    "missing configuration": (("--config", "x.toml"), 2, "x.toml: no such file; run: authgate init DIR"),
    "wrong configuration": (("--config", "wrong.toml"), 2, "error: server.prot: no such option; did you mean 'port'?"),
    "store that is away": (("--config", "away.toml"), 2, "store.url is postgresql://u:***@127.0.0.1:1/x"),
    "store that is empty": (("--config", "empty.toml"), 1, "error: the store is empty; run: authgate db upgrade"),
    "unknown option": (("--nonsense",), 2, "No such option"),
}


@pytest.mark.parametrize(("arguments", "status", "said"), FAILURES.values(), ids=FAILURES)
def test_failure(here, tmp_path, arguments, status, said):
    (tmp_path / "wrong.toml").write_text("[server]\nprot = 1")
    (tmp_path / "away.toml").write_text("[store]\nurl = 'postgresql://u:c4nary@127.0.0.1:1/x'")
    (tmp_path / "empty.toml").write_text("[store]\nurl = 'sqlite:///empty.db'")
    done = here(*arguments, "user", "list", "--json")
    assert done.exit_code == status
    assert said in done.stderr
    assert isinstance(done.exception, SystemExit), "a traceback"
    assert "c4nary" not in done.stderr
    assert done.stdout == ""


def test_every_fault_on_a_line_of_its_own(tmp_path):
    """Where nobody has named the configuration, it is the one beside the program."""
    (tmp_path / "authgate.toml").write_text("[server]\nprot = 1\nport = 'x'\n[log]\nlevel = 1")
    done = program("config", "check", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(":")[1].strip() for line in done.stderr.splitlines()] == [
        "server.port",
        "server.prot",
        "log.level",
    ]


def test_names_that_are_no_text(here, tmp_path):
    """Arguments that are not UTF-8 arrive as lone surrogates, which no name holds and no terminal prints."""
    here("init", ".")
    here("db", "upgrade")
    done = program("user", "show", b"\xff", folder=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
