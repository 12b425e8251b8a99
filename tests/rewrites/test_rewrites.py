import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.hooks.fields import FIXED
from authgate.hooks.parse import parse
from authgate.model import Asks, Case, Delivery, Principal, Reason, Secret
from authgate.rewrites import REWRITES, Change
from authgate.rewrites.drop import Drop
from authgate.rewrites.map import Map
from authgate.rewrites.put import Put

HOOK = parse(Delivery("publishStream", b'{"appKey":"app"}'))
CASE = Case(HOOK, 0, Principal("ann"))
NOBODY = Case(HOOK, 0, Reason.SESSION_UNKNOWN)
FIELDS = {
    "name": "cam",
    "user": "cam",
    "width": 640,
    "record": True,
    "custom": {"room": "lobby"},
    "none": None,
    "tags": ["x"],
    "f": 1.5,
}
CAMS = {"cam": Secret("rtsp://user:pass@192.0.2.5/1"), "lobby": Secret("rtsp://192.0.2.6/1")}

# The rewrite, what the store has under what it looks up, and what it comes to.
CASES = {
    "put: a template": (Put("name", "{user}-{name}"), None, Change("name", "ann-cam")),
    "put: a text": (Put("name", "fixed"), None, Change("name", "fixed")),
    "put: a number": (Put("sipPort", 5060), None, Change("sipPort", 5060)),
    "put: false": (Put("record", False), None, Change("record", False)),
    "put: a secret, whatever is in it": (Put("sipPassword", secret=Secret("{x*")), None, Change("sipPassword", "{x*")),
    "put: where there was nothing": (Put("sipDomain", "pbx.example.com"), None, Change("sipDomain", "pbx.example.com")),
    "put: nothing to fill in": (Put("name", "{nothing}"), None, Reason.REWRITE_IMPOSSIBLE),
    "put: an object to fill in": (Put("name", "{custom}"), None, Reason.REWRITE_IMPOSSIBLE),
    "put: a claim that the token has not": (Put("name", "{claim.room}"), None, Reason.REWRITE_IMPOSSIBLE),
    "map: in the table": (Map("name", CAMS), None, Change("name", "rtsp://user:pass@192.0.2.5/1")),
    "map: by another key": (Map("name", CAMS, key="{custom.room}"), None, Change("name", "rtsp://192.0.2.6/1")),
    "map: not in the table": (Map("name", {"x": Secret("y")}), None, Reason.ALIAS_UNKNOWN),
    "map: not in the table, kept": (Map("name", {"x": Secret("y")}, otherwise="keep"), None, None),
    "map: letter case counts": (Map("name", {"CAM": Secret("y")}), None, Reason.ALIAS_UNKNOWN),
    "map: no key": (Map("name", CAMS, key="{nothing}"), None, Reason.ALIAS_UNKNOWN),
    "map: a key that is no text": (Map("tags", CAMS), None, Reason.ALIAS_UNKNOWN),
    "map: a pattern is no key": (Map("name", {"*": Secret("y"), "c?m": Secret("y")}), None, Reason.ALIAS_UNKNOWN),
    "map: a value is not filled in": (Map("name", {"cam": Secret("{user}")}), None, Change("name", "{user}")),
    "map: a field called as a placeholder": (Map("user", CAMS), None, Change("user", CAMS["cam"].reveal())),
    "map: a number": (Map("width", {"640": Secret("x")}), None, Change("width", "x")),
    "map: true is no key": (Map("record", {"True": Secret("x"), "true": Secret("x")}), None, Reason.ALIAS_UNKNOWN),
    "map: in the store": (Map("name", store="cams"), "found", Change("name", "found")),
    "map: not in the store": (Map("name", store="cams"), None, Reason.ALIAS_UNKNOWN),
    "map: not in the store, kept": (Map("name", store="cams", otherwise="keep"), None, None),
    "drop: a text": (Drop("name"), None, Change("name", "")),
    "drop: a number": (Drop("width"), None, Change("width", 0)),
    "drop: a fraction": (Drop("f"), None, Change("f", 0.0)),
    "drop: true": (Drop("record"), None, Change("record", False)),
    "drop: an object": (Drop("custom"), None, Change("custom", {})),
    "drop: a list": (Drop("tags"), None, Change("tags", [])),
    "drop: null": (Drop("none"), None, None),
    "drop: what is not there": (Drop("nothing"), None, None),
}


@pytest.mark.parametrize(("rewrite", "found", "outcome"), CASES.values(), ids=CASES)
def test_apply(rewrite, found, outcome):
    assert rewrite.apply(CASE, FIELDS, found) == outcome
    assert rewrite.refuses or not isinstance(outcome, Reason), "FAIL would not be asked for"


LOOKED_UP = {
    "the field's own value": (Map("name", store="cams"), ("cams", "cam")),
    "another key": (Map("name", store="cams", key="{user}/{custom.room}"), ("cams", "ann/lobby")),
    "no key": (Map("name", store="cams", key="{nothing}"), None),
    "nobody's key": (Map("name", store="cams", key="{claim.room}"), None),
    "a field that is no text": (Map("tags", store="cams"), None),
    "a field that is not there": (Map("nothing", store="cams"), None),
    "a table of its own": (Map("name", CAMS), None),
    "put": (Put("name", "x"), None),
    "drop": (Drop("name"), None),
}


@pytest.mark.parametrize(("rewrite", "wanted"), LOOKED_UP.values(), ids=LOOKED_UP)
def test_looks_up(rewrite, wanted):
    assert rewrite.looks_up(CASE, FIELDS) == wanted


