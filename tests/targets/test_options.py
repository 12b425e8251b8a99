"""What a section [targets.NAME] may say, and what stops the start."""

from dataclasses import fields
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from authgate.hooks.caller import BasicLogin
from authgate.model import Secret
from authgate.targets import HttpTargets, TargetOptions

READ = TypeAdapter(TargetOptions).validate_python
URL = "http://192.0.2.20:8081/hooks"

ADDRESSES = {
    "as it is": (URL, URL),
    "with slashes at its end": (f"{URL}//", URL),
    "with white space": (f" {URL}\n", URL),
    "only a host": ("https://backend.example.com/", "https://backend.example.com"),
    "IPv6": ("http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80/x"),
    "a host with an underscore": ("http://back_end:8080/x", "http://back_end:8080/x"),
    "in capitals": ("HTTP://LOCALHOST/X", "HTTP://LOCALHOST/X"),
    "with escapes": ("http://h/a%20b/~c", "http://h/a%20b/~c"),
    "a host of another script": ("http://xn--e1aybc.example/x", "http://xn--e1aybc.example/x"),
}


@pytest.mark.parametrize(("given", "url"), ADDRESSES.values(), ids=ADDRESSES)
def test_an_address(given: str, url: str, tmp_path: Path):
    options = TargetOptions(given)
    assert options.url == url
    HttpTargets({"a": options}, tmp_path, lambda hook: hook.body)


NO_ADDRESS = "url: must be an address such as 'http://192.0.2.20:8081/hooks'"
LOGIN = "url: holds a user, a password or another @; put what it is to log in with in the option basic"
QUERY = "url: must end with its path, behind which the method is put; it has a query or a fragment"
BAD_ADDRESSES = {
    "nothing": ("", NO_ADDRESS),
    "only a scheme": ("http://", NO_ADDRESS),
    "no scheme": ("backend.example.com/hooks", NO_ADDRESS),
    "a path": ("/hooks", NO_ADDRESS),
    "a file": ("file:///etc/passwd", NO_ADDRESS),
    "another scheme": ("ftp://h/s3cret", NO_ADDRESS),
    "a web socket": ("ws://h/s3cret", NO_ADDRESS),
    "a port that is none": ("http://h:99999/s3cret", NO_ADDRESS),
    "a port in words": ("http://h:s3cret/", NO_ADDRESS),
    "a space in it": ("http://h/s3c ret", NO_ADDRESS),
    "a line end in it": ("http://h/s3cret\nX: y", NO_ADDRESS),
    "a NUL in it": ("http://h/s3cret\0", NO_ADDRESS),
    "a backslash": ("http:\\\\h\\s3cret", NO_ADDRESS),
    "half an IPv6 address": ("http://[::1/s3cret", NO_ADDRESS),
    "a label that is too long": (f"http://{'a' * 64}.example/", NO_ADDRESS),
    "a label that is empty": ("http://a..example/", NO_ADDRESS),
    "another script": ("http://тест.example/", NO_ADDRESS),
    "a user": ("http://user@h/hooks", LOGIN),
    "a user and a password": ("http://user:s3cret@h/hooks", LOGIN),
    "an @ in its path": ("http://h/@s3cret", LOGIN),
    "a query": ("http://h/hooks?token=s3cret", QUERY),
    "an empty query": ("http://h/hooks?", QUERY),
    "a fragment": ("http://h/hooks#s3cret", QUERY),
}


@pytest.mark.parametrize(("url", "fault"), BAD_ADDRESSES.values(), ids=BAD_ADDRESSES)
def test_no_address(url: str, fault: str):
    with pytest.raises(ValueError, match=r"^url: ") as caught:
        TargetOptions(url)
    assert str(caught.value) == fault


