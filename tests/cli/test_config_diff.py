"""``authgate config diff``: options, what the media server is told, and the verdicts that would change."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from authgate.cli.diff import _progress
from authgate.config import load
from authgate.explain.differ import differing
from authgate.explain.replay import MAX_GROUPS, Change, Replay, Verdict
from authgate.model import Alias, Delivery, Entry, Reason, Record, SessionKey
from authgate.wiring import build

RULES = """
[[rules]]
name = "own"
methods = ["publishStream"]
names = ["cam*"]
policy = { type = "session" }
rewrites = [{ type = "put", field = "name", value = "int-{name}" }]
[[rules]]
name = "second"
methods = ["playStream"]
policy = { type = "session" }
"""
LIVE = {"sessionId": "/1"}
REWRITE = 'rewrites = [{ type = "put", field = "name", value = "int-{name}" }]'
DENIED = (f'names = ["cam*"]\npolicy = {{ type = "session" }}\n{REWRITE}', 'policy = { type = "deny" }')


class Silent:
    def verdict(self, record, milliseconds):
        pass


@pytest.fixture(autouse=True)
def _rules(authgate, path):
    path.write_text(path.read_text() + RULES)
    authgate("user", "add", "ann", "--no-password")


@pytest.fixture
def new(path, tmp_path):
    """Writes another configuration: ``new(("this", "that"), ...)`` is the one in force with these replacements."""

    def write(*replaced, more=""):
        text = path.read_text()
        for before, after in replaced:
            assert before in text
            text = text.replace(before, after)
        other = tmp_path / "new.toml"
        other.write_text(text + more)
        other.chmod(0o600)
        return str(other)

    return write


@pytest.fixture
def token(authgate):
    return authgate("token", "issue", "ann").stdout.strip()


@pytest.fixture
def answered(path, token):
    """Answers hooks of Ann's session, as the server would."""

    def run(*hooks):
        async def inside():
            service = build(load(path, {}), Silent())
            async with service.running():
                until = asyncio.get_running_loop().time() + 30
                for method, fields in (("connect", {"custom": {"token": token}}), *hooks):
                    body = {"nodeId": "n", "appKey": "app", **LIVE, **fields}
                    await service.gateway.answer(Delivery(method, json.dumps(body).encode()), until)

        asyncio.run(inside())

    return run


def diff(authgate, new, *arguments):
    return json.loads(authgate("config", "diff", new, *arguments, "--json").stdout)


def changes(found):
    return [
        (each["count"], each["method"], each["user"], each["subject"], each["now"]["reason"], each["then"]["reason"])
        for each in found["changes"]
    ]


def test_the_same(authgate, new, answered):
    answered(("publishStream", {"name": "cam"}), ("publishStream", {"name": "x", "sessionId": "/2"}))
    found = diff(authgate, new())
    assert (found["options"], found["restClientConfig"], found["changes"]) == ([], [], [])
    assert found["sessions"] == {"live": 1, "older_now": 0, "older_then": 0}
    told = authgate("config", "diff", new()).stdout
    assert "  none differs" in told
    assert "  the same" in told


def test_verdicts_that_would_change(authgate, new, answered):
    hooks = [("publishStream", {"name": name}) for name in ("cam-1", "cam-1", "cam-2")]
    answered(*hooks, ("playStream", {"name": "x"}), ("publishStream", {"name": "cam", "sessionId": "gone"}))
    other = new(DENIED)
    found = diff(authgate, other)
    assert changes(found) == [
        (2, "publishStream", "ann", "cam-1", "ok", "policy_denied"),
        (1, "publishStream", None, "cam", "session_unknown", "policy_denied"),
        (1, "publishStream", "ann", "cam-2", "ok", "policy_denied"),
    ]
    assert found["changes"][0]["now"] == {
        "allowed": True,
        "reason": "ok",
        "rule": "own",
        "changed": ["name"],
        "otherwise": [],
    }
    assert found["changed"] == 4
    told = [line.split() for line in authgate("config", "diff", other).stdout.splitlines()]
    row = [
        "2",
        "publishStream",
        "app",
        "ann",
        "cam-1",
        "allowed,",
        "changes",
        "name",
        "(own)",
        "policy_denied",
        "(own)",
    ]
    assert row in told
    assert "4 of 6 verdicts would change, of 6 records".split() in told