UNSEEN = ["x" * 1_025, "x" * 1_000_000, "cam\x00", "cam\n", "\u202emac", "\ud800", ""]


@pytest.mark.parametrize("name", UNSEEN, ids=lambda name: ascii(name)[:20])
@pytest.mark.parametrize("key", ["", "{name}", "x/{name}"])
def test_a_name_that_no_table_can_have_is_not_looked_up(name, key):
    """Neither a store that fails on it nor a megabyte of it is asked for."""
    rewrite = Map("name", store="cams", key=key)
    assert rewrite.looks_up(CASE, {"name": name}) is None
    assert rewrite.apply(CASE, {"name": name}, None) is Reason.ALIAS_UNKNOWN


@pytest.mark.parametrize("client", [Reason.SESSION_UNKNOWN, Reason.TOKEN_INVALID, Reason.CREDENTIALS_MISSING])
def test_who_is_not_known_has_no_name_to_put_in(client):
    case = Case(HOOK, 0, client)
    assert Put("name", "{user}-{name}").apply(case, FIELDS, None) is Reason.REWRITE_IMPOSSIBLE
    assert Map("name", CAMS, key="{user}").apply(case, FIELDS, None) is Reason.ALIAS_UNKNOWN


ASKS = {
    "user": Put("name", "{user}"),
    "claim": Put("name", "{claim.room}"),
    "key": Map("name", store="cams", key="{user}", otherwise="keep"),
}


def test_claims_that_some_verifier_must_keep():
    assert Put("name", "{claim.room}-{user}-{claim.org.unit}").claims == ("room", "org.unit")
    assert Map("name", store="cams", key="{claim.room}").claims == ("room",)
    assert [each.claims for each in (Put("name", "{{claim.room}}"), Put("width", 5), Map("name", CAMS))] == [()] * 3


@pytest.mark.parametrize("rewrite", ASKS.values(), ids=ASKS)
def test_what_asks_for_the_client_can_refuse_a_wrong_one(rewrite):
    assert rewrite.asks is Asks.CLIENT
    assert rewrite.refuses


@pytest.mark.parametrize("rewrite", [Put("name", "x"), Put("name", "{random}"), Map("name", store="c"), Drop("name")])
def test_what_needs_no_client_does_not_ask_for_it(rewrite):
    assert rewrite.asks is Asks.NOTHING


FREE = [Put("name", "x"), Put("name", "{random}"), Put("width", 5), Drop("name"), Map("name", CAMS, otherwise="keep")]


@pytest.mark.parametrize("rewrite", FREE, ids=repr)
@given(st.dictionaries(st.sampled_from(["name", "width"]), st.none() | st.booleans() | st.integers() | st.text()))
def test_what_says_that_it_never_refuses_never_does(rewrite, fields):
    assert not rewrite.refuses
    assert not isinstance(rewrite.apply(NOBODY, fields, None), Reason)


@pytest.mark.parametrize(
    "field", [*FIXED, "sdp", "", "custom.room", "a b", "a,b", "\n", "n\u00e4me", "{name}", "x" * 65]
)
@pytest.mark.parametrize("make", [Drop, lambda field: Put(field, "x"), lambda field: Map(field, store="t")])
def test_a_field_that_cannot_be_rewritten(make, field):
    with pytest.raises(ValueError, match="field: "):
        make(field)


FAULTS = {
    "put: no value": (lambda: Put("name"), "value: is missing"),
    "put: value and secret": (lambda: Put("name", "x", Secret("y")), "secret: is given beside value"),
    "put: a password in clear": (lambda: Put("sipPassword", "x"), "value: sipPassword is a secret"),
    "put: no template": (lambda: Put("name", "{"), "value: "),
    "put: no text": (lambda: Put("name", ""), "value: is empty"),
    "put: no number": (lambda: Put("width", math.nan), "value: must be a number"),
    "put: too large a number": (lambda: Put("width", -math.inf), "value: must be a number"),
    "put: too long a text": (lambda: Put("name", "x" * 1_025), "value: has more than 1,024 characters"),
    "put: half a character": (lambda: Put("name", secret=Secret("\udcff")), "secret: is not Unicode"),
    "map: half a character": (lambda: Map("name", {"a": Secret("\udcff")}), "table: has a value that is not Unicode"),
    "map: a table whose name cannot be seen": (lambda: Map("name", store="a\nb"), "store: must be the name"),
    "map: no table": (lambda: Map("name"), "table: is missing"),
    "map: two tables": (lambda: Map("name", CAMS, "cams"), "store: is given beside table"),
    "map: a table without a name": (lambda: Map("name", store=" "), "store: must be the name"),
    "map: a table with too long a name": (lambda: Map("name", store="x" * 65), "store: has more than 64"),
    "map: no key": (lambda: Map("name", CAMS, key="{"), "key: "),
}


@pytest.mark.parametrize(("make", "says"), FAULTS.values(), ids=FAULTS)
def test_faults(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_no_fault_shows_a_password():
    for make in (lambda: Put("sipPassword", "pssst{"), lambda: Map("status", {"x": Secret("pssst\udcff")})):
        with pytest.raises(ValueError, match=":") as fault:
            make()
        assert "pssst" not in str(fault.value)


def test_no_secret_shows_itself():
    shown = repr([Put("sipPassword", secret=Secret("pssst")), Map("name", CAMS), Change("sipPassword", "pssst")])
    assert "pssst" not in shown
    assert "pass@" not in shown


def test_the_family():
    assert {"put": Put, "map": Map, "drop": Drop} == REWRITES
