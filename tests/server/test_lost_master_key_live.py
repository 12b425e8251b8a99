"""The master key is lost: a real server says so at its start, and in each of its workers a new key signs."""

import httpx

from authgate.server import presence
from tests.server.live import MASTER, live, with_key, within_a_second
from tests.server.running import told

OTHER = "another-master-key-of-32-letters"


def test_a_lost_master_key_is_told_and_a_new_key_signs(tmp_path):
    config = with_key(tmp_path / "authgate")
    config.write_text(config.read_text().replace(MASTER, OTHER))
    with live(config, 2) as server:
        [lost] = server.key_ids()
        log = told(server.log)
        assert [each for each in log if each.startswith(f"signing key {lost} can neither sign nor verify")]
        assert "no key of our own signs, so no token can be issued; run: authgate key generate" in log
        api_key = server.run("apikey", "add", "shop", "--user", "*")

        def asked():
            headers = {"authorization": f"Bearer {api_key}"}
            return httpx.post(f"{server.url}/tokens", json={"user": "ann"}, headers=headers, trust_env=False)

        refused = asked()
        assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
        assert "authgate key" not in refused.text
        assert server.run("key", "generate").endswith("signing")
        for _ in range(8):
            answer = asked()
            assert answer.status_code == 201
            token = answer.json()["token"]
            assert server.everywhere(lambda line, token=token: server.connect(token, line=line)) == {200}


def test_a_wrong_master_key_is_told_to_whoever_has_it_taken_over(tmp_path):
    with live(with_key(tmp_path / "authgate"), 1) as server:
        token = server.token()
        base = server.config.read_text()
        server.config.write_text(base.replace(MASTER, OTHER))
        done = server.command()
        assert done.returncode == 0
        assert f"warning: signing key {server.key_ids()[0]} can neither sign nor verify" in done.stderr
        assert "warning: no key of our own signs" in done.stderr
        within_a_second(lambda: server.connect(token) == 403)
        server.config.write_text(base)
        assert not presence.ask(server.spool, server.config, 20).faults
        within_a_second(lambda: server.connect(token) == 200)
