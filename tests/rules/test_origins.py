import pytest

from authgate.origins import read
from authgate.rules.origins import Origin

COVERED = {
    "the same": ("https://app.example.com", "https://app.example.com"),
    "letter case": ("https://app.example.com", "HTTPS://APP.Example.COM"),
    "its usual port": ("https://app.example.com", "https://app.example.com:443"),
    "another port": ("https://app.example.com:8888", "https://app.example.com:8888"),
    "a slash at the end": ("https://app.example.com", "https://app.example.com/"),
    "a dot at the end": ("https://app.example.com", "https://app.example.com."),
    "below a domain": ("https://*.example.com", "https://app.example.com"),
    "further below a domain": ("https://*.example.com", "https://a.b.example.com"),
}
NOT_COVERED = {
    "another scheme": ("https://app.example.com", "http://app.example.com"),
    "another port": ("https://app.example.com", "https://app.example.com:8443"),
    "another host": ("https://app.example.com", "https://evil.example"),
    "host as a prefix": ("https://app.example.com", "https://app.example.com.evil.example"),
    "host as a suffix": ("https://app.example.com", "https://evilapp.example.com"),
    "the domain itself": ("https://*.example.com", "https://example.com"),
    "domain as the end of a word": ("https://*.example.com", "https://evilexample.com"),
    "domain as a prefix": ("https://*.example.com", "https://a.example.com.evil.example"),
}
UNREADABLE = {
    "user before the host": "https://app.example.com@evil.example",
    "path": "https://evil.example/.example.com",
    "query": "https://evil.example?.example.com",
    "fragment": "https://evil.example#.example.com",
    "no scheme": "app.example.com",
    "null, as sandboxed pages send": "null",
    "nonsense port": "https://app.example.com:https",
    "empty": "",
    "a letter that becomes another in small": "https://app.example.\u212aom",
    "a host that browsers send in ASCII": "https://b\u00fccher.example",
    "white space inside": "https://app.example.com https://evil.example",
    "port 0": "https://app.example.com:0",
    "half an address": "https://[::1",
    "a megabyte of marks": "https://a" + "\u0301\u0323" * 500_000,
}


@pytest.mark.parametrize(("rule", "hook"), COVERED.values(), ids=COVERED)
def test_covered(rule, hook):
    assert Origin(rule).covers(*read(hook))


@pytest.mark.parametrize(("rule", "hook"), NOT_COVERED.values(), ids=NOT_COVERED)
def test_not_covered(rule, hook):
    assert not Origin(rule).covers(*read(hook))


@pytest.mark.parametrize("hook", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable(hook):
    assert read(hook) is None


@pytest.mark.parametrize(
    "rule",
    ["*", "https://*", "https://*.*.com", "https://a*.example.com", "https://x/*", "", "https://*.bücher.example"],
)
def test_no_origin(rule):
    with pytest.raises(ValueError, match="no origin"):
        Origin(rule)


INCLUDES = {
    ("https://*.example.com", "https://a.example.com"): True,
    ("https://*.example.com", "https://*.example.com"): True,
    ("https://*.example.com", "https://*.a.example.com"): True,
    ("https://*.a.example.com", "https://*.example.com"): False,
    ("https://a.example.com", "https://*.a.example.com"): False,
    ("https://a.example.com", "https://a.example.com:443"): True,
    ("https://a.example.com", "http://a.example.com"): False,
}


@pytest.mark.parametrize(("pair", "includes"), INCLUDES.items(), ids=map(" ".join, INCLUDES))
def test_includes(pair, includes):
    wide, narrow = pair
    assert Origin(wide).includes(Origin(narrow)) is includes
