"""The other end of ``apart.py``: a process that tries passwords on hashes which only Python computes.

A request is four bytes of length, the stored hash, a line end and the password; an answer is one byte. The process ends
when its parent does: then its socket is closed.
"""

import signal
import socket

from authgate.passwords.spellings import read

OPENS, WRONG, BROKEN = b"1", b"0", b"!"
LENGTH = 4  # bytes, the most significant first


def serve(parent: socket.socket) -> None:
    """Answer requests until there are no more."""
    while size := _received(parent, LENGTH):
        request = _received(parent, int.from_bytes(size, "big"))
        if not request:
            return
        try:
            parent.sendall(_answer(request))
        except OSError:
            return  # nobody waits for it any more


def _answer(request: bytes) -> bytes:
    hashed, _, secret = request.partition(b"\n")
    try:
        found = read(hashed.decode())
        return BROKEN if found is None else OPENS if found.opens(secret) else WRONG
    except Exception:  # libpass raises whatever a broken hash leads to
        return BROKEN


def _received(parent: socket.socket, size: int) -> bytes:
    """So many bytes, or none where the other end was closed."""
    found = b""
    while len(found) < size:
        try:
            more = parent.recv(size - len(found))
        except OSError:
            return b""
        if not more:
            return b""
        found += more
    return found


def main() -> None:
    """The process: signals to the whole group are its parent's business."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    with socket.socket(fileno=0) as parent:
        serve(parent)
