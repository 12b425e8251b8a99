"""The password files of Apache and nginx: ``name:hash`` in each line, and comments."""

from collections.abc import Iterator, Sequence

from authgate.model import User
from authgate.userfiles.rows import Bad, Row, Writer
from authgate.userfiles.source import text


def rows(lines: Iterator[tuple[int, bytes]]) -> Iterator[Row | Bad]:
    """A row for each line that is neither empty nor a comment. All behind the first colon is the hash."""
    for line, raw in lines:
        try:
            whole = text(raw).strip()
        except ValueError as fault:
            yield Bad(line, str(fault))
            continue
        if not whole or whole.startswith("#"):
            continue
        name, colon, hashed = whole.partition(":")
        if colon and hashed:
            yield Row(line, {"name": name, "hash": hashed})
        else:
            yield Bad(line, "is not such as name:hash")


class Htpasswd(Writer):
    """Writes names and hashes, and nothing else."""

    head = ""

    def __init__(self, *, hashes: bool) -> None:
        self._hashes = hashes

    def text(self, user: User, _groups: Sequence[str]) -> str | None:
        """One line; None for a user without a hash, and for a name with a colon or that would be a comment."""
        if not user.hash or not self._hashes or ":" in user.name or user.name.startswith("#"):
            return None
        return f"{user.name}:{user.hash}\n"
