import base64
import hmac
from ipaddress import ip_network

import pytest

from authgate.hooks.caller import BasicLogin, Caller, CallerOptions
from authgate.model import Delivery, Secret

BODY = b'{"appKey":"defaultApp"}'
# Computed independently, for the key "example-secret".
HASH = "809deb46072c23e12bb71b6d373d3f6e"
CAFE = '{"name":"café"}'.encode()
CAFE_HASH = "5bd44da94b5b1c5c8f77bec845887814"


def options(keys=(), basic=(), addresses=(), proxies=()):
    return CallerOptions(
        tuple(Secret(key) for key in keys),
        tuple(BasicLogin(*login) for login in ((name, Secret(password)) for name, password in basic)),
        tuple(ip_network(each) for each in addresses),
        tuple(ip_network(each) for each in proxies),
    )


def basic(pair):
    return "Basic " + base64.b64encode(pair.encode()).decode()


KEYED = options(keys=["example-secret"])
ROTATING = options(keys=["new-secret", "example-secret"])
LOGIN = options(basic=[("wcs", "pässword"), ("other", "b:c")])
HOME = options(addresses=["192.0.2.0/24", "2001:db8::/32"])
PROXIED = options(addresses=["192.0.2.0/24"], proxies=["10.0.0.0/8", "127.0.0.1/32"])
ALL = options(keys=["example-secret"], basic=[("wcs", "p")], addresses=["192.0.2.10/32"])

TRUSTED = {
    "nothing is checked": (options(), Delivery("x", BODY)),
    "signed": (KEYED, Delivery("x", BODY, (f"WCS {HASH}",))),
    "signed over raw UTF-8": (KEYED, Delivery("x", CAFE, (f"WCS {CAFE_HASH}",))),
    "in capitals": (KEYED, Delivery("x", BODY, (f"wcs {HASH.upper()}",))),
    "by the older of two keys": (ROTATING, Delivery("x", BODY, (f"WCS {HASH}",))),
    "white space around the key": (options(keys=[" example-secret\n"]), Delivery("x", BODY, (f"WCS {HASH}",))),
    "basic": (LOGIN, Delivery("x", BODY, (basic("wcs:pässword"),))),
    "a colon in the password": (LOGIN, Delivery("x", BODY, (basic("other:b:c"),))),
    "at home": (HOME, Delivery("x", BODY, peer="192.0.2.10")),
    "at home over IPv6": (HOME, Delivery("x", BODY, peer="2001:db8::1")),
    "IPv4 inside IPv6": (HOME, Delivery("x", BODY, peer="::ffff:192.0.2.10")),
    "behind a trusted proxy": (PROXIED, Delivery("x", BODY, forwarded=("192.0.2.10",), peer="10.0.0.1")),
    "behind two": (PROXIED, Delivery("x", BODY, forwarded=("192.0.2.10, 10.0.0.2",), peer="127.0.0.1")),
    "in two header lines": (PROXIED, Delivery("x", BODY, forwarded=("192.0.2.10", "10.0.0.2"), peer="127.0.0.1")),
    "a forged hop on the left": (
        PROXIED,
        Delivery("x", BODY, forwarded=("203.0.113.9, 192.0.2.10",), peer="10.0.0.1"),
    ),
    "all three": (ALL, Delivery("x", BODY, (f"WCS {HASH}", basic("wcs:p")), peer="192.0.2.10")),
}


@pytest.mark.parametrize(("options", "delivery"), TRUSTED.values(), ids=TRUSTED)
def test_trusted(options, delivery):
    assert Caller(options).trusts(delivery)


