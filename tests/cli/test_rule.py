"""``authgate rule list``: the rules in words, and what each has the media server told."""

import json

import pytest

from authgate.hooks.methods import METHODS, spellings
from authgate.model import Kind

RULES = """
[[rules]]
name = "calls in the day"
apps = ["callApp"]
methods = ["call"]
names = { callee = ["1*", "2?"], "custom.room" = ["blue"] }
users = ["ann"]
groups = ["staff"]
origins = ["https://page.example"]
addresses = ["192.0.2.0/24"]
times = ["mon-fri 08:00-18:00"]
timezone = "Europe/Berlin"
policy = { type = "forward", target = "legacy", overwrite = ["callee"] }
[[rules]]
name = "names are hidden"
actions = ["play"]
names = ["cam-*"]
policy = { type = "grant" }
[[rules]]
name = "sip"
methods = ["connect"]
policy = { type = "session" }
rewrites = [
    { type = "put", field = "sipLogin", value = "{user}" },
    { type = "put", field = "sipPassword", secret = "c4nary" },
    { type = "map", field = "sipDomain", table = { a = "c4nary-a" }, hide = false },
]
[[rules]]
name = "anything else"
policy = { type = "deny", reason = "Not \\u001b[2J here" }
[targets.legacy]
url = "http://127.0.0.1:9/hooks"
[apps.openApp.policies]
call = "allow"
"""


@pytest.fixture(autouse=True)
def _rules(path):
    path.write_text(path.read_text() + RULES.replace("\\u001b[2J ", ""))


def test_each_rule_in_words(authgate):
    told = authgate("rule", "list").stdout
    for line in (
        "1. calls in the day",
        "  for           call, of callApp",
        "  where         callee is like 1* or 2?",
        "  where         custom.room is like blue",
        "  where         the user is ann",
        "  where         the user is in group staff",
        "  where         the page is of https://page.example",
        "  where         the client's address is in 192.0.2.0/24, or is not known",
        "  where         it is mon-fri 08:00-18:00 in Europe/Berlin",
        "  policy        forward (target = legacy, overwrite = callee)",
        "  media server  FAIL for call; OVERWRITE callee; hides callee",
        "2. names are hidden",
        "  for           what does play",
        "  where         its name is like cam-*",
        "3. sip",
        "  rewrite       put sipLogin (value = {user})",
        "  rewrite       put sipPassword (secret = ***)",
        "  rewrite       map sipDomain (table = 1 entry, hide = false)",
        "  media server  OVERWRITE sipLogin, sipPassword, sipDomain; hides sipLogin, sipPassword",
        "4. anything else",
        "  for           each call or incoming",
        "  policy        deny (reason = Not here)",
        "The default policies, where no rule decides:",
    ):
        assert line in told.splitlines(), told
    assert "c4nary" not in told


def test_the_default_policies_come_last(authgate):
    lines = authgate("rule", "list").stdout.splitlines()
    rows = [line.split()[:3] for line in lines[lines.index("The default policies, where no rule decides:") + 2 :]]
    assert rows == [
        ["policies.connect", "session", "-"],
        ["policies.call", "session", "FAIL"],
        ["policies.incoming", "session", "FAIL"],
        ["policies.event", "allow", "LOG"],
    ]


def test_of_one_application(authgate):
    told = authgate("rule", "list", "--app", "openApp").stdout
    assert "calls in the day" not in told
    assert "apps.openApp.policies.call  allow" in told
    assert "calls in the day" in authgate("rule", "list", "--app", "callApp").stdout


def test_json(authgate):
    found = json.loads(authgate("rule", "list", "--json").stdout)
    first, play, sip, last = found["rules"]
    assert (first["name"], first["apps"], first["methods"]) == ("calls in the day", ["callApp"], ["call"])
    assert (first["fail"], first["overwrite"], first["hidden"]) == (["call"], ["callee"], ["callee"])
    assert "snapshot" in play["fail"]
    assert (sip["fail"], sip["overwrite"]) == ([], ["sipLogin", "sipPassword", "sipDomain"])
    assert set(last["fail"]) == {each.name for each in METHODS.values() if each.kind in (Kind.CALL, Kind.INCOMING)}
    told = {method: each["told"] for each in found["defaults"] for method in each["methods"]}
    assert told.keys() == METHODS.keys()
    assert (told["connect"], told["hold"], told["StreamStatusEvent"]) == ("", "FAIL", "LOG")
    assert "c4nary" not in json.dumps(found)


def test_wire(authgate):
    lines = authgate("rule", "list", "--wire", "--app", "callApp").stdout.splitlines()
    assert lines[0] == "restClientConfig for sessions of callApp:"
    assert lines[1].split() == [
        "METHOD",
        "RESTONERROR",
        "RESTPOLICY",
        "RESTOVERWRITE",
        "CLIENTEXCLUDE",
        "RESTEXCLUDE",
    ]
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:-2]}
    assert rows["call"] == ["FAIL", "OVERWRITE", "callee", "callee", "sdp"]
    assert rows["StreamStatusEvent"][:3] == ["LOG", "NOTIFY", "-"]
    assert rows.keys() == {each for name in METHODS for each in spellings(name)} - {"connect"}
    assert lines[-1].startswith("clientExclude of every method: custom, sipLogin")


def test_wire_is_what_a_connect_is_answered_with(authgate):
    sent = json.dumps({"nodeId": "n", "appKey": "callApp", "sessionId": "s", "sipDomain": "a"})
    authgate("user", "add", "ann", "--no-password")
    tried = authgate("hook", "try", "-", "--method", "connect", "--as", "ann", "--json", stdin=sent).stdout
    wire = json.loads(authgate("rule", "list", "--wire", "--app", "callApp", "--json").stdout)
    assert [(each["method"], each["fail"], each["overwrite"]) for each in json.loads(tried)["restClientConfig"]] == [
        (each["method"], each["restOnError"] == "FAIL", each["restOverwrite"]) for each in wire
    ]
    other = json.loads(authgate("rule", "list", "--wire", "--json").stdout)
    assert next(each for each in other if each["method"] == "call")["restPolicy"] == "NOTIFY"


def test_without_rules(authgate, path):
    path.write_text(path.read_text().partition("\n[[rules]]")[0])
    assert authgate("rule", "list").stdout.startswith("The default policies")
    assert json.loads(authgate("rule", "list", "--json").stdout)["rules"] == []


def test_faults(authgate, path):
    path.write_text(path.read_text().replace('methods = ["call"]', 'methods = ["cal"]'))
    result = authgate("rule", "list", status=2)
    assert result.stdout == ""
    assert "did you mean 'call'?" in result.stderr


def test_it_needs_no_store(authgate):
    authgate("rule", "list", environ={"AUTHGATE_STORE__URL": "postgresql://u:p@127.0.0.1:1/x"})
