"""Rules that can never do what they say stop the start, and say why."""

import tomllib

import pytest

from authgate.config import load
from authgate.errors import ConfigError
from authgate.rules import CONDITIONS

START = """
[[verifiers]]
type = "token"
key = "0123456789abcdef0123456789abcdef-0123"
claims = ["room"]

[targets.legacy]
url = "http://127.0.0.1:9/hooks"
"""


def read(tmp_path, text):
    """What a configuration with these rules comes to."""
    path = tmp_path / "authgate.toml"
    path.write_text(START + text)
    path.chmod(0o600)
    return load(path, {})


def rules(*rules):
    """TOML of rules, each given by the lines after its name."""
    return "\n".join(f'[[rules]]\nname = "rule {at}"\n{lines}\n' for at, lines in enumerate(rules))


DENY = 'policy = { type = "deny" }\n'
ALLOW = 'policy = { type = "allow" }\n'
SESSION = 'policy = { type = "session" }\n'
FORWARD = 'policy = { type = "forward", target = "legacy", overwrite = ["callee"] }\n'
PUT = 'rewrites = [{ type = "put", field = "name", value = "int-{name}" }]\n'

FAULTS = {
    "a misspelt method": (
        rules(DENY + 'methods = ["publishstream"]'),
        "rules[0].methods: there is no method 'publishstream'; did you mean 'publishStream'?",
    ),
    "an event": (rules(DENY + 'methods = ["StreamStatusEvent"]'), "rules[0].methods: 'StreamStatusEvent' is an event"),
    "a misspelt action": (
        rules(DENY + 'actions = ["plai"]'),
        "rules[0].actions: there is no action 'plai'; did you mean 'play'?",
    ),
    "a misspelt option": (
        rules(DENY + 'method = ["call"]'),
        "rules[0].method: no such option; did you mean 'methods'?",
    ),
    "a misspelt policy": (
        rules('policy = { type = "dney" }'),
        "rules[0].policy.type: must be 'allow', 'deny', 'session', 'token', 'grant' or 'forward'; did you mean 'deny'?",
    ),
    "no policy": (rules('methods = ["call"]'), "rules[0].policy: is missing"),
    "an option that the policy does not have": (
        rules('policy = { type = "allow", reason = "x" }'),
        "rules[0].policy.reason: no such option",
    ),
    "no name": ("[[rules]]\n" + DENY, "rules[0].name: is missing"),
    "an empty name": ('[[rules]]\nname = " "\n' + DENY, "rules[0].name: must be 1 to 190 characters"),
    "the name of a default policy": ('[[rules]]\nname = "policies.call"\n' + DENY, "rules[0].name: begins like a key"),
    "a name twice": (
        f'[[rules]]\nname = "x"\nmethods = ["call"]\n{DENY}[[rules]]\nname = "x"\nmethods = ["hold"]\n{DENY}',
        "rules[1].name: rules[0] is called 'x' too",
    ),
    "methods and actions": (
        rules(DENY + 'methods = ["call"]\nactions = ["play"]'),
        "rules[0].actions: cannot be given beside methods",
    ),
    "a field that the method does not have": (
        rules(DENY + 'methods = ["publishStream"]\nnames = { callee = "1*" }'),
        "rules[0].names.callee: publishStream has no such field; it has: name, custom.NAME",
    ),
    "a field that one of the methods does not have": (
        rules(DENY + 'actions = ["call"]\nnames = { callee = "1*" }'),
        "rules[0].names.callee: transfer has no such field; it has: target, custom.NAME",
    ),
    "a field that no method has": (
        rules(DENY + 'names = { nmae = "1*" }'),
        "rules[0].names.nmae: publishStream has no such field",
    ),
    "a name where there is none": (
        rules(DENY + 'methods = ["hangup"]\nnames = "x"'),
        "rules[0].names: hangup names nothing",
    ),
    "an empty pattern": (rules(DENY + 'names = { name = [""] }'), "rules[0].names: "),
    "a pattern that can never be sure": (
        rules(ALLOW + 'methods = ["playStream"]\nnames = ["/live/*", "cam."]'),
        "rules[0].names: each name that matches can be read otherwise too",
    ),
    "no pattern at all": (rules(DENY + "names = { name = [] }"), "rules[0].names: name has no pattern"),
    "an origin of a player without a session": (
        rules(DENY + 'methods = ["playHLS"]\norigins = "https://x.example"'),
        "rules[0].origins: playHLS comes from a player without a session",
    ),
    "an origin with a path": (rules(DENY + 'origins = "https://x.example/y"'), "rules[0].origins: 'https://x.ex"),
    "no address": (rules(DENY + 'addresses = ["example.com"]'), "rules[0].addresses[0]: must be an address"),
    "no time": (rules(DENY + 'times = ["weekends"]'), "rules[0].times: 'weekends' is no time"),
    "no time zone": (rules(DENY + 'times = "sat"\ntimezone = "Mars/Base"'), "rules[0].timezone: no such time zone"),
    "an address that lets in": (
        rules(ALLOW + 'addresses = "192.0.2.0/24"\nmethods = ["connect"]'),
        "rules[0].policy: 'allow' would let somebody in for an address or an origin alone",
    ),
    "a grant without a name to judge": (
        rules('policy = { type = "grant" }\nmethods = ["hangup"]'),
        "rules[0].",
    ),
    "a target that is not there": (
        rules('policy = { type = "forward", target = "old" }'),
        "rules[0].policy.target: there is no [targets.old]; there are: legacy",
    ),
    "a rewrite of an event": (
        rules(ALLOW + 'methods = ["StreamKeepAliveEvent"]\n' + PUT),
        "rules[0].rewrites: of the answer to StreamKeepAliveEvent the media server takes over nothing",
    ),
    "a rewrite for players without a session": (
        rules(ALLOW + 'actions = ["play"]\n' + PUT),
        "rules[0].rewrites: of the answer to playHLS the media server takes over nothing",
    ),
    "a rewrite of a field that is not there": (
        rules(ALLOW + 'methods = ["transfer"]\n' + PUT),
        "rules[0].rewrites[0].field: transfer has no field 'name'",
    ),
    "a rewrite of anything": (rules(ALLOW + PUT), "rules[0].rewrites: needs methods"),
    "a rewrite of the session's id": (
        rules(ALLOW + 'methods = ["call"]\nrewrites = [{ type = "put", field = "sessionId", value = "x" }]'),
        "rules[0].rewrites[0].field: ",
    ),
    "a claim that nobody keeps": (
        rules(ALLOW + 'methods = ["call"]\nrewrites = [{ type = "put", field = "callee", value = "{claim.nope}" }]'),
        "rules[0].rewrites[0]: no verifier keeps the claim 'nope'",
    ),
    "shadowed by a rule for everything": (
        rules(DENY, ALLOW + 'methods = ["call"]'),
        "rules[1]: can never match, since rules[0] ('rule 0') speaks for all its hooks",
    ),
    "shadowed by a wider pattern": (
        rules(DENY + 'actions = ["play"]\nnames = "room-*"', ALLOW + 'methods = ["snapshot"]\nnames = "room-1"'),
        "rules[1]: can never match",
    ),
    "shadowed by a wider network": (
        rules(DENY + 'addresses = ["192.0.0.0/16"]', DENY + 'addresses = ["192.0.2.0/24", "192.0.3.1"]'),
        "rules[1]: can never match",
    ),
    "shadowed by two rules together": (
        rules(DENY + 'methods = ["call"]', DENY + 'methods = ["hold"]', ALLOW + 'methods = ["call", "hold"]'),
        "rules[2]: can never match, since rules[0] ('rule 0') and rules[1] ('rule 1') together speak for all its hooks",
    ),
    "shadowed for its application": (
        rules(DENY + 'apps = ["a", "b"]', ALLOW + 'apps = ["a"]\nmethods = ["call"]'),
        "rules[1]: can never match",
    ),
    "shadowed by domains": (
        rules(DENY + 'origins = "https://*.example.com"', DENY + 'origins = "https://a.example.com"'),
        "rules[1]: can never match",
    ),
    "shadowed by longer hours": (
        rules(DENY + 'times = ["mon-fri 08:00-18:00"]', DENY + 'times = ["mon 09:00-10:00", "tue 08:00-18:00"]'),
        "rules[1]: can never match",
    ),
    "shadowed by a longer time": (
        rules(DENY + 'times = ["2026-12-01/2027-01-01"]', DENY + 'times = ["2026-12-24/2026-12-26"]'),
        "rules[1]: can never match",
    ),
    "shadowed by the same names, written otherwise": (
        rules(DENY + 'methods = ["call"]\nnames = ["x*"]', DENY + 'methods = ["call"]\nnames = { callee = ["X1"] }'),
        "rules[1]: can never match",
    ),
    "an unknown action": (
        rules(DENY + 'actions = ["zzz"]'),
        "rules[0].actions: there is no action 'zzz'; there are: publish, play, call, message, data, receive",
    ),
    "a placeholder in a name": (
        rules(DENY + 'names = ["{user}-*"]'),
        "rules[0].names: '{user}' is filled in by grants",
    ),
    "a placeholder in a user": (rules(DENY + 'users = ["{claim.x}"]'), "rules[0].users: '{claim.x}' is filled in by"),
    "a pattern of groups": (
        rules(DENY + 'groups = ["sta*"]'),
        "rules[0].groups: 'sta*' would be one of this very name",
    ),
    "a pattern of applications": (rules(DENY + 'apps = ["d?"]'), "rules[0].apps: 'd?' would be one of this very name"),
    "a time zone without times": (rules(DENY + 'timezone = "Europe/Berlin"'), "rules[0].timezone: is given without"),
    "a name that can only be rejected": (
        rules('policy = { type = "session" }\nnames = ["a%20b"]'),
        "rules[0].names: each name that matches can be read otherwise too",
    ),
    "a rewrite beside a deny": (
        rules(DENY + 'methods = ["publishStream"]\n' + PUT),
        "rules[0].rewrites: are never carried out beside policy 'deny'",
    ),
    "a rewrite of a misspelt field": (
        rules(ALLOW + 'methods = ["publishStream"]\nrewrites = [{ type = "drop", field = "nmae" }]'),
        "rules[0].rewrites[0].field: publishStream has no field 'nmae'; did you mean 'name'?",
    ),
    "a rewrite of a field in another letter case": (
        rules(ALLOW + 'methods = ["publishStream"]\nrewrites = [{ type = "drop", field = "Name" }]'),
        "rules[0].rewrites[0].field: publishStream has no field 'Name'; did you mean 'name'?",
    ),
    "a secret in a misspelt field": (
        rules(SESSION + 'kinds = ["connect"]\nrewrites = [{ type = "put", field = "sipPasword", value = "x" }]'),
        "rules[0].rewrites[0].field: connect has no field 'sipPasword'; did you mean 'sipPassword'?",
    ),
    "a misspelt placeholder": (
        rules(ALLOW + 'methods = ["publishStream"]\nrewrites = [{ type = "put", field = "name", value = "{usr}" }]'),
        "rules[0].rewrites[0]: {usr} is no placeholder, and publishStream has no field 'usr'; did you mean {user}?",
    ),
    "a misspelt field in a placeholder": (
        rules(ALLOW + 'methods = ["publishStream"]\nrewrites = [{ type = "put", field = "name", value = "{naem}" }]'),
        "rules[0].rewrites[0]: {naem} is no placeholder, and publishStream has no field 'naem'; did you mean 'name'?",
    ),
    "a misspelt field in a key": (
        rules(
            ALLOW + 'methods = ["call"]\nrewrites = [{ type = "map", field = "callee", store = "t", key = "{sdb}" }]'
        ),
        "rules[0].rewrites[0]: {sdb} is no placeholder, and call has no field 'sdb'; did you mean 'sdp'?",
    ),
    "a field that a target cannot change": (
        rules(FORWARD + 'methods = ["publishStream"]'),
        "rules[0].policy.overwrite: publishStream has no field 'callee'",
    ),
    "a target that may change anything": (rules(FORWARD), "rules[0].policy.overwrite: needs methods"),
    "a table for a list": ('[rules]\nname = "x"', "rules: must be a list of tables; write [[rules]]"),
    "a table for a list of rewrites": (
        rules(ALLOW + 'methods = ["call"]\nrewrites = { type = "drop", field = "callee" }'),
        "rules[0].rewrites: must be a list of tables; write rewrites = [{ ... }]",
    ),
    "a target with a blank in its name": ('[targets."a b"]\nurl = "http://127.0.0.1"', 'targets."a b": a name is 1 to'),
    "a fall-back that is not there": ('[policies]\nfallback = "old"', "policies.fallback: there is no [targets.old]"),
    "a target slower than the deadline": (
        '[targets.slow]\nurl = "http://127.0.0.1:9"\ntimeout = 3.0',
        "targets.slow.timeout: must be less than server.deadline",
    ),
}


