"""The admin listener of a real server of several workers, full of connections that say nothing."""

import socket

import httpx

from tests import process
from tests.trouble import awaited

from .conftest import Administered, prepared


def test_every_worker_is_administered_and_hooks_are_answered_while_it_is_full(tmp_path):
    config = prepared(tmp_path, "max_connections = 2\n")
    with process.serve(config, "--workers", "2") as running:
        served = Administered(running)
        served.http.headers["connection"] = "close"
        host, _, port = running.admin.removeprefix("http://").partition(":")
        silent = []

        def is_full() -> bool:
            """Whether both workers have all the connections that they take, after yet another one."""
            line = socket.create_connection((host, int(port)), 5)
            line.settimeout(0.3)
            try:
                assert line.recv(1) == b""  # one too many for the worker that took it
            except ConnectionError:
                pass
            except TimeoutError:
                silent.append(line)
                return len(silent) == 4
            line.close()
            return False

        assert served.http.get("/api/v1/key").status_code == 200
        awaited(is_full)
        assert not is_full()
        assert len(silent) == 4
        for _ in range(8):
            body = {"nodeId": "n", "appKey": "defaultApp", "sessionId": "s"}
            found = httpx.post(f"{running.hooks}/connect", json=body, trust_env=False)
            assert found.status_code == 403  # a verdict
        for each in silent:
            each.close()

        def is_answered() -> bool:
            try:
                return served.http.get("/api/v1/key").status_code == 200
            except httpx.TransportError:
                return False

        awaited(is_answered)
        served.close()
    assert running.process.returncode == 0