def test_what_only_changes_in_its_answer(authgate, new, answered):
    answered(("publishStream", {"name": "cam"}))
    other = new((REWRITE, ""))
    [change] = diff(authgate, other)["changes"]
    assert (change["now"]["changed"], change["then"]["changed"]) == (["name"], [])
    assert "allowed, changes name (own)" in authgate("config", "diff", other).stdout


def test_what_is_changed_to_something_else(authgate, new, answered):
    answered(("publishStream", {"name": "cam"}), ("playStream", {"name": "x"}))
    other = new(("int-{name}", "ext-{name}"))
    [change] = diff(authgate, other)["changes"]
    assert (change["now"]["otherwise"], change["then"]["otherwise"]) == ([], ["name"])
    told = authgate("config", "diff", other).stdout
    assert "allowed, changes name (name to something else) (own)" in told
    assert "1 of 3 verdicts would change" in told


def test_what_is_drawn_anew_each_time_is_no_change(authgate, new, answered, path):
    path.write_text(path.read_text().replace("int-{name}", "int-{random}"))
    answered(("publishStream", {"name": "cam"}))
    assert diff(authgate, new(more="# the same"))["changes"] == []


def test_what_another_rule_decides_in_the_same_way(authgate, new, answered):
    answered(("playStream", {"name": "x"}))
    found = diff(authgate, new(('"second"', '"third"')))
    assert (found["changes"], found["other_rule"]) == ([], 1)


def test_grants_and_aliases_are_those_of_the_store_now(authgate, new, answered, on_store):
    answered(*[("publishStream", {"name": name}) for name in ("cam-1", "cam-2", "cam-2")])

    async def know(store):
        await store.users.change("ann", {"grants": ("publish:cam-1",)})
        await store.aliases.add(Alias("names", "cam-1", "rtsp://u:c4nary@cam.local/1"))

    on_store(know)
    granted = new(('names = ["cam*"]\npolicy = { type = "session" }', 'policy = { type = "grant" }'))
    assert changes(diff(authgate, granted)) == [(2, "publishStream", "ann", "cam-2", "ok", "grant_missing")]
    mapped = new(
        ('type = "put", field = "name", value = "int-{name}"', 'type = "map", field = "name", store = "names"')
    )
    assert changes(diff(authgate, mapped)) == [
        (2, "publishStream", "ann", "cam-2", "ok", "alias_unknown"),
        (1, "publishStream", "ann", "cam-1", "ok", "ok"),  # to something else
    ]
    assert "c4nary" not in authgate("config", "diff", mapped).stdout


def test_many_kinds_of_changes(authgate, new, answered, monkeypatch):
    monkeypatch.setattr("authgate.cli.diff._SHOWN", 2)
    monkeypatch.setattr("authgate.cli.diff._STEP", 1)
    answered(*[("playStream", {"name": f"x{at}"}) for at in range(5)], ("publishStream", {"name": "cam"}))
    other = new(('"own"', '"mine"'), ('methods = ["playStream"]\npolicy = { type = "session" }', DENY_PLAY))
    told = authgate("config", "diff", other).stdout
    assert "  and 3 more kinds; --json has them" in told
    assert "  1 stay as they are, by another rule" in told
    assert len(diff(authgate, other)["changes"]) == 5


DENY_PLAY = 'methods = ["playStream"]\npolicy = { type = "deny" }'


