"""An issuer on this machine that answers byte for byte as a test tells it, and keys as issuers publish them."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from authgate.errors import StoreError
from tests.verifiers.forge import ED448, ED25519, P256, P384, P521, RSA, b64, private_pem, signature

OTHER_RSA = rsa.generate_private_key(65537, 2048)
NOW = 1_800_000_000.0
ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
HANG = object()
DRIP = object()

__all__ = ["ED448", "ED25519", "OTHER_RSA", "P256", "P384", "P521", "RSA"]


def jwk(key: Any = RSA, kid: Any = "one", **others: Any) -> dict[str, Any]:
    """The public half of a key as JSON Web Key; members that are None are left out."""
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = public.public_numbers()
        found = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        numbers, size = public.public_numbers(), (key.curve.key_size + 7) // 8
        crv = {256: "P-256", 384: "P-384", 521: "P-521"}[key.curve.key_size]
        found = {"kty": "EC", "crv": crv, "x": number(numbers.x, size), "y": number(numbers.y, size)}
    else:
        crv = "Ed25519" if key is ED25519 else "Ed448"
        found = {"kty": "OKP", "crv": crv, "x": b64(public.public_bytes_raw())}
    return {name: value for name, value in {**found, "kid": kid, **others}.items() if value is not None}


def number(value: int, size: int = 0) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def key_set(*keys: Any) -> bytes:
    return json.dumps({"keys": list(keys or [jwk()])}).encode()


def verifies(found: Any, key: Any, algorithm: str) -> bool:
    """Whether one of the keys that were found verifies what this key signs."""
    made = signature(b"message", key, algorithm)
    assert not any(each.signed(b"another", made) for each in found)
    return any(each.signed(b"message", made) for each in found)


def answer(body: bytes = b"", status: str = "200 OK", *lines: str, length: int | None = None) -> bytes:
    """The bytes of a whole answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


class Issuer:
    """What it answers under each path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"/keys": answer(key_set())}
        self.asked: list[str] = []
        self.heads: list[str] = []
        self.gate = asyncio.Event()  # nobody is answered while it is not set
        self.gate.set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def publish(self, *keys: Any) -> None:
        self.answers["/keys"] = answer(key_set(*keys))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            self.asked.append(path)
            self.heads.append(head)
            await self.gate.wait()
            found = self.answers.get(path, answer(b"", "404 Not Found"))
            if found is HANG:
                await asyncio.sleep(60)
            elif found is DRIP:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
                while True:
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            else:
                writer.write(found)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def issuing(tls: ssl.SSLContext | None = None) -> AsyncIterator[Issuer]:
    """An issuer that answers while the context lasts."""
    issuer = Issuer()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(issuer.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    issuer.port = server.sockets[0].getsockname()[1]
    try:
        yield issuer
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeShelf:
    """Obeys ``key_sets.Shelf``."""

    documents: dict[Any, tuple[bytes, int]] = field(default_factory=dict)
    tried: list[tuple[Any, bool, int, str]] = field(default_factory=list)
    away: bool = False
    slow: bool = False

    async def load(self, source):
        if self.slow:
            await asyncio.sleep(60)
        if self.away:
            raise StoreError("the store is away")
        return self.documents.get(source)

    async def keep(self, source, document, tried_at, fault):
        if self.away:
            raise StoreError("the store is away")
        if document is not None:
            self.documents[source] = document, tried_at
        self.tried.append((source, document is not None, tried_at, fault))


async def until(claim, seconds: float = 3.0) -> None:
    """Come back when a claim is true; it fails after some seconds."""
    async with asyncio.timeout(seconds):
        while not claim():  # noqa: ASYNC110 - of things that tell nobody
            await asyncio.sleep(0.005)


def port_of_nobody() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def provided(name: str) -> bytes:
    """A document from the folder of providers."""
    return (Path(__file__).parent / "providers" / name).read_bytes()


def self_signed(path: Path) -> Path:
    """A key and a certificate of it for this machine, which nobody vouches for."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(P256.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(P256, hashes.SHA256())
    )
    path.write_bytes(private_pem(P256).encode() + certificate.public_bytes(Encoding.PEM))
    return path
