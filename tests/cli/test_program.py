"""The program as a process: help is fast, statuses are right, nobody sees a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import authgate

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


def test_from_nothing_to_a_token(tmp_path):
    """What the README begins with."""
    made = program("init", "run", folder=tmp_path)
    assert made.returncode == 0
    config = str(tmp_path / "run" / "authgate.toml")
    assert program("db", "upgrade", AUTHGATE_CONFIG=config).returncode == 0
    assert program("--config", config, "user", "add", "ann", "--no-password").returncode == 0
    token = program("token", "issue", "ann", "--config", config)
    assert (token.returncode, token.stderr, token.stdout.count("\n")) == (0, "", 1)
    assert program("token", "check", token.stdout.strip(), folder=tmp_path / "run").returncode == 0


FAILURES = {
    "no configuration": ((), 2, "error: no configuration file: "),
    "missing configuration": (("--config", "x.toml"), 2, "x.toml: no such file; run: authgate init DIR"),
    "wrong configuration": (("--config", "wrong.toml"), 2, "error: server.prot: no such option; did you mean 'port'?"),
    "store that is away": (("--config", "away.toml"), 2, "store.url is postgresql://u:***@127.0.0.1:1/x"),
    "store that is empty": (("--config", "empty.toml"), 1, "error: the store is empty; run: authgate db upgrade"),
    "unknown option": (("--nonsense",), 2, "No such option"),
}


@pytest.mark.parametrize(("arguments", "status", "said"), FAILURES.values(), ids=FAILURES)
def test_failure(tmp_path, arguments, status, said):
    (tmp_path / "wrong.toml").write_text("[server]\nprot = 1")
    (tmp_path / "away.toml").write_text("[store]\nurl = 'postgresql://u:c4nary@127.0.0.1:1/x'")
    (tmp_path / "empty.toml").write_text("[store]\nurl = 'sqlite:///empty.db'")
    done = program(*arguments, "user", "list", "--json", folder=tmp_path)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "c4nary" not in done.stderr
    assert done.stdout == ""


def test_every_fault_on_a_line_of_its_own(tmp_path):
    (tmp_path / "authgate.toml").write_text("[server]\nprot = 1\nport = 'x'\n[log]\nlevel = 1")
    done = program("config", "check", folder=tmp_path)
    assert done.returncode == 2
    assert [line.split(":")[1].strip() for line in done.stderr.splitlines()] == [
        "server.port",
        "server.prot",
        "log.level",
    ]


def test_names_that_are_no_text(tmp_path):
    """Arguments that are not UTF-8 arrive as lone surrogates, which no name holds and no terminal prints."""
    program("init", ".", folder=tmp_path)
    program("db", "upgrade", folder=tmp_path)
    done = program("user", "show", b"\xff", folder=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
