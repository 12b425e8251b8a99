"""``restClientConfig``: how the back end wants its answers to later hooks of one session to be taken.

Read as strictly as the vendor's samples are written, so that the stand-in never flatters a back end: an
entry needs all five fields, lists have no spaces, and names are whole top-level fields. Any other entry is a
fault and leaves its method with the defaults.
"""

from dataclasses import dataclass, field
from typing import Any

_FIELDS = {"clientExclude", "restExclude", "restOnError", "restPolicy", "restOverwrite"}


@dataclass(frozen=True, slots=True)
class MethodSettings:
    """The settings of one hook method; at rest, the defaults of the media server."""

    client_exclude: frozenset[str] = frozenset()
    rest_exclude: frozenset[str] = frozenset()
    fail: bool = False  # restOnError: FAIL instead of LOG
    policy: str = "NOTIFY"
    overwrite: frozenset[str] = frozenset()

    def to_backend(self, fields: dict[str, Any]) -> dict[str, Any]:
        """What the back end is told."""
        return {key: value for key, value in fields.items() if key not in self.rest_exclude}

    def to_client(self, fields: dict[str, Any]) -> dict[str, Any]:
        """What the client is told."""
        return {key: value for key, value in fields.items() if key not in self.client_exclude}

    def merged(self, fields: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        """The fields with those of the answer that it may overwrite; one that the answer lacks stays."""
        if self.policy != "OVERWRITE":
            return fields
        return fields | {key: answer[key] for key in answer if key in self.overwrite}


DEFAULTS = MethodSettings()


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """``restClientConfig`` as one session obeys it."""

    methods: dict[str, MethodSettings] = field(default_factory=dict)
    faults: tuple[str, ...] = ()  # what in it could not be used

    def of(self, method: str) -> MethodSettings:
        return self.methods.get(method, DEFAULTS)


def read_settings(config: object) -> SessionSettings:
    """The ``restClientConfig`` of a connect's answer; None stands for an answer without one."""
    if config is None:
        return SessionSettings()
    if not isinstance(config, dict):
        return SessionSettings(faults=("restClientConfig: not an object",))
    methods, faults = {}, []
    for name, entry in config.items():
        fault = _fault(entry)
        if fault:
            faults.append(f"{name}: {fault}")
        else:
            methods[name] = MethodSettings(
                _names(entry["clientExclude"]),
                _names(entry["restExclude"]),
                entry["restOnError"] == "FAIL",
                entry["restPolicy"],
                _names(entry["restOverwrite"]),
            )
    return SessionSettings(methods, tuple(faults))


def _fault(entry: object) -> str:
    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        return "does not have exactly the five fields"
    if not all(isinstance(value, str) for value in entry.values()):
        return "a field is not text"
    if entry["restOnError"] not in ("LOG", "FAIL"):
        return "restOnError is neither LOG nor FAIL"
    if entry["restPolicy"] not in ("NOTIFY", "OVERWRITE", "DISABLE"):
        return "restPolicy is neither NOTIFY nor OVERWRITE nor DISABLE"
    if any(" " in entry[key] for key in ("clientExclude", "restExclude", "restOverwrite")):
        return "a list holds spaces"
    return ""


def _names(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.split(",")))
