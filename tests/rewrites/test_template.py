import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.hooks.parse import parse
from authgate.model import Asks, Case, Delivery, Principal, Reason
from authgate.rewrites.template import Template

HOOK = parse(Delivery("publishStream", b'{"appKey":"app"}'))
ANN = Principal("ann", claims={"room": "r1", "org.unit": "u"})
FIELDS = {
    "name": "cam",
    "width": 640,
    "height": 0,
    "User-Agent": "VLC",
    "joined": "\u0645\u06cc\u200c\u062e",
    "record": True,
    "none": None,
    "empty": "",
    "list": ["x"],
    "custom": {"room": "lobby", "deep": {"er": "z"}},
    "rate": 1.5,
    "evil": "{user}*?",
}
FILLED = {
    "nothing to fill in": ("fixed", "fixed"),
    "a field": ("int-{name}", "int-cam"),
    "a number": ("{width}p", "640p"),
    "inside custom": ("{custom.room}/{custom.deep.er}", "lobby/z"),
    "user": ("{user}-{name}", "ann-cam"),
    "claims": ("{claim.room}.{claim.org.unit}", "r1.u"),
    "application": ("{app}", "app"),
    "a name with a hyphen": ("{User-Agent}", "VLC"),
    "zero": ("{height}", "0"),
    "joiners, which words need": ("{joined}", "\u0645\u06cc\u200c\u062e"),
    "braces": ("{{{name}}}", "{cam}"),
    "what is filled in is not looked at again": ("{evil}", "{user}*?"),
}
UNFILLED = {
    "a field that is not there": "{nothing}",
    "null": "{none}",
    "an empty field": "x{empty}",
    "a list": "{list}",
    "an object": "{custom}",
    "true": "{record}",
    "a fraction": "{rate}",
    "nothing inside custom": "{custom.nope}",
    "inside what is no object": "{name.x}",
    "a claim that is not there": "{claim.nope}",
}


@pytest.mark.parametrize(("text", "filled"), FILLED.values(), ids=FILLED)
def test_filled(text, filled):
    assert Template(text).fill(Case(HOOK, 0, ANN), FIELDS) == filled


@pytest.mark.parametrize("text", UNFILLED.values(), ids=UNFILLED)
def test_unfilled(text):
    template = Template(text)
    assert template.fill(Case(HOOK, 0, ANN), FIELDS) is None
    assert template.may_fail


@pytest.mark.parametrize("text", ["{user}", "{claim.room}"])
def test_nobody_has_no_name(text):
    assert Template(text).fill(Case(HOOK, 0, Reason.SESSION_UNKNOWN), FIELDS) is None


VALUES = ["x" * 1_100, "x" * 1_000_000, "a\nb", "a\x00b", "\u202egnp", "\ud800", "\u200b", 10**1_100]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:20])
def test_a_value_that_cannot_stand_in_a_name(value):
    assert Template("int-{name}").fill(Case(HOOK, 0, ANN), {"name": value}) is None


@pytest.mark.parametrize(("app", "text"), [("", "{app}"), ("a" * 60, "x" * 1_000 + "{app}")], ids=["none", "long"])
def test_an_application_that_cannot_stand_in_a_name(app, text):
    """The application is the client's word, so the media server must be told to obey the refusal."""
    hook = parse(Delivery("publishStream", f'{{"appKey":"{app}"}}'.encode()))
    assert Template(text).fill(Case(hook, 0, ANN), FIELDS) is None
    assert Template(text).may_fail


def test_a_text_that_is_joiners_alone_cannot_be_seen():
    assert Template("{name}").fill(Case(HOOK, 0, ANN), {"name": "\u200c\u200d"}) is None


NO_TEMPLATES = {
    "{": "has a '{' without its other half",
    "}": "has a '}' without its other half",
    "{name": "has a '{' without",
    "name}": "has a '}' without",
    "{{name}": "has a '}' without",
    "{a{b}}": "has a '{' without",
    "{}": "'{}' is no placeholder",
    "{ name }": "is no placeholder",
    "{na me}": "is no placeholder",
    "{name!r}": "is no placeholder",
    "{name:>9}": "is no placeholder",
    "{name[0]}": "is no placeholder",
    "{0}": "is no placeholder",
    "{a..b}": "is no placeholder",
    "{.a}": "is no placeholder",
    "{a.}": "is no placeholder",
    "{n\u00e4me}": "is no placeholder",
    "{claim}": "is no placeholder",
    "{claim.}": "is no placeholder",
    "{user.name}": "is no placeholder",
    "{app.key}": "is no placeholder",
    "{random.8}": "is no placeholder",
    "": "is empty",
    "a\nb": "cannot be seen",
    "\u202e{name}": "cannot be seen",
    "x" * 1_025: "more than 1,024",
    "x" * 993 + "{random}": "more than 1,024",
}


