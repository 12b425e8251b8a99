"""What the supervisor tells a worker over a pair of sockets, and how that answers."""

import asyncio
import json
import pickle
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from authgate.server.reload import Generation

_SIZE = struct.Struct("!Q")
MOST_ANSWER = 1 << 22  # bytes of an answer


class Verb(StrEnum):
    """What a worker is to do."""

    BEGIN = "begin"  # answer hooks by this generation
    PREPARE = "prepare"  # build what this generation comes to; the answer says what is wrong with it
    ADOPT = "adopt"  # answer by what was prepared
    DROP = "drop"  # forget what was prepared
    PING = "ping"  # say that you live


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to do. A generation goes from memory to memory: its secrets never touch the disk."""

    number: int  # that the answer names
    verb: Verb
    generation: Generation | None = None


def packed(order: Order) -> bytes:
    """An order as it is sent."""
    data = pickle.dumps(order)
    return _SIZE.pack(len(data)) + data


async def received(reader: asyncio.StreamReader) -> Order:
    """The next order.

    Raises:
        EOFError: nobody gives any more.
        ConnectionError: the same.
    """
    (size,) = _SIZE.unpack(await reader.readexactly(_SIZE.size))
    return _unpacked(await reader.readexactly(size))


def first(line: socket.socket) -> Order:
    """The first order, before there is an event loop.

    Raises:
        EOFError: nobody gives any.
    """
    (size,) = _SIZE.unpack(_exactly(line, _SIZE.size))
    return _unpacked(_exactly(line, size))


def answer(order: Order, faults: Sequence[str] = ()) -> bytes:
    """An answer as it is sent. It is no pickle: who answers hooks is more exposed than who gives orders."""
    return json.dumps([order.number, list(faults)]).encode() + b"\n"


def understood(line: bytes) -> tuple[int, list[str]]:
    """The number of the order that is answered, and what is wrong."""
    number, faults = json.loads(line)
    return int(number), [str(fault) for fault in faults]


def _exactly(line: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = line.recv(min(size - len(data), 1 << 20))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def _unpacked(data: bytes) -> Order:
    order = pickle.loads(data)  # noqa: S301 - from the process that started us, over a socket of no name
    if not isinstance(order, Order):
        raise TypeError("that is no order")
    return order
