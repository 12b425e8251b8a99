"""``authgate init``, ``db``, ``config``, ``record`` and ``session``."""

import itertools
import json
import time

import pytest

import authgate.server.run as authgate_run
from authgate.config import load
from authgate.model import Entry, Open, Principal, Reason, Record, Session, SessionKey
from authgate.store.ids import first_id
from authgate.wiring import rules_of, wire
from tests.cli.conftest import KEY

NOW = int(time.time())
COUNT = itertools.count()


def test_init(authgate, tmp_path):
    folder = tmp_path / "a b"
    result = authgate("init", str(folder))
    assert f"wrote {folder}/authgate.toml" in result.stdout
    assert f"authgate --config '{folder}/authgate.toml' db upgrade" in result.stdout
    key = json.loads((folder / "authgate.toml").read_text().split("key = ")[1].split("\n")[0])
    assert key not in result.output


def test_init_overwrites_only_by_force(authgate, tmp_path):
    authgate("init", str(tmp_path / "a"))
    before = (tmp_path / "a" / "authgate.toml").read_text()
    result = authgate("init", str(tmp_path / "a"), status=1)
    assert result.stderr == f"error: {tmp_path}/a/authgate.toml is there already; --force replaces it\n"
    assert (tmp_path / "a" / "authgate.toml").read_text() == before
    authgate("init", str(tmp_path / "a"), "--force")
    assert (tmp_path / "a" / "authgate.toml").read_text() != before


class TestDb:
    @pytest.fixture
    def empty(self, tmp_path):
        return {"AUTHGATE_STORE__URL": f"sqlite:///{tmp_path}/empty.db"}

    def test_upgrade(self, authgate, empty):
        assert authgate("db", "current", environ=empty).stdout == "none\n"
        assert "upgraded the store from nothing to revision" in authgate("db", "upgrade", environ=empty).stdout
        assert "already" in authgate("db", "upgrade", environ=empty).stdout

    def test_check(self, authgate):
        assert "the store is at the newest revision" in authgate("db", "check").stdout
        found = json.loads(authgate("db", "check", "--json").stdout)
        assert found["current"] == found["newest"]
        assert authgate("db", "current").stdout == found["newest"] + "\n"
        assert json.loads(authgate("db", "current", "--json").stdout) == found

    def test_check_of_an_empty_store(self, authgate, empty):
        result = authgate("db", "check", status=1, environ=empty)
        assert (result.stdout, result.stderr) == ("", "error: the store is empty; run: authgate db upgrade\n")
        result = authgate("db", "check", "--json", status=1, environ=empty)
        assert json.loads(result.stdout)["state"] == "empty"
        assert result.stderr == "error: the store is empty; run: authgate db upgrade\n"

    NEEDY = (
        ("user", "list"),
        ("user", "add", "ann", "--no-password"),
        ("token", "issue", "ann"),
        ("token", "check", "x"),
        ("record", "list"),
        ("session", "list"),
    )

    @pytest.mark.parametrize("command", NEEDY, ids=map(" ".join, NEEDY))
    def test_commands_on_an_empty_store(self, authgate, empty, command):
        result = authgate(*command, status=1, environ=empty)
        assert (result.stdout, result.stderr) == ("", "error: the store is empty; run: authgate db upgrade\n")

    @pytest.mark.parametrize("command", [("db", "upgrade"), ("db", "check"), ("db", "current"), ("user", "list")])
    def test_store_that_is_away(self, authgate, command):
        environ = {"AUTHGATE_STORE__URL": "postgresql://u:c4nary@127.0.0.1:1/x"}
        result = authgate(*command, status=2, environ=environ)
        assert result.stdout == ""
        assert "store.url is postgresql://u:***@127.0.0.1:1/x: see that it is right" in result.stderr
        assert result.stderr.count("\n") == 1


