"""Webhooks over TLS, and the receiver of the manual, which takes what it is sent and nothing else."""

import asyncio
import re
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from authgate.feed import WebhookOptions
from authgate.feed.event import Event
from authgate.feed.sender import Sender, SendError
from authgate.model import Secret
from tests.feed.made import a_record
from tests.feed.receiver import SECRET, Receiver
from tests.targets.test_tls import certificate
from tests.trouble import awaited

MANUAL = Path(__file__).parents[2] / "docs" / "events.md"
EVENT = Event(7, a_record())


def options(url, **changes):
    return WebhookOptions("crm", Secret(url), (Secret(SECRET),), **changes)


async def test_over_tls_by_an_authority_of_our_own(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem = tmp_path / "ca.pem"
    certificate(pem, "127.0.0.1")
    context.load_cert_chain(pem)
    with Receiver() as receiver:
        receiver.wrap(context)
        url = receiver.url.replace("http://", "https://")
        good, other = Sender(options(url, ca_file=pem)), Sender(options(url))
        assert (await good.send(EVENT)).status == 204
        assert (await good.send(EVENT)).status == 204
        with pytest.raises(SendError, match=r"cannot be reached: .*certificate"):
            await other.send(EVENT)
        await good.close()
        await other.close()
    assert len(receiver.taken) == 2


async def test_what_is_answered_is_not_read_without_end():
    """Whoever answers with more than anybody wants to know has answered all the same, and nobody waits for the rest."""
    with Receiver() as receiver:
        receiver.endless = True
        receiver.answer = lambda _number: 200
        by = Sender(options(receiver.url, timeout=5.0))
        assert (await by.send(EVENT)).status == 200
        await by.close()


NO_ANSWERS = {"no HTTP": b"nonsense\r\n\r\n", "nothing": b"", "half a head": b"HTTP/1.1 200 OK\r\nContent-Le"}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_what_is_no_answer(answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            line, _ = listener.accept()
            with line:
                line.recv(65536)
                line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        by = Sender(options(f"http://127.0.0.1:{listener.getsockname()[1]}/?token=hidden"))
        with pytest.raises(SendError, match="broke off, or what it answers is not HTTP") as caught:
            await by.send(EVENT)
        assert "hidden" not in str(caught.value)
        await by.close()
        thread.join()


def test_the_receiver_of_the_manual(tmp_path):
    code = re.search(r"```python\n(.*?)```", MANUAL.read_text(), re.DOTALL)[1]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert "9000" in code
    (tmp_path / "webhook-secret").write_text(f"{SECRET}\n")
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code.replace("9000", str(port))],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        awaited(lambda: _listens(port))
        url = f"http://127.0.0.1:{port}/"
        assert asyncio.run(_sent(url)) == [204, 204]
        forged = {"webhook-id": "evt_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
        assert httpx.post(url, content=b"{}", headers=forged, trust_env=False).status_code == 401
    finally:
        process.terminate()
        told = process.communicate()[0]
    assert told == "hook.allowed s1\n"


async def _sent(url):
    """What is answered to an event, and to the same once more."""
    by = Sender(options(url))
    found = [(await by.send(EVENT)).status for _ in range(2)]
    await by.close()
    return found


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