STRANGERS = {
    "not signed": (KEYED, Delivery("x", BODY)),
    "signed by another key": (KEYED, Delivery("x", BODY, ("WCS " + hmac.digest(b"other", BODY, "md5").hex(),))),
    "another body": (KEYED, Delivery("x", BODY + b" ", (f"WCS {HASH}",))),
    "signed over the JSON sent again": (KEYED, Delivery("x", b'{"appKey": "defaultApp"}', (f"WCS {HASH}",))),
    "cut short": (KEYED, Delivery("x", BODY, (f"WCS {HASH[:-1]}",))),
    "empty hash": (KEYED, Delivery("x", BODY, ("WCS ",))),
    "no hash": (KEYED, Delivery("x", BODY, ("WCS",))),
    "hash without scheme": (KEYED, Delivery("x", BODY, (HASH,))),
    "hash beyond ASCII": (KEYED, Delivery("x", BODY, ("WCS é\udcff",))),
    "another scheme": (KEYED, Delivery("x", BODY, (f"Bearer {HASH}",))),
    "basic instead of a hash": (KEYED, Delivery("x", BODY, (basic("wcs:p"),))),
    "basic, wrong password": (LOGIN, Delivery("x", BODY, (basic("wcs:password"),))),
    "basic, no password": (LOGIN, Delivery("x", BODY, (basic("wcs:"),))),
    "basic, no colon": (LOGIN, Delivery("x", BODY, (basic("wcs"),))),
    "basic, not base64": (LOGIN, Delivery("x", BODY, ("Basic wcs:pässword",))),
    "basic, junk in base64": (LOGIN, Delivery("x", BODY, (basic("wcs:pässword") + "!",))),
    "basic, latin-1": (LOGIN, Delivery("x", BODY, ("Basic " + base64.b64encode(b"wcs:p\xe4ssword").decode(),))),
    "elsewhere": (HOME, Delivery("x", BODY, peer="203.0.113.7")),
    "no address": (HOME, Delivery("x", BODY, peer=None)),
    "no address that can be read": (HOME, Delivery("x", BODY, peer="localhost")),
    "X-Forwarded-For of somebody who is no proxy": (
        HOME,
        Delivery("x", BODY, forwarded=("192.0.2.10",), peer="203.0.113.7"),
    ),
    "leftmost X-Forwarded-For forged": (
        PROXIED,
        Delivery("x", BODY, forwarded=("192.0.2.10, 203.0.113.7",), peer="10.0.0.1"),
    ),
    "malformed X-Forwarded-For": (PROXIED, Delivery("x", BODY, forwarded=("192.0.2.10, ?",), peer="10.0.0.1")),
    "empty X-Forwarded-For": (PROXIED, Delivery("x", BODY, forwarded=("",), peer="10.0.0.1")),
    "only proxies": (PROXIED, Delivery("x", BODY, peer="10.0.0.1")),
    "two of three: no hash": (ALL, Delivery("x", BODY, (basic("wcs:p"),), peer="192.0.2.10")),
    "two of three: no password": (ALL, Delivery("x", BODY, (f"WCS {HASH}",), peer="192.0.2.10")),
    "two of three: elsewhere": (ALL, Delivery("x", BODY, (f"WCS {HASH}", basic("wcs:p")), peer="192.0.2.11")),
}


@pytest.mark.parametrize(("options", "delivery"), STRANGERS.values(), ids=STRANGERS)
def test_stranger(options, delivery):
    assert not Caller(options).trusts(delivery)


BLANK = {"blank": [" "], "empty": [""], "one of two": ["k", "\t"]}


@pytest.mark.parametrize("keys", BLANK.values(), ids=BLANK)
def test_a_blank_key_is_no_key(keys):
    with pytest.raises(ValueError, match="hmac_keys"):
        options(keys=keys)


CHECKS = {
    "a key": (KEYED, True),
    "a login": (LOGIN, True),
    "addresses": (HOME, True),
    "nothing": (options(), False),
    "proxies alone": (options(proxies=["10.0.0.0/8"]), False),
    "every address": (options(addresses=["192.0.2.0/24", "0.0.0.0/0"]), False),
    "every address of IPv6": (options(addresses=["::/0"]), False),
    "addresses told by anybody": (options(addresses=["192.0.2.0/24"], proxies=["0.0.0.0/0"]), False),
    "every address and a key": (options(keys=["k"], addresses=["0.0.0.0/0"]), True),
}


@pytest.mark.parametrize(("options", "checks"), CHECKS.values(), ids=CHECKS)
def test_what_counts_as_a_check(options, checks):
    assert options.checks == checks


def test_secrets_are_not_shown():
    shown = repr(Caller(ALL)) + repr(Delivery("x", BODY, (basic("wcs:p"),)))
    assert "example-secret" not in shown
    assert basic("wcs:p") not in shown
    assert "b'" not in shown