class TestConfig:
    def test_check(self, authgate, path):
        assert authgate("config", "check").stdout.endswith(f"{path} can be used\n")
        found = json.loads(authgate("config", "check", "--json").stdout)
        assert found["file"] == str(path)

    def test_check_tells_what_is_weak(self, authgate):
        environ = {"AUTHGATE_POLICIES__CALL": "allow"}
        assert "warning: policies.call is allow" in authgate("config", "check", environ=environ).stdout
        warnings = json.loads(authgate("config", "check", "--json", environ=environ).stdout)["warnings"]
        assert any(warning.startswith("policies.call is allow") for warning in warnings)

    def test_check_of_faults(self, authgate):
        environ = {"AUTHGATE_SERVER__PORT": "x", "AUTHGATE_SERVER__PROT": "1"}
        result = authgate("config", "check", "--json", status=2, environ=environ)
        assert result.stdout == ""
        assert result.stderr.splitlines() == [
            "error: AUTHGATE_SERVER__PROT: no such option; did you mean AUTHGATE_SERVER__PORT?",
            "error: server.port: must be a whole number",
        ]

    def test_show(self, authgate):
        environ = {"AUTHGATE_SERVER__PORT": "81", "AUTHGATE_STORE__URL": "postgresql://u:c4nary@h/x"}
        people = authgate("config", "show", environ=environ).stdout
        machines = authgate("config", "show", "--json", environ=environ).stdout
        assert "server.port = 81\n" in people
        assert 'verifiers[0].key = "***"\n' in people
        assert 'store.url = "postgresql://u:***@h/x"\n' in people
        assert json.loads(machines)["server"]["port"] == 81
        assert not [secret for secret in (KEY, "c4nary") if secret in people + machines]

    def test_path_after_the_verb_counts_for_more(self, authgate, tmp_path):
        (tmp_path / "other.toml").write_text("[server]\nport = 99")
        other = str(tmp_path / "other.toml")
        assert "server.port = 99" in authgate("config", "show", "--config", other).stdout
        assert "server.port = 99" in authgate("--config", other, "config", "show").stdout
        assert "server.port = 99" in authgate("--config", "missing", "config", "show", "--config", other).stdout


def record(at, **changes):
    given = {"key": SessionKey("n", "s"), "app_key": "a", "method": "connect", "user": "ann", "allowed": True}
    given |= {"reason": Reason.OK, "rule": "policies.connect", "subject": ""} | changes
    return Record(f"{first_id(at)}{next(COUNT):014x}", at, **given)


FILTERS = {
    "limit": (("--limit", "1"), [2]),
    "user": (("--user", "ANN"), [2, 1]),
    "session": (("--session", "t"), [2]),
    "method": (("--method", "connect"), [1, 0]),
    "app": (("--app", "b"), [2]),
    "allowed": (("--allowed",), [2, 1]),
    "rejected": (("--rejected",), [0]),
    "reason": (("--reason", "credentials_missing"), [0]),
    "since an hour": (("--since", "1h"), [2, 1]),
    "since a time": (("--since", "2020-01-01"), [2, 1, 0]),
    "since a time to come": (("--since", "2999-01-01T00:00:00+02:00"), []),
    "all together": (("--user", "ann", "--method", "connect", "--since", "1h"), [1]),
}

USAGE = {
    "limit": ("--limit", "0"),
    "reason": ("--reason", "bad"),
    "since": ("--since", "yesterday"),
}


class TestRecords:
    @pytest.fixture(autouse=True)
    def records(self, on_store):
        now = NOW * 1000
        made = [
            record(now - 7_200_000, user=None, allowed=False, reason=Reason.CREDENTIALS_MISSING),
            record(now - 1000),
            record(now, key=SessionKey("n", "t"), app_key="b", method="publishStream", subject="\x1b[2Jstream"),
        ]

        async def write(store):
            for each in made:
                await store.ledger.write(Entry(each))

        on_store(write)
        return made

    def test_json(self, authgate, records):
        rows = json.loads(authgate("record", "list", "--json").stdout)
        assert [row["id"] for row in rows] == [each.id for each in reversed(records)]
        last = rows[-1]
        assert last.pop("at").endswith("Z")
        assert last == {
            "id": records[0].id,
            "seq": 1,
            "node": "n",
            "session": "s",
            "app": "a",
            "method": "connect",
            "user": None,
            "allowed": False,
            "reason": "credentials_missing",
            "rule": "policies.connect",
            "status": "",
            "subject": "",
        }

    @pytest.mark.parametrize(("arguments", "expected"), FILTERS.values(), ids=FILTERS)
    def test_filter(self, authgate, records, arguments, expected):
        rows = json.loads(authgate("record", "list", "--json", *arguments).stdout)
        assert [row["id"] for row in rows] == [records[at].id for at in expected]

    def test_table(self, authgate):
        output = authgate("record", "list").stdout
        assert output.splitlines()[0].split()[:5] == ["AT", "METHOD", "APP", "USER", "VERDICT"]
        assert r"\x1b[2Jstream" in output
        assert output.replace("\n", "").isprintable()

    @pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
    def test_usage(self, authgate, arguments):
        assert "Invalid value" in authgate("record", "list", *arguments, status=2).stderr

    def test_bad_user_name(self, authgate):
        assert authgate("record", "list", "--user", "", status=1).stderr == "error: a user name is not empty\n"


