"""Whom a target over TLS is believed to be."""

import asyncio
import datetime
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from authgate.errors import TargetError
from authgate.ports import Answered
from authgate.targets import HttpTargets, TargetOptions

from .backend import NO, BackEnd, reply, running
from .conftest import Making, Named, a_hook, raw

NOW = datetime.datetime.now(datetime.UTC)


def certificate(path: Path, host: str, days: int = 1) -> Path:
    """A certificate that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    try:
        subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        subject = x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=10))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([subject]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    certificate(made / "right", "127.0.0.1")
    certificate(made / "another", "127.0.0.1")
    certificate(made / "other-name", "example.com")
    certificate(made / "over", "127.0.0.1", days=-1)
    return made


@pytest.fixture(scope="module")
def secure(folder: Path) -> Iterator[dict[str, BackEnd]]:
    with (
        running(certificate=str(folder / "right")) as right,
        running(certificate=str(folder / "other-name")) as other_name,
        running(certificate=str(folder / "over")) as over,
    ):
        yield {"right": right, "other-name": other_name, "over": over}


async def test_one_whose_certificate_we_were_given(make: Making, secure, folder):
    other = Named(secure["right"])
    targets = make(other.url, ca_file=folder / "right")
    for _ in range(3):
        assert await targets.ask("legacy", a_hook()) == Answered(True)
    assert len({request["connection"] for request in other.heard()}) == 1


NOT_BELIEVED = {
    "nobody vouches for it": ("right", None, "self-signed certificate"),
    "another vouches for it": ("right", "another", "certificate"),
    "for another name": ("other-name", "other-name", "IP address mismatch"),
    "no longer": ("over", "over", "certificate has expired"),
}


@pytest.mark.parametrize(("which", "ca", "why"), NOT_BELIEVED.values(), ids=NOT_BELIEVED)
async def test_one_that_is_not_believed(make: Making, secure, folder, which, ca, why):
    other = Named(secure[which])
    targets = make(other.url, ca_file=folder / ca if ca else None)
    with pytest.raises(TargetError, match=f"cannot be reached: its certificate is not trusted: .*{why}") as caught:
        await targets.ask("legacy", a_hook())
    assert other.name not in str(caught.value)
    skipping = make(other.url, insecure_skip_tls_verification=True)
    assert await skipping.ask("legacy", a_hook()) == Answered(True)
    assert other.methods() == ["publishStream"]


async def test_one_without_tls_where_there_should_be(make: Making):
    server = await asyncio.start_server(_bad_request, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(TargetError, match="cannot be reached: no TLS can be agreed on"):
        await make(url).ask("legacy", a_hook())
    server.close()


async def _bad_request(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(reply("", "400 Bad Request"))
    writer.close()


async def test_one_with_tls_where_none_is_expected(make: Making, secure):
    with pytest.raises(TargetError, match=r"hung up|HTTP"):
        await make(secure["right"].url("x").replace("https:", "http:")).ask("legacy", a_hook())


@pytest.mark.parametrize("later", [0, 0.03], ids=["at once", "a moment later"])
async def test_an_answer_longer_than_it_says_is_no_answer_to_the_next(make: Making, secure, folder, later):
    other = Named(secure["right"])
    more = reply('{"name":"evil"}')
    other.say([reply(), later, more] if later else [reply() + more], NO)
    targets = make(other.url, ca_file=folder / "right", retries=0)
    await targets.ask("legacy", a_hook())
    await asyncio.sleep(0.06)
    assert await targets.ask("legacy", a_hook("call")) == Answered(False)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_who_is_cancelled_at_any_moment_leaves_nothing_behind(secure, folder, tmp_path, loop):
    async def ask_and_cancel() -> None:
        options = TargetOptions(secure["right"].url("x"), ca_file=folder / "right", connections=3)
        for step in range(40):
            targets = HttpTargets({"legacy": options}, tmp_path, raw)
            asking = [asyncio.create_task(targets.ask("legacy", a_hook())) for _ in range(4)]
            await asyncio.sleep(step / 4000)
            for each in asking:
                each.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            await asyncio.sleep(0.005)
            assert targets.states()["legacy"]["connections"] <= 3
            await targets.close()
            assert targets.states()["legacy"]["connections"] == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(ask_and_cancel())
