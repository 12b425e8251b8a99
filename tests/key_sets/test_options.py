"""Where a key set may be, and for how long it may be used."""

import pytest
from pydantic import TypeAdapter, ValidationError

from authgate.verifiers.jwks import JwksOptions, shown

URL = "https://id.example.com/keys"

FAULTS = {
    "nothing": ({}, "url: is missing"),
    "both": ({"url": URL, "discover": True}, "discover: is set, and url says"),
    "empty": ({"url": ""}, "url: must be an address"),
    "no address": ({"url": "id.example.com/keys"}, "url: must be an address"),
    "a space": ({"url": "https://id.example.com/a b"}, "url: must be an address"),
    "no port": ({"url": "https://id.example.com:port/"}, "url: must be an address"),
    "no host": ({"url": "https:///keys"}, "url: must begin with https://"),
    "another scheme": ({"url": "ftp://id.example.com/keys"}, "url: must begin with https:// or file:///"),
    "in clear": ({"url": "http://id.example.com/keys"}, "url: is http:// to another machine"),
    "in clear to what begins as this machine": ({"url": "http://127.0.0.1.example.com/"}, "to another machine"),
    "in clear to the next machine": ({"url": "http://10.0.0.1/"}, "to another machine"),
    "a user": ({"url": "https://u:hunter2@id.example.com/"}, "url: holds a user or a password"),
    "a fragment": ({"url": f"{URL}#a"}, "url: has a fragment"),
    "a relative file": ({"url": "file:keys.json"}, "url: must be an absolute path"),
    "a file of another machine": ({"url": "file://host/keys.json"}, "url: must be an absolute path"),
    "a file with NUL": ({"url": "file:///a%00b"}, "url: must be an absolute path"),
    "too long": ({"url": f"{URL}/{'x' * 1024}"}, "url: is longer than 1024"),
    "stale before it is not fresh": ({"url": URL, "stale": 599}, "stale: is less than fresh"),
    "cooling for longer than fresh": ({"url": URL, "cool_down": 601}, "cool_down: is more than fresh"),
}


@pytest.mark.parametrize(("given", "why"), FAULTS.values(), ids=FAULTS)
def test_options_that_cannot_be_used(given, why):
    with pytest.raises(ValueError, match=r"^[a-z_]+: ") as error:
        JwksOptions(**given)
    assert why in str(error.value)
    assert "hunter2" not in str(error.value)


def test_every_fault_is_said():
    with pytest.raises(ValueError, match="url") as error:
        JwksOptions("x", discover=True, fresh=700, stale=600, cool_down=800)
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "discover",
        "url",
        "stale",
        "cool_down",
    ]


BOUNDS = {"fresh": 9, "stale": -1, "cool_down": 0, "timeout": 0, "max_bytes": 65_536, "colour": "red"}


@pytest.mark.parametrize(("option", "value"), BOUNDS.items())
def test_options_out_of_bounds(option, value):
    with pytest.raises(ValidationError):
        TypeAdapter(JwksOptions).validate_python({"url": URL, option: value}, extra="forbid")


GOOD = [
    URL,
    "https://login.microsoftonline.com/x/discovery/v2.0/keys?appid=1",
    "http://127.0.0.1:8080/keys",
    "http://[::1]/keys",
    "http://localhost/keys",
    "file:///etc/authgate/keys.json",
]


@pytest.mark.parametrize("url", GOOD)
def test_addresses_that_can_be_used(url):
    assert JwksOptions(url).url == url


ISSUERS = {
    "an address": (URL, ""),
    "an address on this machine": ("http://127.0.0.1:8080/realms/a", ""),
    "a name": ("wcs", "must be an address"),
    "an address in clear": ("http://id.example.com", "to another machine"),
    "a file": ("file:///etc/issuer", "must begin with https://"),
    "a query": ("https://id.example.com/?a=b", "has a query"),
    "a fragment": ("https://id.example.com/#a", "fragment"),
}


@pytest.mark.parametrize(("issuer", "why"), ISSUERS.values(), ids=ISSUERS)
def test_issuers_below_which_something_is_discovered(issuer, why):
    fault = JwksOptions(discover=True).fault_of_issuer(issuer)
    assert (why in fault) if why else not fault
    assert JwksOptions(URL).fault_of_issuer(issuer) == ""


SHOWN = {
    "as it is": (URL, URL),
    "without a query": (f"{URL}?key=hunter2", URL),
    "without a user": ("https://u:hunter2@id.example.com:8443/keys", "https://id.example.com:8443/keys"),
    "a file": ("file:///etc/keys.json", "file:///etc/keys.json"),
    "a name": ("wcs", "wcs"),
    "nonsense": ("https://[hunter2", "***"),
}


@pytest.mark.parametrize(("url", "text"), SHOWN.values(), ids=SHOWN)
def test_addresses_are_shown(url, text):
    assert shown(url) == text