def test_sessions(authgate, on_store):
    live = [
        Session(SessionKey("n", "/1"), "a", NOW * 1000, Principal("ann", "token", ("play:*",), NOW + 60)),
        Session(SessionKey("n", "/2"), "b", NOW * 1000),
    ]

    async def open_all(store):
        for each in live:
            await store.ledger.write(Entry(record(NOW * 1000, key=each.key), Open(each)))

    on_store(open_all)
    first, second = json.loads(authgate("session", "list", "--json").stdout)
    assert (first["node"], first["session"], first["user"], first["app"]) == ("n", "/1", "ann", "a")
    assert first["since"] < first["expires"]
    assert first["grants"] == ["play:*"]
    assert (second["user"], second["expires"]) == (None, None)
    assert len(json.loads(authgate("session", "list", "--user", "Ann", "--json").stdout)) == 1
    table = authgate("session", "list").stdout.splitlines()
    assert [line.split()[1] for line in table[:3]] == ["SESSION", "/1", "/2"]
    assert "session end --older" in table[3], "they were opened without any restClientConfig that is known"


def test_end_sessions(authgate, on_store, path):
    config = load(path, {})
    current = wire(rules_of(config), "a", config.credentials).digest

    async def open_all(store):
        for id, user, app, config in (("/1", "ann", "a", current), ("/2", "ann", "b", ""), ("/3", "bob", "a", "")):
            opened = Session(SessionKey("n", id), app, NOW * 1000, Principal(user), config=config)
            await store.ledger.write(Entry(record(NOW * 1000, key=opened.key), Open(opened)))

    def left():
        return [each["session"] for each in json.loads(authgate("session", "list", "--json").stdout)]

    on_store(open_all)
    rules = [each["rules"] for each in json.loads(authgate("session", "list", "--json").stdout)]
    assert rules == ["current", "older", "older"]
    assert "say which sessions" in authgate("session", "end", status=1).stderr
    assert authgate("session", "end", "--node", "N").stdout == "ended 0\n"
    assert authgate("session", "end", "/1", "--node", "n", "--user", "bob").stdout == "ended 0\n"
    assert "no control" in authgate("session", "end", "--user", "\udcff", status=1).stderr
    assert authgate("session", "end", "\udcff", "--app", "\udcff", "--node", "\udcff").stdout == "ended 0\n"
    assert left() == ["/1", "/2", "/3"]
    assert authgate("session", "end", "--user", "Ann", "--app", "b").stdout == "ended 1\n"
    assert left() == ["/1", "/3"]
    assert authgate("session", "end", "/9").stdout == "ended 0\n"
    assert authgate("session", "end", "--older").stdout == "ended 1\n"
    assert left() == ["/1"]
    assert authgate("session", "end", "--node", "n").stdout == "ended 1\n"
    assert left() == []


def test_serve_hands_everything_on(authgate, path, monkeypatch):
    called = []
    monkeypatch.setattr(authgate_run, "serve", lambda *given: called.append(given))
    authgate("serve")
    authgate("serve", "--host", "::1", "--port", "0", "--workers", "3", "--config", str(path))
    assert called == [(None, None, None, None), (path, "::1", 0, 3)]


@pytest.mark.parametrize("arguments", [("--port", "65536"), ("--port", "x"), ("--workers", "0")])
def test_serve_usage(authgate, arguments):
    assert "Invalid value" in authgate("serve", *arguments, status=2).stderr
