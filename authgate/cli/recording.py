"""A file -> the delivery in it: a hook's body, or a whole HTTP request as it was recorded."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import click

from authgate.model import Delivery

HEAD_LENGTH = 65_536  # bytes of a recorded request before its body, as many as the server takes


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded of a hook."""

    delivery: Delivery
    whole: bool  # whether it is a request, with what tells who sent it
    notes: tuple[str, ...] = ()  # what is odd about it


def read(given: bytes, method: str | None, base: str) -> Recording:
    """The recording in these bytes; ``method`` counts for more than the path of a request, which begins with ``base``.

    Raises:
        click.UsageError: it does not say which method it is of.
    """
    found = _REQUEST.match(given)
    if found is None:
        if method is None:
            raise click.UsageError("a body does not say which hook it is of; give --method")
        return Recording(Delivery(_method(method), given), whole=False)
    verb, target = found[1].decode("latin-1"), found[2].decode("latin-1")
    if verb != "POST":
        raise click.UsageError(f"a hook is POSTed, and this is a {verb} request")
    rest = given[found.end() :]
    end = _END_OF_HEAD.search(rest)
    head, body = (rest[: end.start()], rest[end.end() :]) if end else (rest, b"")
    headers = [_header(line) for line in head.decode("latin-1").split("\n") if line.strip()]
    if any(name == "transfer-encoding" for name, _ in headers):
        raise click.UsageError("the body is in chunks; record it with a Content-Length, or give the body alone")
    body, notes = _cut(body, [value for name, value in headers if name == "content-length"])
    authorizations = tuple(value for name, value in headers if name == "authorization")
    forwarded = tuple(value for name, value in headers if name == "x-forwarded-for")
    name = _method(method if method is not None else _last_segment(target, base))
    return Recording(Delivery(name, body, authorizations, forwarded), whole=True, notes=notes)


def _method(name: str) -> str:
    if not _METHOD.fullmatch(name):
        raise click.UsageError(f"{name!r} is no hook method such as connect or publishStream; give --method")
    return name


def _last_segment(target: str, base: str) -> str:
    """The method that a path names; behind a proxy it may lie below another base."""
    try:
        path = unquote(urlsplit(target).path)
    except ValueError:
        return ""
    below = path.removeprefix(base.rstrip("/")) if f"{path}/".startswith(f"{base.rstrip('/')}/") else path
    return below.rstrip("/").rpartition("/")[2]


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _cut(body: bytes, lengths: list[str]) -> tuple[bytes, tuple[str, ...]]:
    """The body without what an editor put after it."""
    if not lengths or not lengths[0].isascii() or not lengths[0].isdigit() or len(lengths[0]) > _DIGITS:
        return body, ()
    length = int(lengths[0])
    if len(body) < length:
        return body, (f"the body has {len(body)} of the {length} bytes that it was sent with: it was cut or changed",)
    return body[:length], ()


_DIGITS = 12  # of a length
_REQUEST = re.compile(rb"([A-Z]{3,10}) (\S{1,8192}) HTTP/1\.[01]\r?\n")
_END_OF_HEAD = re.compile(rb"(?:\A|\n)\r?\n")
_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")  # as the server takes it from the path
