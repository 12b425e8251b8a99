"""Two nodes with one PostgreSQL: what is changed at the one is in force at the other within a second."""

from dataclasses import dataclass

import httpx
import pytest

from authgate.issuance import Token, Wanted
from tests import here, process
from tests.server.live import ISSUED, done, issuing, new_session, with_key, within_a_second
from tests.server.running import PASSWORD, until

RULES = """
[[rules]]
name = "by grants"
methods = ["publishStream"]
policy = { type = "grant", action = "publish" }
"""
# What is done at one node, and what a token, a password and a session are answered at the other from then on.
CHANGES = {
    "disabled": (("user", "disable", "{user}"), "", (403, 403, 403)),
    "password": (("user", "password", "{user}", "--password-stdin"), "another-horse-of-the-test\n", (403, 403, 403)),
    "grants": (("user", "set", "{user}", "--grant", "publish:other"), "", (403, 200, 403)),
    "ended": (("session", "end", "--user", "{user}"), "", (200, 200, 403)),
    "revoked": (("token", "revoke", "{token}"), "", (403, 200, 403)),
    "banned": (("ban", "add", "--user", "{user}"), "", (403, 403, 403)),
}


@dataclass
class Client:
    """Somebody at one node: by a token, by a password, and in a session that the token has opened."""

    node: process.Running
    user: str
    token: Token
    session: str

    def told(self, name: str = "cam") -> tuple[int, int, int]:
        """The statuses of another connect, of a login, and of publishing in the session."""
        fresh = self._ask("connect", new_session(), custom={"token": self.token.text.reveal()})
        login = self._ask("connect", new_session(), custom={"login": self.user, "password": PASSWORD})
        return fresh, login, self._ask("publishStream", self.session, name=name)

    def opens(self) -> int:
        """The status of the connect that opens the session."""
        return self._ask("connect", self.session, custom={"token": self.token.text.reveal()})

    def _ask(self, method: str, session: str, **fields: object) -> int:
        body = {"nodeId": "n", "appKey": "defaultApp", "sessionId": session, **fields}
        return httpx.post(f"{self.node.hooks}/{method}", json=body, trust_env=False, timeout=30).status_code


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_what_is_changed_at_one_node_is_in_force_at_the_other(store_url, tmp_path):
    config = with_key(tmp_path / "one", ISSUED + RULES, store_url, **dict.fromkeys(CHANGES, PASSWORD))
    other = tmp_path / "two" / config.name
    other.parent.mkdir()
    other.write_text(config.read_text())
    other.chmod(0o600)
    with here.serve(config) as one, here.serve(other) as two:
        tokens = done(config, issuing(*(Wanted(user, 3600) for user in CHANGES)))
        clients = [Client(two, *each, new_session()) for each in zip(CHANGES, tokens, strict=True)]
        for client in clients:
            assert client.opens() == 200
            assert client.told() == (200, 200, 200)
        for client in clients:
            command, given, after = CHANGES[client.user]
            one.run(*(word.format(user=client.user, token=client.token.token_id) for word in command), given=given)
            within_a_second(lambda client=client, after=after: client.told() == after)
        a_key_is_put_in_place_of_another(one, Client(two, "ended", tokens[0], new_session()))


def a_key_is_put_in_place_of_another(one: process.Running, client: Client) -> None:
    """What the new one signs is good at once, and once the old one is deleted nothing is that it has signed."""

    def issued() -> Token:
        return done(one.config, issuing(Wanted(client.user, 3600)))[0]

    old = issued()
    one.run("key", "rotate")
    until(lambda: issued().key_id != old.key_id)  # it is published for a moment before it signs
    new = issued()
    for client.token in (new, old):
        assert client.opens() == 200
    one.run("key", "delete", "--force", "--", old.key_id)
    within_a_second(lambda: client.opens() == 403)
    client.token = new
    assert client.opens() == 200
