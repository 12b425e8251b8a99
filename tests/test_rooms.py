"""Imports point left in this line, never right and never sideways."""

import ast
from pathlib import Path

import pytest

import authgate

ROOMS = [
    {"value"},
    {"activity", "origin", "places", "reasons", "redis_urls", "secret"},
    {"model", "errors", "issuance", "turn"},
    {
        "compactjson",
        "deadline",
        "family",
        "guessing",
        "limits",
        "names",
        "networks",
        "origins",
        "passwords",
        "patterns",
        "sessions",
        "spool",
        "strictjson",
        "throttle",
        "tls",
        "urls",
        "vault",
    },
    {"bindings", "grants", "ports", "userfiles", "wanted"},
    {"hooks", "verifiers", "policies", "rewrites", "api_keys", "signals"},
    {"key_sets", "metrics", "rules", "signing", "store", "targets"},
    {"delivery", "feed", "judge", "sources", "wcs"},
    {"gateway", "admin", "config", "live"},
    {"wiring"},
    {"explain"},
    {"server"},
    {"bench"},
    {"cli"},
    {"asgi", "__main__"},
]
ORDER = {room: place for place, rooms in enumerate(ROOMS) for room in rooms}
ROOT = Path(authgate.__file__).parent
# What is issued holds secrets of the model, policies and rewrites speak of the fields of hooks.
NEIGHBOURS = {
    ("issuance", "model"),
    ("policies", "hooks"),
    ("rewrites", "hooks"),
}


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("authgate."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module == "authgate":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("authgate."))


FILES = [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py" and "migrations" not in path.parts]


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_imports_point_left(path):
    here = room(path)
    wrong = [
        there
        for there in imports(path)
        if there in ORDER and there != here and (here, there) not in NEIGHBOURS and ORDER[there] >= ORDER[here]
    ]
    assert not wrong, f"{here} imports {wrong}"


def test_every_room_is_in_the_line():
    assert {room(path) for path in FILES} <= ORDER.keys()


def test_every_file_is_read_in_one_sitting():
    long = {str(path): lines for path in FILES if (lines := len(path.read_text().splitlines())) > 400}
    assert not long