@pytest.mark.parametrize(("text", "why"), NO_TEMPLATES.items(), ids=lambda each: ascii(each)[:20])
def test_no_template(text, why):
    with pytest.raises(ValueError, match=why) as fault:
        Template(text)
    assert len(str(fault.value)) < 200


def test_a_fault_repeats_no_more_than_the_placeholder():
    with pytest.raises(ValueError, match="placeholder") as fault:
        Template("pssst-{no good}")
    assert "pssst" not in str(fault.value)


def test_random_is_another_each_time_and_long_enough():
    template = Template("{random}")
    values = {template.fill(Case(HOOK, 0), {}) for _ in range(100)}
    assert len(values) == 100
    assert {len(value) for value in values} == {32}
    assert {frozenset(value) <= set("0123456789abcdef") for value in values} == {True}
    assert not template.may_fail
    assert template.names


def test_random_twice_is_two_of_them():
    filled = Template("{random}{random}").fill(Case(HOOK, 0), {})
    assert filled[:32] != filled[32:]


def test_what_it_needs():
    template = Template("{claim.room}-{user}-{claim.org.unit}")
    assert template.claims == ("room", "org.unit")
    assert template.asks is Asks.CLIENT
    assert Template("{user}").asks is Asks.CLIENT
    assert Template("{name}-{app}-{random}").asks is Asks.NOTHING
    assert not Template("x{{y}}").names
    assert Template("x{{user}}").asks is Asks.NOTHING


INJECTED = {
    "braces in the name": ("{user}", "ann", "int-{user}|ann"),
    "braces in the user": ("cam", "{name}", "int-cam|{name}"),
    "each asks for the other": ("{user}", "{name}", "int-{user}|{name}"),
    "a claim that is not shown": ("{claim.room}", "ann", "int-{claim.room}|ann"),
    "doubled braces": ("{{", "}}", "int-{{|}}"),
    "half a brace": ("{", "ann", "int-{|ann"),
    "a star": ("*", "*", "int-*|*"),
    "formatting": ("%s%n{0.__class__}", "ann", "int-%s%n{0.__class__}|ann"),
}


@pytest.mark.parametrize(("name", "user", "filled"), INJECTED.values(), ids=INJECTED)
def test_a_client_cannot_bring_placeholders_of_its_own(name, user, filled):
    case = Case(HOOK, 0, Principal(user, claims={"room": "hidden"}))
    assert Template("int-{name}|{user}").fill(case, {"name": name}) == filled


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_is_filled_in_stays_as_it_is(name, user):
    filled = Template("<{name}|{user}>").fill(Case(HOOK, 0, Principal(user)), {"name": name})
    assert filled in (None, f"<{name}|{user}>")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.text("{}ab.claim-user", max_size=12), st.dictionaries(st.sampled_from("a b claim user".split()), JSON))
def test_whatever_the_template_and_the_hook(text, fields):
    """A fault at start, or an answer: nothing else comes out of it."""
    try:
        template = Template(text)
    except ValueError:
        return
    filled = template.fill(Case(HOOK, 0, ANN), fields)
    assert filled is None or (0 < len(filled) <= 1_024 and filled.encode())
    assert filled is not None or template.may_fail


CLIMBING = ["..", "../bob/cam", "a/../b", "%2e%2e/bob", "%252e%252e/bob", "..\\bob", "a/ .. /b", "x/.."]


@pytest.mark.parametrize("value", CLIMBING)
@pytest.mark.parametrize("what", ["name", "user"])
def test_nothing_climbs_out_of_what_is_put_before_it(value, what):
    case = Case(HOOK, 0, Principal(value if what == "user" else "ann"))
    assert Template("{user}/{name}").fill(case, {"name": value if what == "name" else "cam"}) is None


@pytest.mark.parametrize("value", ["a..b", "...", "cam.1", ".hidden", "50% off"])
def test_dots_alone_do_not_climb(value):
    assert Template("{user}/{name}").fill(Case(HOOK, 0, Principal("ann")), {"name": value}) == f"ann/{value}"
