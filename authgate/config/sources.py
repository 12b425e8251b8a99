"""The configuration file -> a tree of settings, with secrets fetched and paths made whole."""

import re
import stat
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from authgate.config import shape
from authgate.config.faults import TEXTS, Fault
from authgate.errors import ConfigError
from authgate.model import Secret

DEFAULTS = (Path("authgate.toml"), Path("/etc/authgate/authgate.toml"))

# Where the validation would make one type of another: of "8080" a number, of 1 true and 0.0.0.1.
_STRICT: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "must be true or false"),
    int: ((int,), "must be a whole number"),
    float: ((int, float), "must be a number"),
    IPv4Network: ((str,), TEXTS["ip_v4_network"]),
}


def find(given: Path | None, environ: Mapping[str, str]) -> Path:
    """The file to read: the one given, else ``AUTHGATE_CONFIG``, else the first default there is.

    Raises:
        ConfigError: there is none.
    """
    named = given or (Path(environ["AUTHGATE_CONFIG"]) if environ.get("AUTHGATE_CONFIG") else None)
    if named is not None:
        return named
    for path in DEFAULTS:
        if _exists(path):
            return path
    looked = " and ".join(map(str, DEFAULTS))
    raise ConfigError([f"no configuration file: looked for {looked}; run: authgate init DIR, or give --config PATH"])


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder that we may not look into
        return False


def read(path: Path) -> dict[str, Any]:
    """The file as it is written.

    Raises:
        ConfigError: it cannot be read, or is not TOML; the message holds line and column, and no value.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file; run: authgate init DIR, or give --config PATH"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text (at byte {error.start})"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it holds a value beyond all measure"
        raise ConfigError([f"{path}: is not TOML: {what}"]) from None


def exposed(path: Path) -> bool:
    """Whether others than its owner may read the file."""
    return bool(_mode(path) & 0o077)


def is_public(path: Path) -> bool:
    """Whether everybody on this machine may read the file of a secret.

    A group may be meant, and what stands in ``/run`` was put there by whoever runs services or containers.
    """
    reached = all(_mode(folder) & 0o001 for folder in path.absolute().parents)
    return reached and bool(_mode(path) & 0o006) and not path.is_relative_to("/run")


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


_UNKNOWN = Secret("a secret that could not be fetched")


class Resolver:
    """Replaces what the settings point at by what is meant: secrets, and paths beside the file."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.environ = environ
        self.faults: list[Fault] = []
        self.files: list[Path] = []  # of secrets, as far as they could be read

    def resolve(self, node: Any, annotation: Any, path: shape.Path = ()) -> Any:
        """The same settings; what could not be resolved is None there and a fault here."""
        if _stands_alone(node, annotation):
            node = [node]
        if isinstance(node, dict):
            if shape.reads_text(annotation) and ({"file", "env"} & node.keys()):
                found = self._secret(node, path)
                # Where it may be left out, it must not look so: that would be a second fault, and a wrong one.
                return _UNKNOWN if found is None and shape.may_be_none(annotation) else found
            return {
                name: self.resolve(each, shape.child(annotation, name, node), (*path, name))
                for name, each in node.items()
            }
        if isinstance(node, list):
            inner = shape.entry(annotation, 0)
            return [self.resolve(each, inner, (*path, at)) for at, each in enumerate(node)]
        kinds = shape.choices(annotation)
        if isinstance(node, str) and Path in kinds:
            return self.folder / node
        if kinds and kinds[0] in _STRICT and str not in kinds:
            types, text = _STRICT[kinds[0]]
            if type(node) not in types:
                self.faults.append(Fault(path, text))
                return None
        return node

    def _secret(self, reference: dict[str, Any], path: shape.Path) -> Secret | None:
        match reference:
            case {"file": str(name), **rest} if not rest and name:
                text, fault = self._from_file(self.folder / name)
            case {"env": str(name), **rest} if not rest:
                text, fault = self.environ.get(name, ""), f"the variable {name} is not set, or is empty"
            case _:
                text, fault = "", 'must be text, { file = "PATH" } or { env = "NAME" }'
        if text:
            return Secret(text)
        self.faults.append(Fault(path, fault))
        return None

    def _from_file(self, path: Path) -> tuple[str, str]:
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            return "", f"the file {path} is not UTF-8 text"
        except OSError as error:
            return "", f"the file {path} cannot be read: {error.strerror}"
        self.files.append(path)
        return text.removesuffix("\n").removesuffix("\r"), f"the file {path} is empty"


def _stands_alone(node: Any, annotation: Any) -> bool:
    """Whether it is one text, or what can be written as one, where a list of such is wanted: that is a list of one."""
    if not shape.is_list(annotation) or str in shape.choices(annotation):
        return False
    return isinstance(node, str) or (isinstance(node, dict) and shape.reads_text(shape.entry(annotation)))


_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/)(?!:memory:)(?!file:)([^?]+)(.*)", re.DOTALL)


def beside(url: str, folder: Path) -> str:
    """The URL of a store, with the relative path of a SQLite file made absolute."""
    relative = _SQLITE.fullmatch(url)
    return f"{relative[1]}{(folder / relative[2]).absolute()}{relative[3]}" if relative else url
