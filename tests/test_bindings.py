"""What a token is bound to: what can be kept to at all, and whether a hook keeps to it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.bindings import CLAIMS, MOST, asked_for, broken, read
from authgate.model import NOWHERE, Reason, Where
from authgate.origins import normal

KEPT = {
    "an address": ("ip", "203.0.113.7", ("203.0.113.7",)),
    "an address of six": ("ip", "2001:db8::1", ("2001:db8::1",)),
    "a network": ("ip", "203.0.113.0/24", ("203.0.113.0/24",)),
    "a network of one address": ("ip", "203.0.113.7/32", ("203.0.113.7",)),
    "a network by its mask": ("ip", "203.0.113.0/255.255.255.0", ("203.0.113.0/24",)),
    "an address of six, written in full": ("ip", "2001:0DB8:0:0:0:0:0:1", ("2001:db8::1",)),
    "an address of four within one of six": ("ip", "::ffff:203.0.113.7", ("203.0.113.7",)),
    "the same in hexadecimal": ("ip", "::FFFF:cb00:7107", ("203.0.113.7",)),
    "a network of four within one of six": ("ip", "::ffff:203.0.113.0/120", ("203.0.113.0/24",)),
    "every address of four within those of six": ("ip", "::ffff:0:0/96", ("0.0.0.0/0",)),
    "every address of six": ("ip", "::/0", ("::/0",)),
    "several": ("ip", ["203.0.113.0/24", "2001:db8::/32"], ("203.0.113.0/24", "2001:db8::/32")),
    "an origin": ("origin", "https://app.example.com", ("https://app.example.com",)),
    "an origin with a port": ("origin", "https://app.example.com:8443", ("https://app.example.com:8443",)),
    "an origin in capitals": ("origin", "HTTPS://App.Example.COM", ("https://app.example.com",)),
    "an origin with a slash": ("origin", "https://app.example.com/", ("https://app.example.com",)),
    "an origin with its usual port": ("origin", "https://app.example.com:443", ("https://app.example.com",)),
    "all that makes no difference": ("origin", "HTTP://Example.com.:0080/", ("http://example.com",)),
    "the usual port of another scheme": ("origin", "http://app.example.com:443", ("http://app.example.com:443",)),
    "an origin of an extension": ("origin", "chrome-extension://abcdef", ("chrome-extension://abcdef",)),
    "an origin by an address of six": ("origin", "http://[2001:DB8:0::1]:8080", ("http://[2001:db8::1]:8080",)),
    "an application": ("appKey", "live", ("live",)),
    "an application with spaces": ("appKey", "my app", ("my app",)),
    "a pattern": ("stream", "room-*", ("room-*",)),
    "every name": ("stream", "*", ("*",)),
    "an address as a pattern": ("stream", "rtsp://cam.example.com/1", ("rtsp://cam.example.com/1",)),
    "as many as there may be": ("appKey", ["a"] * MOST, ("a",) * MOST),
    "as long as one may be": ("appKey", "a" * 512, ("a" * 512,)),
}


@pytest.mark.parametrize(("claim", "value", "kept"), KEPT.values(), ids=KEPT)
def test_what_can_be_kept_to(claim: str, value: object, kept: tuple[str, ...]) -> None:
    assert read(claim, value) == kept


WRONG_TYPES: dict[str, object] = {
    "null": None,
    "true": True,
    "a number": 7,
    "a fraction": 1.5,
    "an object": {"a": "b"},
    "an empty object": {},
    "an empty list": [],
    "a list of null": [None],
    "a list of numbers": [7],
    "a list in the list": [["live"]],
    "an object in the list": [{}],
    "bytes": b"live",
    "a tuple": ("live",),
    "65 entries": ["203.0.113.7"] * 65,
    "empty": "",
    "an empty one among others": ["", "203.0.113.7"],
    "513 characters": "a" * 513,
    "a line end": "203.0.113.7\n",
    "a NUL": "203.0.113.7\0",
    "a lone surrogate": "\ud800",
    "what nobody sees": "a\u200bb",
    "text that turns around": "\u202eevil",
}


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("value", WRONG_TYPES.values(), ids=WRONG_TYPES)
def test_what_is_no_list_of_texts_binds_to_nothing_and_is_refused(claim: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{claim} "):
        read(claim, value)


CANNOT = {
    "half an address": ("ip", "203.0.113"),
    "an address with a port": ("ip", "203.0.113.7:80"),
    "an address in brackets": ("ip", "[2001:db8::1]"),
    "an octet too large": ("ip", "203.0.113.256"),
    "a leading zero, octal to some": ("ip", "0203.0.113.7"),
    "hexadecimal": ("ip", "0xcb007107"),
    "one number": ("ip", "3405803783"),
    "a network with an address in it": ("ip", "203.0.113.7/24"),
    "a network of six with an address in it": ("ip", "2001:db8::1/32"),
    "a network of four within six with an address in it": ("ip", "::ffff:203.0.113.7/120"),
    "a network by its mask with an address in it": ("ip", "203.0.113.7/255.255.255.0"),
    "an address with a zone": ("ip", "fe80::1%eth0"),
    "a network with a zone": ("ip", "fe80::%1/64"),
    "a prefix too long": ("ip", "203.0.113.0/33"),
    "a prefix of six too long": ("ip", "2001:db8::/129"),
    "a negative prefix": ("ip", "203.0.113.0/-1"),
    "no prefix": ("ip", "203.0.113.0/"),
    "two prefixes": ("ip", "203.0.113.0/24/24"),
    "a range": ("ip", "203.0.113.1-203.0.113.9"),
    "a wildcard": ("ip", "203.0.113.*"),
    "a space before it": ("ip", " 203.0.113.7"),
    "a comma": ("ip", "203.0.113.7,203.0.113.8"),
    "Arabic digits": ("ip", "٢٠٣.0.113.7"),
    "full-width digits": ("ip", "２０３.0.113.7"),
    "a name": ("ip", "localhost"),
    "a word": ("ip", "any"),
    "a good one and a bad one": ("ip", ["203.0.113.7", "any"]),
    "an origin without a scheme": ("origin", "app.example.com"),
    "an origin without slashes": ("origin", "https:app.example.com"),
    "an origin without a host": ("origin", "https://"),
    "an origin of slashes": ("origin", "https:////"),
    "the origin null": ("origin", "null"),
    "any origin": ("origin", "*"),
    "an origin with a path": ("origin", "https://app.example.com/room"),
    "an origin with two slashes": ("origin", "https://app.example.com//"),
    "an origin with a query": ("origin", "https://app.example.com?room=1"),
    "an origin with a fragment": ("origin", "https://app.example.com#room"),
    "an origin with a user": ("origin", "https://ann@app.example.com"),
    "an origin with port 0": ("origin", "https://app.example.com:0"),
    "an origin with a port that is none": ("origin", "https://app.example.com:65536"),
    "an origin with a port that is no number": ("origin", "https://app.example.com:https"),
    "an origin with a wildcard": ("origin", "https://*.example.com"),
    "an origin with letters that browsers do not send": ("origin", "https://bücher.example"),
    "an origin with a letter that becomes another in small": ("origin", "https://app.example.\u212aom"),
    "an origin with a percent sign": ("origin", "https://app%2eexample.com"),
    "an origin with a backslash": ("origin", "https://app.example.com\\"),
    "two origins in one": ("origin", "https://a.example https://b.example"),
    "an origin by half an address of six": ("origin", "https://[::1"),
    "an origin by an address that browsers write otherwise": ("origin", "https://203.0.113.07"),
    "an origin by one number": ("origin", "https://3405803783"),
    "an origin with an empty label": ("origin", "https://app..example.com"),
    "a good origin and a bad one": ("origin", ["https://app.example.com", "null"]),
    "a pattern that is never sure": ("stream", "a/../b"),
    "a pattern that is never sure, encoded": ("stream", "a%2fb"),
    "a pattern that could be cut": ("stream", "room?x/../y"),
    "a good pattern and one that is never sure": ("stream", ["room-*", "a/../b"]),
    "a pattern that ends in a backslash": ("stream", "room\\"),
}


@pytest.mark.parametrize(("claim", "value"), CANNOT.values(), ids=CANNOT)
def test_what_cannot_be_kept_to_is_refused(claim: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"no address|bits set|no origin|could never fit|pattern"):
        read(claim, value)


HERE = Where("live", "203.0.113.7", "https://app.example.com", "publish", "room-1")
ANY = {"ip": ("203.0.113.0/24",), "origin": ("https://app.example.com",), "appKey": ("live",), "stream": ("room-*",)}


def here(**changes: str | None) -> Where:
    said = {name: getattr(HERE, name) for name in ("app_key", "address", "origin", "action", "name")}
    return Where(**(said | changes))


APP, ADDRESS, ORIGIN, STREAM = Reason.TOKEN_APP, Reason.TOKEN_ADDRESS, Reason.TOKEN_ORIGIN, Reason.TOKEN_STREAM
PORT = ("https://app.example.com:8443",)
SIX = ("2001:db8::/32",)
HOOKS: dict[str, tuple[dict[str, tuple[str, ...]], Where, Reason | None]] = {
    "bound to nothing": ({}, NOWHERE, None),
    "all of it kept": (ANY, HERE, None),
    "of all, the application": (ANY, here(app_key="other"), APP),
    "of all, the address": (ANY, here(address="203.0.114.7"), ADDRESS),
    "of all, the origin": (ANY, here(origin="https://evil.example"), ORIGIN),
    "of all, the stream": (ANY, here(name="hall"), STREAM),
    "nothing is known": (ANY, NOWHERE, APP),
    # applications
    "one of several applications": ({"appKey": ("a", "live")}, HERE, None),
    "none of several": ({"appKey": ("a", "b")}, HERE, APP),
    "application in capitals": ({"appKey": ("LIVE",)}, HERE, APP),
    "application with a space": ({"appKey": ("live ",)}, HERE, APP),
    "no application": ({"appKey": ("live",)}, here(app_key=""), APP),
    "application with a wildcard": ({"appKey": ("*",)}, HERE, APP),
    "the beginning of an application": ({"appKey": ("liv",)}, HERE, APP),
    # addresses
    "the very address": ({"ip": ("203.0.113.7",)}, HERE, None),
    "the address beside it": ({"ip": ("203.0.113.8",)}, HERE, ADDRESS),
    "the last one of the network": ({"ip": ("203.0.113.0/29",)}, HERE, None),
    "the first one after the network": ({"ip": ("203.0.113.0/30",)}, HERE, ADDRESS),
    "one of several networks": ({"ip": ("10.0.0.0/8", "203.0.113.0/24")}, HERE, None),
    "a network that is named by an address in it, as a session may still have it": (
        {"ip": ("203.0.113.99/24",)},
        HERE,
        ADDRESS,
    ),
    "what is no network, as a session may still have it": ({"ip": ("any", "203.0.113.0/24")}, HERE, None),
    "the very address, within one of six": ({"ip": ("203.0.113.7",)}, here(address="::ffff:203.0.113.7"), None),
    "the address beside it, within one of six": ({"ip": ("203.0.113.7",)}, here(address="::ffff:203.0.113.8"), ADDRESS),
    "a network within those of six": ({"ip": read("ip", "::ffff:203.0.113.0/120")}, HERE, None),
    "another network within those of six": ({"ip": read("ip", "::ffff:203.0.114.0/120")}, HERE, ADDRESS),
    "no address": ({"ip": ("203.0.113.7",)}, here(address=""), ADDRESS),
    "no address, though any would do": ({"ip": ("0.0.0.0/0", "::/0")}, here(address=""), ADDRESS),
    "what is no address": ({"ip": ("0.0.0.0/0",)}, here(address="localhost"), ADDRESS),
    "a list of addresses": ({"ip": ("203.0.113.7",)}, here(address="203.0.113.7, 10.0.0.1"), ADDRESS),
    "an address with a port": ({"ip": ("203.0.113.7",)}, here(address="203.0.113.7:80"), ADDRESS),
    "an address of six": ({"ip": SIX}, here(address="2001:db8::7"), None),
    "an address of six, written in full": ({"ip": SIX}, here(address="2001:0db8:0:0:0:0:0:7"), None),
    "an address of six outside": ({"ip": SIX}, here(address="2001:db9::7"), ADDRESS),
    "every address of six": ({"ip": ("::/0",)}, HERE, ADDRESS),
    "every address of four": ({"ip": ("0.0.0.0/0",)}, here(address="2001:db8::7"), ADDRESS),
    # origins
    "one of several origins": ({"origin": ("https://a.example", "https://app.example.com")}, HERE, None),
    "origin in capitals": (ANY, here(origin="HTTPS://App.Example.COM"), None),
    "origin with a slash": (ANY, here(origin="https://app.example.com/"), None),
    "bound to one with a slash": ({"origin": ("https://APP.example.com/",)}, HERE, None),
    "origin with its usual port": (ANY, here(origin="https://app.example.com:443"), None),
    "bound to one with its usual port": ({"origin": ("https://app.example.com:443",)}, HERE, None),
    "the usual port of another scheme": (ANY, here(origin="https://app.example.com:80"), ORIGIN),
    "bound to what is none, as a session may still have it": ({"origin": ("null", "x")}, here(origin="null"), ORIGIN),
    "origin with a port": ({"origin": PORT}, here(origin=PORT[0]), None),
    "origin with another port": ({"origin": PORT}, here(origin="https://app.example.com:9443"), ORIGIN),
    "origin without the port": ({"origin": PORT}, HERE, ORIGIN),
    "origin with a port that is not bound": (ANY, here(origin=PORT[0]), ORIGIN),
    "origin of another scheme": (ANY, here(origin="http://app.example.com"), ORIGIN),
    "origin below it": (ANY, here(origin="https://x.app.example.com"), ORIGIN),
    "origin above it": (ANY, here(origin="https://example.com"), ORIGIN),
    "origin that begins so": (ANY, here(origin="https://app.example.com.evil.example"), ORIGIN),
    "origin that ends so": (ANY, here(origin="https://evil-app.example.com"), ORIGIN),
    "origin that is a user's name": (ANY, here(origin="https://app.example.com@evil.example"), ORIGIN),
    "origin with a path": (ANY, here(origin="https://app.example.com/evil"), ORIGIN),
    "two origins": (ANY, here(origin="https://app.example.com https://evil.example"), ORIGIN),
    "the origin null": (ANY, here(origin="null"), ORIGIN),
    "no origin": (ANY, here(origin=""), ORIGIN),
    "an origin of blanks": (ANY, here(origin=" "), ORIGIN),
    "an origin of slashes": (ANY, here(origin="///"), ORIGIN),
    "an origin that is looked up later": (ANY, here(origin=None), None),
    "an origin that is looked up later, and another stream": (ANY, here(origin=None, name="hall"), STREAM),
    # streams
    "one of several streams": ({"stream": ("a", "room-1")}, HERE, None),
    "plays it": (ANY, here(action="play"), None),
    "plays another": (ANY, here(action="play", name="hall"), STREAM),
    "no name": (ANY, here(name=""), STREAM),
    "no name where every name will do": ({"stream": ("*",)}, here(name=""), None),
    "name in capitals": (ANY, here(name="ROOM-1"), None),
    "full-width name, which everybody reads as the plain one": (ANY, here(name="ｒｏｏｍ-1"), None),
    "encoded name": (ANY, here(name="%72oom-1"), STREAM),
    "encoded twice": (ANY, here(name="room-%252e%252e"), None),
    "encoded slash and dots": (ANY, here(name="room-1%2f..%2fhall"), STREAM),
    "dots": (ANY, here(name="room-1/../hall"), STREAM),
    "dots before it": (ANY, here(name="../room-1"), STREAM),
    "a slash before it": (ANY, here(name="/room-1"), STREAM),
    "a query that leads out": (ANY, here(name="room-1?/../../hall"), STREAM),
    "a name too long to be sure of": (ANY, here(name="room-" + "1" * 3_000), STREAM),
    "a NUL inside": (ANY, here(name="hall\0room-1"), STREAM),
    "what nobody sees before it": (ANY, here(name="\u200broom-1"), STREAM),
    # what is not about a stream
    "connects": (ANY, here(action="", name=""), None),
    "calls": (ANY, here(action="call", name="1001"), None),
    "sends data": (ANY, here(action="data", name="live"), None),
    "receives": (ANY, here(action="receive", name="1001"), None),
    "does what nobody knows": (ANY, here(action="teleport", name="hall"), None),
    "calls with a key to publish": ({"action": ("publish",)}, here(action="call", name="1001"), STREAM),
    "plays with a key to publish": ({"action": ("publish",)}, here(action="play"), STREAM),
    "does what nobody knows with a key to publish": ({"action": ("publish",)}, here(action="teleport"), STREAM),
    "connects with a key to publish": ({"action": ("publish",), "stream": ("x",)}, here(action=""), None),
}


@pytest.mark.parametrize(("bound", "where", "reason"), HOOKS.values(), ids=HOOKS)
def test_whether_a_hook_keeps_to_it(bound: dict[str, tuple[str, ...]], where: Where, reason: Reason | None) -> None:
    assert broken(bound, where) is reason


@pytest.mark.parametrize("mapped", ["::ffff:203.0.113.7", "::ffff:203.0.113.0/120"])
def test_an_address_of_four_within_one_of_six_lets_nobody_else_in(mapped: str) -> None:
    """Some systems write an IPv4 address so. It must never come to mean more addresses than it says."""
    bound = {"ip": read("ip", mapped)}
    for address in ("203.0.114.7", "198.51.100.1", "::ffff:198.51.100.1", "2001:db8::1", ""):
        assert broken(bound, here(address=address)) is ADDRESS


@given(st.sampled_from(CLAIMS), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_whatever_a_claim_holds_is_kept_to_or_refused(claim: str, value: object) -> None:
    try:
        kept = read(claim, value)
    except ValueError:
        return
    assert 1 <= len(kept) <= MOST
    assert all(isinstance(text, str) and text.isprintable() for text in kept)
    assert broken({claim: kept}, NOWHERE) in (APP, ADDRESS, ORIGIN, None)
    assert claim == "stream" or broken({claim: kept}, NOWHERE) is not None, "what is not known does not fit"


@given(st.text(max_size=30))
def test_no_origin_but_the_one_that_is_bound_fits(origin: str) -> None:
    fits = broken({"origin": ("https://app.example.com",)}, here(origin=origin)) is None
    assert fits == (normal(origin) == "https://app.example.com")


@given(st.sampled_from(["ip", "origin"]), st.from_regex(r"[a-z0-9:/.\[\]-]{1,30}", fullmatch=True))
def test_what_is_read_is_in_the_form_in_which_it_is_read(claim: str, text: str) -> None:
    try:
        once = read(claim, text)
    except ValueError:
        return
    assert read(claim, list(once)) == once


@given(st.ip_addresses())
def test_an_address_fits_itself_and_no_other(address: object) -> None:
    bound = {"ip": read("ip", str(address))}
    assert broken(bound, here(address=str(address))) is None
    assert broken(bound, here(address="192.0.2.1" if str(address) != "192.0.2.1" else "192.0.2.2")) is ADDRESS


ASKED = {
    "a placeholder": ("stream", ["{user}-*"], "placeholders such as {user} are for grants"),
    "a brace": ("stream", ["room-1", "a{b"], "placeholders such as {user} are for grants"),
    "a path": ("origin", ["https://app.example.com/room"], "is no origin such as https://app.example.com: no path"),
    "an address for a network": (
        "ip",
        ["203.0.113.7/24"],
        "has bits set after its prefix; write 203.0.113.0/24 for the network, or 203.0.113.7 for the address",
    ),
    "the same within six": ("ip", ["::ffff:203.0.113.7/120"], "write 203.0.113.0/24 for the network, or 203.0.113.7 "),
}


@pytest.mark.parametrize(("claim", "texts", "why"), ASKED.values(), ids=ASKED)
def test_who_asks_for_what_could_never_fit_is_told(claim: str, texts: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        asked_for(claim, texts)


def test_a_token_may_name_a_stream_with_a_brace() -> None:
    assert read("stream", "a{b") == ("a{b",)
    assert broken({"stream": ("a{b",)}, here(name="a{b")) is None