TLS_BOTH = "ca_file: is given, and insecure_skip_tls_verification says not to use it; remove one"
ONE_HEADER = "basic: is given beside hmac_key, and both would be sent in the one header there is; remove one"
BAD = {
    "a blank key": ({"hmac_key": Secret(" \t")}, ["hmac_key: is blank; anybody could sign with it"]),
    "no username": ({"basic": BasicLogin("", Secret("p"))}, ["basic: the username or the password is empty"]),
    "no password": ({"basic": BasicLogin("u", Secret(""))}, ["basic: the username or the password is empty"]),
    "a colon": ({"basic": BasicLogin("u:x", Secret("p"))}, ["basic: a username cannot hold a colon"]),
    "two in one header": ({"hmac_key": Secret("k"), "basic": BasicLogin("u", Secret("p"))}, [ONE_HEADER]),
    "a method of no hook": (
        {"observe": ("publishstream", "x", "connect")},
        [
            "observe: there is no method 'publishstream'; did you mean 'publishStream'?",
            "observe: there is no method 'x'",
        ],
    ),
    "no certificates": ({"ca_file": Path("/nowhere")}, ["ca_file: cannot be read: No such file or directory"]),
    "a folder of certificates": ({"ca_file": Path("/")}, ["ca_file: cannot be read: Is a directory"]),
    "certificates that are none": ({"ca_file": Path(__file__)}, ["ca_file: holds no certificate in PEM"]),
    "certificates for nothing": (
        {"ca_file": Path(__file__), "insecure_skip_tls_verification": True},
        [TLS_BOTH, "ca_file: holds no certificate in PEM"],
    ),
}


@pytest.mark.parametrize(("options", "faults"), BAD.values(), ids=BAD)
def test_faults(options, faults):
    with pytest.raises(ValueError, match=": ") as caught:
        TargetOptions(URL, **options)
    assert str(caught.value).splitlines() == faults


def test_all_faults_at_once():
    with pytest.raises(ValueError, match=": ") as caught:
        TargetOptions("x", hmac_key=Secret(" "), observe=("x",), ca_file=Path("/nowhere"))
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "url",
        "hmac_key",
        "ca_file",
        "observe",
    ]


OUT_OF_BOUNDS = {
    "timeout": (0, -1, 15.1, float("nan"), float("inf")),
    "connections": (0, 1001),
    "retries": (-1, 6),
    "max_answer": (0, 1023, 1 << 31),
    "trip_after": (0,),
    "retry_after": (0, float("nan"), 3601),
    "queue_max_bytes": (-1,),
}


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, values in OUT_OF_BOUNDS.items() for value in values]
)
def test_out_of_bounds(option, value):
    with pytest.raises(ValidationError, match=option):
        READ({"url": URL, option: value})


def test_the_defaults_trust_nobody():
    options = READ({"url": URL})
    assert options == TargetOptions(URL)
    weak = ("insecure_fail_open", "send_credentials", "insecure_skip_tls_verification")
    assert [getattr(options, name) for name in weak] == [False] * 3
    assert {each.name for each in fields(options) if each.name.startswith("insecure")} <= {*weak}
    assert (options.observe, options.observe_apps, options.ca_file) == ((), (), None)


def test_a_login_in_one_text():
    assert READ({"url": URL, "basic": "u:p:w"}).basic == BasicLogin("u", Secret("p:w"))
    for text in ("s3cret", "u:", ":s3cret", ""):
        with pytest.raises(ValidationError) as caught:
            READ({"url": URL, "basic": text})
        assert 'must be "user:password"' in str(caught.value)


def test_nothing_secret_shows():
    options = TargetOptions(URL, basic=BasicLogin("u", Secret("s3cret")))
    assert "s3cret" not in f"{options!r}{options}"
    assert "s3cret" not in repr(TargetOptions(URL, hmac_key=Secret("s3cret")))


IN_CLEAR = {
    "http://192.0.2.20/x": True,
    "http://backend.example.com": True,
    "http://[2001:db8::1]/": True,
    "https://192.0.2.20/x": False,
    "HTTPS://192.0.2.20/x": False,
    "http://127.0.0.1:1": False,
    "http://127.1.2.3": False,
    "http://[::1]/x": False,
    "http://localhost/x": False,
    "http://LocalHost/x": False,
    "http://localhost.example.com/x": True,
}


@pytest.mark.parametrize(("url", "in_clear"), IN_CLEAR.items())
def test_whether_hooks_cross_a_network_in_clear(url, in_clear):
    assert TargetOptions(url).in_clear == in_clear
