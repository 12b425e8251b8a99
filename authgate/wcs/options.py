"""The options of one node of the media server, as its REST API is reached."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le

from authgate import tls
from authgate.model import Secret
from authgate.urls import split

ANY = "*"  # in node: any text, none too


@dataclass(frozen=True, slots=True)
class WcsOptions:
    """Section ``[[wcs]]``: a node of the media server, and where its REST API is."""

    node: str  # the nodeId of its hooks, or a pattern with *
    url: str  # as http://HOST:8081/rest-api; it is shown to people, so no secret belongs in it
    username: str | None = None  # for HTTP Basic; None: it asks for none (disable_rest_auth)
    password: Secret | None = None
    end_strangers_of: tuple[
        str, ...
    ] = ()  # applications whose connections are ended where authgate knows nothing of them
    timeout: Annotated[float, Gt(0), Le(60)] = 5.0  # seconds that one question may take
    connections: Annotated[int, Ge(1), Le(100)] = 16  # at once, in each process
    max_answer: Annotated[int, Ge(1024), Le(1 << 30)] = 67_108_864  # bytes
    ca_file: Path | None = None  # PEM; None: the authorities that this machine trusts
    insecure_skip_tls_verification: bool = False  # believes whoever answers

    def __post_init__(self) -> None:
        object.__setattr__(self, "node", self.node.strip())
        object.__setattr__(self, "url", self.url.strip().rstrip("/"))
        faults = [*self._faults_of_node(), *self._faults_of_url(), *self._faults_of_login(), *self._faults_of_tls()]
        if faults:
            raise ValueError("\n".join(faults))

    @property
    def encrypted(self) -> bool:
        """Whether it is asked over TLS."""
        return tls.encrypted(self.url)

    @property
    def in_clear(self) -> bool:
        """Whether what it is asked leaves this machine without TLS."""
        return tls.in_clear(self.url)

    def covers(self, node: str) -> bool:
        """Whether a node's id is the one that is meant, or matches the pattern; letter case counts."""
        first, *others = self.node.split(ANY)
        if not others:
            return node == first
        *between, last = others
        if not node.startswith(first):
            return False
        at = len(first)
        for part in between:
            found = node.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return len(node) - at >= len(last) and node.endswith(last)

    def _faults_of_node(self) -> Iterator[str]:
        if not self.node:
            yield "node: is empty; write the nodeId that the node's hooks have, or '*'"

    def _faults_of_url(self) -> Iterator[str]:
        """None of them shows the address: what is wrong with it may be a password."""
        found = split(self.url)
        if found is None or not (found.hostname and found.scheme in ("http", "https")):
            yield "url: must be an address such as 'http://192.0.2.10:8081/rest-api'"
        elif "@" in self.url:
            yield "url: holds a user, a password or another @; put them into username and password"
        elif "?" in self.url or "#" in self.url:
            yield "url: must end with its path, such as /rest-api; it has a query or a fragment"

    def _faults_of_login(self) -> Iterator[str]:
        if self.username is not None and (not self.username or ":" in self.username):
            yield "username: is empty, or has a colon, which no username can have"

    def _faults_of_tls(self) -> Iterator[str]:
        if self.ca_file is not None and self.insecure_skip_tls_verification:
            yield "ca_file: is given, and insecure_skip_tls_verification says not to use it; remove one"
        if self.ca_file is not None and (fault := tls.fault_of_authorities(self.ca_file)):
            yield fault


def check(sections: Sequence[WcsOptions]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong between options and sections that are right by themselves: the path of each fault, what to do."""
    for at, each in enumerate(sections):
        if (each.username is None) != (each.password is None):
            here, missing = ("password", "username") if each.username is None else ("username", "password")
            yield ("wcs", at, here), f"is given without {missing}; give both, or none"
        for before in sections[:at]:
            if before.node == each.node or (ANY not in each.node and before.covers(each.node)):
                text = f"is covered by the section of {before.node!r} before it, so nobody would ask this one"
                yield ("wcs", at, "node"), f"{text}; put it first, or remove one"
                break
