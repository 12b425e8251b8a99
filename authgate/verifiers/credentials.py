"""Hook fields -> Credentials: where in a hook the client's credentials stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authgate.model import Credentials, Secret

_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoginPaths:
    """Where a login and its password stand. Both come from one such pair, never from two."""

    login: str  # dotted path
    password: str  # dotted path


@dataclass(frozen=True, slots=True)
class CredentialPaths:
    """Section ``[credentials]``: where in a hook the client's credentials stand, as dotted paths.

    The first path under which something stands counts, for the token and for the pairs; of the pairs a
    complete one comes before a half one. The parameters of RTMP, HLS and RTSP addresses stand in
    ``custom`` too. Absent and null offer nothing; a value of another type, or one where an object should be,
    offers what cannot be right.
    """

    tokens: tuple[str, ...] = ("custom.token",)
    passwords: tuple[LoginPaths, ...] = (
        LoginPaths("custom.login", "custom.password"),
        LoginPaths("custom.username", "custom.password"),
        LoginPaths("sipLogin", "sipPassword"),
    )
    _tokens: tuple[_Path, ...] = field(init=False, repr=False, compare=False)
    _passwords: tuple[tuple[_Path, _Path], ...] = field(init=False, repr=False, compare=False)
    _roots: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = [("tokens", path) for path in self.tokens]
        named += [("passwords", path) for pair in self.passwords for path in (pair.login, pair.password)]
        faults = [f"{option}: {fault}" for option, path in named if (fault := _fault(path))]
        if faults:
            raise ValueError("\n".join(faults))
        object.__setattr__(self, "_tokens", tuple(_split(path) for path in self.tokens))
        pairs = tuple((_split(pair.login), _split(pair.password)) for pair in self.passwords)
        object.__setattr__(self, "_passwords", pairs)
        object.__setattr__(self, "_roots", frozenset(self.roots()))

    def find(self, fields: Mapping[str, Any]) -> Credentials:
        """What the client offers in these fields of a hook."""
        if self._roots.isdisjoint(fields):
            return _NOTHING
        token = None
        for path in self._tokens:
            token = _at(fields, path)
            if token is not None:
                break
        login, password = self._pair(fields)
        if token is None and login is None and password is None:
            return _NOTHING
        if token == "" or any(value is not None and not isinstance(value, str) for value in (token, login, password)):
            return Credentials(malformed=True)
        return Credentials(
            token=None if token is None else Secret(token),
            login=login,
            password=None if password is None else Secret(password),
        )

    def roots(self) -> tuple[str, ...]:
        """The top-level fields of a hook in which credentials stand."""
        paths = [*self._tokens, *(path for pair in self._passwords for path in pair)]
        return tuple(dict.fromkeys(path[0] for path in paths))

    def _pair(self, fields: Mapping[str, Any]) -> tuple[Any, Any]:
        half = _NEITHER
        for login_path, password_path in self._passwords:
            if login_path[0] not in fields and password_path[0] not in fields:
                continue
            login, password = _at(fields, login_path), _at(fields, password_path)
            if login is not None and password is not None:
                return login, password
            if half is _NEITHER and (login is not None or password is not None):
                half = (login, password)
        return half


_NOTHING = Credentials()
_NEITHER = (None, None)


def _at(fields: Any, path: _Path) -> Any:
    """The value under a path, None where nothing stands there, or what stands in its way."""
    for step in path:
        if fields is None:
            return None
        if not isinstance(fields, dict):
            return _IN_THE_WAY
        fields = fields.get(step)
    return fields


_IN_THE_WAY = object()  # no text, so never right


def _split(path: str) -> _Path:
    return tuple(path.split("."))


def _fault(path: str) -> str:
    """What is wrong with a path, or ""."""
    steps = path.split(".")
    if not all(steps) or any(step != step.strip() for step in steps):
        return f"{path!r} is not a path such as 'custom.token'"
    if steps[0] == "authToken":
        return "authToken is the media server's own and proves nothing; have the client send a token in custom"
    return ""
