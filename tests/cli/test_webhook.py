"""``authgate webhook``."""

import json

import pytest

from tests.cli.conftest import KEY
from tests.feed.receiver import SECRET
from tests.store.samples import a_record, now

assert KEY


@pytest.fixture
def webhooks(path):
    """A configuration with two."""
    path.write_text(
        f"""{path.read_text()}
[[webhooks]]
name = "crm"
url = "https://crm.example.com/hook?token=hidden-in-the-query"
secrets = ["{SECRET}"]

[[webhooks]]
name = "lamp"
url = "http://127.0.0.1:9/hook"
secrets = ["{SECRET}"]
only = {{ kinds = ["stream"] }}
"""
    )


def listed(authgate):
    return {each["name"]: each for each in json.loads(authgate("webhook", "list", "--json").stdout)}


async def _written(store, count):
    from authgate.model import Entry

    for _ in range(count):
        await store.ledger.write(Entry(a_record()))


def test_how_far_each_has_come(authgate, webhooks, on_store):
    assert [each["state"] for each in listed(authgate).values()] == ["not begun"] * 2

    async def happen(store):
        await _written(store, 5)
        await store.webhooks.begin("crm", 2)
        await store.webhooks.begin("gone", 1)
        await store.webhooks.begin("lamp", 0)
        await store.webhooks.delivered("lamp", 5, now())
        await store.webhooks.failed("crm", 3, "answers with status 500", 4, now(), now() + 60_000)

    on_store(happen)
    found = listed(authgate)
    assert [*found] == ["crm", "lamp", "gone"]
    shown = {name: (each["state"], each["behind"], each["failures"], each["error"]) for name, each in found.items()}
    assert shown == {
        "crm": ("failing", 3, 4, "answers with status 500"),
        "lamp": ("good", 0, 0, ""),
        "gone": ("not configured", 4, 0, ""),
    }
    assert found["crm"]["url"] == "https://crm.example.com/hook?***"
    table = authgate("webhook", "list").stdout
    assert "answers with status 500" in table
    assert "hidden" not in table
    one = authgate("webhook", "status", "crm").stdout
    assert "failing" in one
    assert json.loads(authgate("webhook", "status", "lamp", "--json").stdout)["at"] == 5


def test_one_that_was_disabled_goes_on(authgate, webhooks, on_store):
    async def happen(store):
        await _written(store, 5)
        await store.webhooks.begin("crm", 2)
        await store.webhooks.disable("crm", now(), "answers with status 410")

    on_store(happen)
    assert listed(authgate)["crm"]["state"] == "disabled"
    assert "goes on where it stopped" in authgate("webhook", "enable", "crm").stdout
    assert (listed(authgate)["crm"]["state"], listed(authgate)["crm"]["at"]) == ("good", 2)
    authgate("webhook", "enable", "crm", "--from-now")
    assert listed(authgate)["crm"]["behind"] == 0


def test_one_that_is_configured_no_more_is_forgotten(authgate, webhooks, on_store):
    on_store(lambda store: store.webhooks.begin("gone", 1))
    assert "is in the configuration" in authgate("webhook", "forget", "crm", status=1).stderr
    authgate("webhook", "forget", "gone")
    assert "gone" not in listed(authgate)


@pytest.mark.parametrize("verb", ["status", "enable", "forget"])
def test_one_that_there_is_not(authgate, webhooks, verb):
    assert "there is no webhook 'nobody'" in authgate("webhook", verb, "nobody", status=1).stderr


def test_a_secret_can_be_used_at_once(authgate, path):
    secret = authgate("webhook", "secret").stdout.strip()
    assert secret != authgate("webhook", "secret").stdout.strip()
    path.write_text(
        f'{path.read_text()}\n[[webhooks]]\nname = "a"\nurl = "http://127.0.0.1:9/"\nsecrets = ["{secret}"]\n'
    )
    authgate("config", "check")


FAULTS = {
    "in clear": (
        'name = "a"\nurl = "http://hooks.example.com/"\nsecrets = ["{secret}"]',
        "webhooks[0].url: is reached without TLS",
    ),
    "a short secret": (
        'name = "a"\nurl = "https://h.example.com/"\nsecrets = ["whsec_YWJj"]',
        "webhooks[0].secrets: entry 0 is not 24 to 64 bytes; run: authgate webhook secret",
    ),
    "a kind there is not": (
        'name = "a"\nurl = "https://h.example.com/"\nsecrets = ["{secret}"]\nonly = {{ kinds = ["streams"] }}',
        "webhooks[0].only.kinds: there is no 'streams'; did you mean 'stream'?",
    ),
    "an option there is not": (
        'name = "a"\nurl = "https://h.example.com/"\nsecrets = ["{secret}"]\nonly = {{ kind = ["stream"] }}',
        "webhooks[0].only.kind: no such option; did you mean 'kinds'?",
    ),
    "two of one name": (
        'name = "a"\nurl = "https://h.example.com/"\nsecrets = ["{secret}"]\n'
        '[[webhooks]]\nname = "a"\nurl = "https://i.example.com/"\nsecrets = ["{secret}"]',
        "webhooks[1].name: another webhook is called 'a' too",
    ),
}


@pytest.mark.parametrize(("section", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_section_that_cannot_be_used_is_told_by_its_key(authgate, path, section, fault):
    path.write_text(f"{path.read_text()}\n[[webhooks]]\n{section.format(secret=SECRET)}\n")
    told = authgate("config", "check", status=2).stderr
    assert fault in told
    assert "YWJj" not in told


def test_what_is_weak_is_told(authgate, path):
    path.write_text(
        f'{path.read_text()}\n[[webhooks]]\nname = "a"\nurl = "http://h.example.com/"\n'
        f'secrets = ["{SECRET}"]\ninsecure_http = true\n'
    )
    assert "webhooks[0].insecure_http is on" in authgate("config", "check").output


def test_no_secret_is_shown(authgate, webhooks):
    shown = authgate("config", "show").output
    assert SECRET not in shown
    assert "hidden-in-the-query" not in shown