def test_what_cannot_be_told(authgate, new, answered, path):
    """Who was not asked for, what was not kept, and what a target would say."""
    path.write_text(path.read_text().replace('name = "second"', 'name = "second"\napps = ["app"]'))
    path.write_text(
        path.read_text()
        + '[[rules]]\nname = "all"\nmethods = ["hold"]\npolicy = { type = "allow" }\n'
        + '[targets.legacy]\nurl = "http://127.0.0.1:9/"\n'
    )
    answered(("hold", {}), ("playStream", {"name": "x", "custom": {"room": "r"}}), ("unhold", {}))
    other = new(
        ('type = "allow"', 'type = "session"'),
        ('apps = ["app"]', 'names = { "custom.room" = ["r"] }'),
        more='[[rules]]\nname = "ask"\nmethods = ["unhold"]\npolicy = { type = "forward", target = "legacy" }\n',
    )
    assert diff(authgate, other)["unknown"] == {
        "a target would decide": 1,
        "what the rules look at was not kept": 1,
        "it was not asked at the time who sent it": 1,
    }


def test_verdicts_that_the_rules_in_force_would_not_give(authgate, new, answered, path):
    answered(("publishStream", {"name": "cam"}))
    before = path.read_text()
    path.write_text(before.replace(*DENIED))
    found = diff(authgate, new())
    assert (found["changes"], found["not_reproduced"]) == ([], 1)
    assert "1 were judged otherwise at the time" in authgate("config", "diff", new()).stdout


class TestRecords:
    """Which records are judged again."""

    @pytest.fixture
    def _many(self, on_store):
        now = int(time.time() * 1000)

        async def write(store):
            for hours in range(30):
                at = now - hours * 3_600_000 - 60_000
                facts = '{"client":"session_unknown","own":false}'
                record = Record(
                    f"{at:012x}{hours:014x}",
                    at,
                    SessionKey("n", "/9"),
                    "app",
                    "hold",
                    None,
                    False,
                    Reason.SESSION_UNKNOWN,
                    "policies.call",
                    facts=facts,
                )
                await store.ledger.write(Entry(record))

        on_store(write)

    CASES = (
        ((), 24, False),
        (("--records", "2h"), 2, False),
        (("--limit", "5"), 5, True),
        (("--limit", "24"), 24, False),
    )

    @pytest.mark.usefixtures("_many")
    @pytest.mark.parametrize(("arguments", "records", "more"), CASES)
    def test_how_many(self, authgate, new, arguments, records, more):
        other = new(more='[policies]\ncall = "deny"\n')
        found = diff(authgate, other, *arguments)
        assert (found["records"], found["more"]) == (records, more)
        assert [change["count"] for change in found["changes"]] == [records]
        assert ("--limit says how many" in authgate("config", "diff", other, *arguments).stdout) is more

    @pytest.mark.usefixtures("_many")
    @pytest.mark.parametrize("page", [1, 2, 7])
    def test_pages(self, authgate, new, monkeypatch, page):
        monkeypatch.setattr("authgate.cli.diff._PAGE", page)
        assert diff(authgate, new())["judged"] == 24

    @pytest.mark.parametrize("arguments", [("--records", "x"), ("--limit", "-1")])
    def test_usage(self, authgate, new, arguments):
        assert "Invalid value" in authgate("config", "diff", new(), *arguments, status=2).stderr


def test_what_the_media_server_is_told(authgate, new, answered):
    answered(("hold", {}))
    other = new(
        ("int-{name}", "ext-{name}"),
        more='[apps.app.policies]\ncall = "allow"\n[apps.other.policies.methods]\nhold = "allow"\n',
    )
    found = diff(authgate, other)
    told = {
        (each["app"], each["method"], each["setting"]): (each["now"], each["then"])
        for each in found["restClientConfig"]
    }
    assert told["app", "hold", "restOnError"] == ("FAIL", "LOG")
    assert told["other", "hold", "restOnError"] == ("FAIL", "LOG")
    assert ("app", "publishStream", "restOnError") not in told, "a rule can still refuse it"
    assert None not in {app for app, _, _ in told}
    assert found["sessions"] == {"live": 1, "older_now": 0, "older_then": 1}
    assert "1 of 1 would carry an older restClientConfig; 0 do now" in authgate("config", "diff", other).stdout


