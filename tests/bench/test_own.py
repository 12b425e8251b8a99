"""What is measured in place of an operator's configuration."""

import pytest

from authgate.bench.own import NAME, Given, own
from authgate.config import load
from authgate.model import Secret

KEY = "k" * 32
TOKEN = f'[[verifiers]]\ntype = "token"\nkey = "{KEY}"\n'
PASSWORD = '[[verifiers]]\ntype = "password"\n'
FETCHED = """
[[verifiers]]
type = "token"
issuer = "https://id.example.com"
algorithms = ["RS256"]
jwks = { url = "https://id.example.com/jwks" }
"""
OTHERS = """
[server]
host = "0.0.0.0"
port = 8080
[caller]
hmac_keys = ["0123456789abcdef0123456789abcdef"]
addresses = ["192.0.2.0/24"]
[guessing]
storage = "redis://127.0.0.1:6379/0"
[policies]
fallback = "old"
[targets.old]
url = "https://old.example.com/hooks"
[apps.chat.policies]
fallback = "old"
[[rules]]
name = "the old one says"
methods = ["publishStream"]
policy = { type = "forward", target = "old" }
[[rules]]
name = "nobody calls"
methods = ["call"]
policy = { type = "deny" }
[[wcs]]
node = "*"
url = "http://127.0.0.1:8081/rest-api"
[[signals]]
name = "all talk"
to = { rooms = ["*"] }
[[webhooks]]
name = "billing"
url = "https://billing.example.com/events"
secrets = ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
[records.stream]
url = "redis://127.0.0.1:9/0"
[[user_sources]]
name = "crm"
url = "postgresql://reader@db.example.com/crm"
query = "SELECT name, hash FROM members WHERE name = :name"
"""


@pytest.fixture
def measured(tmp_path):
    def of(text, workers=1):
        path = tmp_path / "authgate.toml"
        path.write_text(text)
        path.chmod(0o600)
        given = Given(Secret(f"sqlite:///{tmp_path}/x/authgate.db"), tmp_path / "x" / "spool", workers)
        return own(load(path, {}), given)

    return of


def test_nobody_else_is_asked_or_told(measured):
    found = measured(TOKEN + OTHERS)
    config = found.config
    assert (config.targets, config.webhooks, config.wcs, config.signals, config.user_sources) == ({}, (), (), (), ())
    assert (config.policies.fallback, config.apps["chat"].policies.fallback) == (None, None)
    assert [each.name for each in config.rules] == ["nobody calls"]
    assert config.guessing.storage.reveal() == "store"
    assert not config.admin.listen
    assert config.records.stream.url is None
    for left_out in (
        "[targets]",
        "[[user_sources]]",
        "[[wcs]]",
        "[[signals]]",
        "[[webhooks]]",
        "[records.stream]",
        "guessing.storage",
    ):
        assert any(left_out in note for note in found.notes)


def test_it_listens_on_this_machine_alone_with_a_store_of_its_own(measured, tmp_path):
    config = measured(TOKEN + OTHERS, workers=3).config
    assert (config.server.host, config.server.port, config.server.workers) == ("127.0.0.1", 0, 3)
    assert config.store.url.reveal() == f"sqlite:///{tmp_path}/x/authgate.db"
    assert config.store.spool == tmp_path / "x" / "spool"


def test_who_calls_is_checked_as_ever_and_this_machine_may(measured):
    caller = measured(TOKEN + OTHERS).config.caller
    assert [key.reveal() for key in caller.hmac_keys] == ["0123456789abcdef0123456789abcdef"]
    assert list(map(str, caller.addresses)) == ["192.0.2.0/24", "127.0.0.1/32"]


VERIFIERS = {
    "a secret": (TOKEN + PASSWORD, "token", ["token", "password"]),
    "keys of authgate's own": (f'[[verifiers]]\ntype = "issued"\nmaster_keys = ["{KEY}"]\n', "issued", ["issued"]),
    "passwords alone": (PASSWORD, NAME, [NAME, "password"]),
    "keys that are fetched": (FETCHED, NAME, [NAME]),
    "none": ("", NAME, [NAME]),
}


@pytest.mark.parametrize(("text", "chosen", "names"), VERIFIERS.values(), ids=VERIFIERS)
def test_tokens_are_of_a_verifier_that_can_sign(measured, text, chosen, names):
    found = measured(text)
    assert (found.verifier, [each.name for each in found.config.verifiers]) == (chosen, names)
    assert any("verifier of its own" in note for note in found.notes) == (chosen == NAME)