@pytest.mark.parametrize(("text", "says"), FAULTS.values(), ids=FAULTS)
def test_stops_the_start(tmp_path, text, says):
    with pytest.raises(ConfigError) as told:
        read(tmp_path, text)
    assert any(fault.startswith(says) for fault in told.value.faults), told.value.faults


CONDITIONS_HERE = ["apps", "methods", "kinds", "actions", "names", "users", "groups", "origins", "addresses", "times"]


@pytest.mark.parametrize("option", CONDITIONS_HERE)
def test_a_condition_that_lost_its_last_entry_does_not_hold_for_everything(tmp_path, option):
    assert set(CONDITIONS_HERE) == set(CONDITIONS)
    with pytest.raises(ConfigError) as told:
        read(tmp_path, rules(ALLOW + f"{option} = []"))
    assert told.value.faults[0].startswith(f"rules[0].{option}: is empty")


def test_a_variable_can_empty_no_condition(tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_text(START + rules(ALLOW + 'groups = ["staff"]'))
    with pytest.raises(ConfigError, match=r"rules\[0\].groups: is empty"):
        load(path, {"AUTHGATE_RULES__0__GROUPS": "[]"})


def test_a_fault_inside_is_told_once(tmp_path):
    with pytest.raises(ConfigError) as told:
        read(tmp_path, rules('policy = { type = "dney", reason = "x" }'))
    assert [fault.partition(":")[0] for fault in told.value.faults] == ["rules[0].policy.type"]


def test_every_fault_at_once(tmp_path):
    text = rules(
        DENY + 'methods = ["kall"]', DENY + 'times = "never"', DENY + 'names = { callee = "x" }\nmethods = ["hold"]'
    )
    with pytest.raises(ConfigError) as told:
        read(tmp_path, text)
    assert [fault.partition(":")[0] for fault in told.value.faults] == ["rules[0].methods", "rules[1].times"]


CAN_MATCH = {
    "another application": rules(DENY + 'apps = ["a"]', DENY + 'apps = ["b"]'),
    "one application more": rules(DENY + 'apps = ["a"]', DENY),
    "another method": rules(DENY + 'methods = ["call"]', DENY),
    "another pattern": rules(DENY + 'names = "a*"', DENY + 'names = "b*"'),
    "a wider pattern": rules(DENY + 'names = "ab*"', DENY + 'names = "a*"'),
    "one user before all": rules(ALLOW + 'users = "ann"\nmethods = ["call"]', DENY + 'methods = ["call"]'),
    "one group before all": rules('policy = { type = "session" }\ngroups = ["staff"]', DENY),
    "a time before all times": rules(DENY + 'times = "sat,sun"', DENY),
    "another time": rules(DENY + 'times = "sat"', DENY + 'times = "sun"'),
    "another time zone": rules(DENY + 'times = "sat"', DENY + 'times = "sat"\ntimezone = "Europe/Berlin"'),
    "longer hours": rules(DENY + 'times = ["mon 09:00-10:00"]', DENY + 'times = ["mon-fri 08:00-18:00"]'),
    "a time that begins earlier": rules(
        DENY + 'times = ["2026-12-24/2026-12-26"]', DENY + 'times = ["2026-12-23/2026-12-25"]'
    ),
    "a callee after a caller": rules(
        DENY + 'methods = ["call"]\nnames = { caller = ["x"] }', DENY + 'methods = ["call"]\nnames = ["x"]'
    ),
    "a field that authgate does not know, on purpose": rules(
        ALLOW + 'methods = ["call"]\nrewrites = [{ type = "drop", field = "newField", undocumented = true }]'
    ),
    "braces that are no placeholder": rules(DENY + 'names = ["{x}", "\\\\{user}"]'),
    "IPv6 after IPv4": rules(DENY + 'addresses = "0.0.0.0/0"', DENY + 'addresses = "::/0"'),
    "connect, which is only meant where it is named": rules(DENY, DENY + 'methods = ["connect"]'),
    "keep-alive, which is only meant where it is named": rules(DENY, DENY + 'methods = ["StreamKeepAliveEvent"]'),
    "kinds": rules(DENY + 'kinds = ["incoming"]', DENY + 'kinds = ["call"]', DENY + 'kinds = ["connect"]'),
    "a parameter of the application's": rules(DENY + 'names = { "custom.room" = ["x"] }\nmethods = ["hangup"]'),
    "an address that may let in": rules(
        ALLOW + 'addresses = "192.0.2.0/24"\nmethods = ["connect"]\ninsecure_trust_address = true'
    ),
    "a claim that a verifier keeps": rules(
        ALLOW + 'methods = ["call"]\nrewrites = [{ type = "put", field = "callee", value = "{claim.room}" }]'
    ),
}


@pytest.mark.parametrize("text", CAN_MATCH.values(), ids=CAN_MATCH)
def test_can_match(tmp_path, text):
    assert len(read(tmp_path, text).rules) == len(tomllib.loads(text)["rules"])