def test_lists_are_told_by_what_differs(authgate, new):
    other = new(('field = "name", value = "int-{name}"', 'field = "width", value = 5'))
    told = authgate("config", "diff", other).stdout
    assert [line.split() for line in told.splitlines() if " restOverwrite " in line] == [
        ["*", "publishStream", "restOverwrite", "name", "width"]
    ]


class TestOptions:
    CASES = (
        ((), []),
        ((('name = "second"', 'name = "third"'),), [("rules['second']", "removed"), ("rules['third']", "added")]),
        ((('names = ["cam*"]', 'names = ["x"]'),), [("rules['own'].names", "changed")]),
        ((("int-{name}", "ext-{name}"),), [("rules['own'].rewrites", "changed")]),
        ((("time = 1", "time = 2"),), [("hashing.time", "changed")]),
        ((('type = "password"', 'type = "password"\nname = "p"'),), None),
    )

    @pytest.mark.parametrize(("replaced", "expected"), CASES)
    def test_keys(self, authgate, new, replaced, expected):
        found = [(each["key"], each["how"]) for each in diff(authgate, new(*replaced))["options"]]
        wanted = [("verifiers['password']", "removed"), ("verifiers['p']", "added")] if expected is None else expected
        assert found == wanted

    def test_secrets_are_compared_and_not_shown(self, authgate, new):
        other = new(("k" * 32, "c4nary" * 6))
        found = diff(authgate, other)
        assert found["options"] == [{"key": "verifiers['token'].key", "how": "changed"}]
        assert "c4nary" not in json.dumps(found) + authgate("config", "diff", other).stdout

    def test_order(self, path, new):
        text = path.read_text()
        first, second = text[text.index("[[rules]]") : text.rindex("[[rules]]")], text[text.rindex("[[rules]]") :]
        other = new((first + second, second + first))
        found = differing(load(path, {}), load(Path(other), {}))
        assert [tuple(each) for each in found] == [("rules", "moved")]

    def test_applications(self, authgate, new):
        other = new(more='[apps.x.policies]\ncall = "deny"\n')
        assert diff(authgate, other)["options"] == [{"key": "apps.x", "how": "added"}]


def test_every_fault_of_the_new_one_is_told(authgate, new):
    other = new(('methods = ["playStream"]', 'methods = ["playStrem"]'), ("memory = 1024", "memory = 1"))
    result = authgate("config", "diff", other, status=2)
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 2


def test_no_such_file(authgate, tmp_path):
    assert authgate("config", "diff", str(tmp_path / "none.toml"), status=2).stdout == ""


def test_nothing_is_written(authgate, new, answered, on_store):
    answered(("publishStream", {"name": "cam"}))

    async def everything(store):
        return await store.sessions.list(), await store.records.list()

    before = on_store(everything)
    diff(authgate, new(DENIED))
    assert on_store(everything) == before


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_for_people(capsys, monkeypatch, terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    _progress(5_000)
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "\r5,000 records judged again" if terminal else "")


async def test_kinds_of_changes_are_bounded(path):
    """A million records of a million names must not need a million places."""
    replay = Replay(*[build(load(path, {}), Silent()).gateway.in_force] * 2)
    for at in range(MAX_GROUPS + 50):
        replay._count(_change(at))
    assert len(replay.changes) == MAX_GROUPS + 1
    assert sum(replay.changes.values()) == MAX_GROUPS + 50


def _change(at):
    verdict = Verdict(True, "ok", "x")
    return Change("hold", "app", "ann", f"name-{at}", verdict, verdict)
