"""Sections [[wcs]]: which node is whose, and what is wrong with them is said before the start."""

import pytest

from authgate.config import load, shown
from authgate.errors import ConfigError
from authgate.wcs import WcsNodes, WcsOptions
from tests.targets.test_tls import certificate

URL = "http://127.0.0.1:8081/rest-api"

COVERED = {
    "itself": ("n1", "n1", True),
    "another": ("n1", "n2", False),
    "letter case": ("n1", "N1", False),
    "what is longer": ("n1", "n11", False),
    "any": ("*", "n1", True),
    "any, and none": ("*", "", True),
    "the end": ("*@192.0.2.10", "abc@192.0.2.10", True),
    "another end": ("*@192.0.2.10", "abc@192.0.2.100", False),
    "the beginning": ("eu-*", "eu-1", True),
    "another beginning": ("eu-*", "us-1", False),
    "both ends": ("eu-*-1", "eu-x-1", True),
    "ends that would share a letter": ("ab*ba", "aba", False),
    "the middle": ("*x*", "axb", True),
    "no middle": ("*x*", "ab", False),
    "several middles": ("a*b*c*d", "a-b-c-d", True),
    "middles in another order": ("a*b*c*d", "a-c-b-d", False),
    "no regular expression": ("n.", "n1", False),
    "many stars": ("*a" * 50 + "*", "a" * 49, False),
    "a question mark is itself": ("n?", "n1", False),
}


@pytest.mark.parametrize(("pattern", "node", "covered"), COVERED.values(), ids=COVERED)
def test_node_is_covered(pattern, node, covered):
    assert WcsOptions(pattern, URL).covers(node) == covered


async def test_the_first_section_that_covers_a_node_is_its_own():
    nodes = WcsNodes([WcsOptions("n1", f"{URL}1"), WcsOptions("n*", f"{URL}2")])
    found = [nodes.of(each) for each in ("n1", "n2", "m")]
    assert [each and each.options.url for each in found] == [f"{URL}1", f"{URL}2", None]
    await nodes.close()


def section(node="n", url=URL, more=""):
    return f"[[wcs]]\nnode = '{node}'\nurl = '{url}'\n{more}\n"


URL_FAULT = "wcs[0].url: must be an address such as 'http://192.0.2.10:8081/rest-api'"
FAULTS = {
    "nothing": ("[[wcs]]", ["wcs[0].node: is missing; it has no default", "wcs[0].url: is missing; it has no default"]),
    "no node": (section(node=" "), ["wcs[0].node: is empty; write the nodeId that the node's hooks have, or '*'"]),
    "no address": (section(url="wcs"), [URL_FAULT]),
    "another scheme": (section(url="ftp://192.0.2.10/"), [URL_FAULT]),
    "a port that is none": (section(url="http://192.0.2.10:99999/rest-api"), [URL_FAULT]),
    "a password in the address": (
        section(url="http://ann:s3cret@192.0.2.10:8081/rest-api"),
        ["wcs[0].url: holds a user, a password or another @; put them into username and password"],
    ),
    "a query": (
        section(url=f"{URL}?token=s3cret"),
        ["wcs[0].url: must end with its path, such as /rest-api; it has a query or a fragment"],
    ),
    "a name without a password": (
        section(more="username = 'ann'"),
        ["wcs[0].username: is given without password; give both, or none"],
    ),
    "a password without a name": (
        section(more="password = 's3cret'"),
        ["wcs[0].password: is given without username; give both, or none"],
    ),
    "a name with a colon": (
        section(more="username = 'a:b'\npassword = 's3cret'"),
        ["wcs[0].username: is empty, or has a colon, which no username can have"],
    ),
    "an empty password": (
        section(more="username = 'a'\npassword = ''"),
        ['wcs[0].password: must be text, { file = "PATH" } or { env = "NAME" }'],
    ),
    "a file that is not there": (
        section(more="username = 'a'\npassword = { env = 'NOT_SET' }"),
        ["wcs[0].password: the variable NOT_SET is not set, or is empty"],
    ),
    "no time": (section(more="timeout = 0"), ["wcs[0].timeout: must be more than 0"]),
    "no certificate": (
        section(more="ca_file = 'no.pem'"),
        ["wcs[0].ca_file: cannot be read: No such file or directory"],
    ),
    "another option": (section(more="user = 'a'"), ["wcs[0].user: no such option; did you mean 'username'?"]),
    "the same node twice": (
        section() + section(url=f"{URL}2"),
        [
            "wcs[1].node: is covered by the section of 'n' before it, so nobody would ask this one; "
            "put it first, or remove one"
        ],
    ),
    "a node behind a pattern": (
        section("*") + section("n1"),
        [
            "wcs[1].node: is covered by the section of '*' before it, so nobody would ask this one; "
            "put it first, or remove one"
        ],
    ),
}


@pytest.mark.parametrize(("text", "faults"), FAULTS.values(), ids=FAULTS)
def test_faults(tmp_path, text, faults):
    (tmp_path / "authgate.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "authgate.toml", {})
    assert list(caught.value.faults) == faults
    assert "s3cret" not in str(caught.value)


def test_a_certificate_and_none(tmp_path):
    certificate(tmp_path / "ca.pem", "127.0.0.1")
    text = section(more="ca_file = 'ca.pem'\ninsecure_skip_tls_verification = true")
    (tmp_path / "authgate.toml").write_text(text)
    with pytest.raises(ConfigError, match="remove one"):
        load(tmp_path / "authgate.toml", {})


def test_the_password_comes_from_a_file_or_a_variable_and_is_not_shown(tmp_path):
    (tmp_path / "secret").write_text("s3cret-1\n")
    text = section("a", more="username = 'ann'\npassword = { file = 'secret' }")
    text += section("b", more="username = 'bob'")
    (tmp_path / "authgate.toml").write_text(text)
    config = load(tmp_path / "authgate.toml", {"AUTHGATE_WCS__1__PASSWORD": "s3cret-2"})
    assert [each.password and each.password.reveal() for each in config.wcs] == ["s3cret-1", "s3cret-2"]
    assert "s3cret" not in f"{config!r} {shown(config)}"


WEAK = {
    "here": (section(), []),
    "in clear": (section(url="http://192.0.2.10:8081/rest-api"), ["wcs[0].url is reached without TLS: what is asked"]),
    "a password in clear": (
        section(url="http://wcs.example.com:8081/rest-api", more="username = 'a'\npassword = 's3cret'"),
        ["wcs[0].url is reached without TLS: its password crosses the network in clear"],
    ),
    "whoever answers": (
        section(url="https://192.0.2.10:8444/rest-api", more="insecure_skip_tls_verification = true"),
        ["wcs[0].insecure_skip_tls_verification is on"],
    ),
}


@pytest.mark.parametrize(("text", "told"), WEAK.values(), ids=WEAK)
def test_what_is_weak_is_told(tmp_path, text, told):
    path = tmp_path / "authgate.toml"
    path.write_text("[[verifiers]]\ntype = 'password'\n" + text)
    path.chmod(0o600)
    warnings = load(path, {}).warnings()
    assert len(warnings) == len(told)
    assert all(warning.startswith(start) for warning, start in zip(warnings, told, strict=True))
