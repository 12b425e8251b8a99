"""Section ``[records.stream]``."""

import json

import pytest

from authgate.config import load
from authgate.config.show import shown
from authgate.errors import ConfigError
from authgate.feed import StreamOptions
from authgate.feed.redis import RedisStream
from authgate.model import Secret

PASSWORD = '[[verifiers]]\ntype = "password"\n'


def read(tmp_path, text, environ=None):
    path = tmp_path / "authgate.toml"
    path.write_text(f"[records.stream]\n{text}\n{PASSWORD}")
    path.chmod(0o600)
    return load(path, environ or {})


GOOD = {
    "on this machine": ("redis://127.0.0.1/0", "redis://127.0.0.1/0"),
    "with a password": ("redis://:c4nary@127.0.0.1:6379/0", "redis://:***@127.0.0.1:6379/0"),
    "with a user": ("rediss://authgate:c4nary@redis.example.com/0", "rediss://authgate:***@redis.example.com/0"),
    "with an @ and a slash in the password": ("redis://:c4n%40%2Fry@host/0", "redis://:***@host/0"),
    "IPv6": ("redis://[::1]:6379", "redis://[::1]:6379"),
    "a socket": ("redis+unix:///run/redis.sock?db=2", "redis+unix:///run/redis.sock?db=2"),
    "a socket with a password": ("redis+unix://:c4nary@/run/redis.sock", "redis+unix://:***@/run/redis.sock"),
    "with authorities of its own": (
        "rediss://:c4nary@redis.example.com:6380/0?ssl_ca_certs=/etc/ssl/redis.pem",
        "rediss://:***@redis.example.com:6380/0?ssl_ca_certs=/etc/ssl/redis.pem",
    ),
    "with a blank at its end": ("redis://:c4nary@host/0 ", "redis://:***@host/0"),
}


@pytest.mark.parametrize(("url", "_"), GOOD.values(), ids=GOOD)
async def test_the_client_takes_an_address_that_is_good(url, _):
    stream = RedisStream(StreamOptions(Secret(url)))
    assert stream._client.connection_pool.make_connection() is not None
    await stream.close()


@pytest.mark.parametrize(("url", "told"), GOOD.values(), ids=GOOD)
def test_an_address(tmp_path, url, told):
    config = read(tmp_path, f'url = "{url}"')
    assert config.records.stream.address == url.strip()
    assert config.records.stream.shown == told
    assert shown(config)["records"]["stream"] == {"url": told, "key": "authgate:records", "max_entries": 0}
    assert "c4n" not in repr(config) + json.dumps(shown(config)) + str(config.warnings())


FAULTS = {
    "another scheme": ('url = "http://:c4nary@host"', "records.stream.url: must be redis://"),
    "no host": ('url = "redis://"', "records.stream.url: must be redis://"),
    "a password with an @": ('url = "redis://:c4n@ry@host"', "records.stream.url: must be redis://"),
    "a port that is none": ('url = "redis://host:c4nary/0"', "records.stream.url: must be redis://"),
    "a database that is no number": ('url = "redis://host/c4nary"', "records.stream.url: names a database"),
    "a database of a socket that is no number": ('url = "redis+unix:///x?db=c4nary"', "records.stream.url: names a"),
    "two databases, one of them none": ('url = "redis://h/0?db=c4nary"', "records.stream.url: names a database"),
    "authorities without TLS": (
        'url = "redis://:c4nary@h/0?ssl_ca_certs=/ca.pem"',
        "records.stream.url: has ssl_ca_certs, which goes with rediss:// alone",
    ),
    "a line break": ('url = "redis://:c4n\\nary@host"', "records.stream.url: must be redis://"),
    "an option that is not known": ('url = "redis://host/0?c4nary=1"', "records.stream.url: has an option"),
    "a password as an option": ('url = "redis+unix:///x?password=c4nary"', "records.stream.url: has an option"),
    "a storage of guesses": ('url = "store"', "records.stream.url: must be redis://"),
    "an empty address": ('url = ""', "records.stream.url: must be text"),
    "a number": ("url = 6379", "records.stream.url: must be text"),
    "a file that is not there": ('url = { file = "nowhere" }', "records.stream.url: the file"),
    "a variable that is not there": ('url = { env = "C4NARY" }', "records.stream.url: the variable"),
    "no address": ('key = "x"', "records.stream.url: is missing, and nothing would be sent"),
    "no address, but a limit": ("max_entries = 5", "records.stream.url: is missing, and nothing would be sent"),
    "an empty key": ('url = "redis://h"\nkey = ""', "records.stream.key: is 1 to 128 printable characters"),
    "a key with a blank": ('url = "redis://h"\nkey = "a b"', "records.stream.key: is 1 to 128"),
    "a key with a line break": ('url = "redis://h"\nkey = "a\\nb"', "records.stream.key: is 1 to 128"),
    "a key that is not ASCII": ('url = "redis://h"\nkey = "käse"', "records.stream.key: is 1 to 128"),
    "a key without end": (f'url = "redis://h"\nkey = "{"x" * 129}"', "records.stream.key: is 1 to 128"),
    "a key that is a number": ('url = "redis://h"\nkey = 7', "records.stream.key: must be text"),
    "a negative limit": ('url = "redis://h"\nmax_entries = -1', "records.stream.max_entries: must be at least 0"),
    "a limit with a fraction": ('url = "redis://h"\nmax_entries = 1.5', "records.stream.max_entries: must be a whole"),
    "a limit as text": ('url = "redis://h"\nmax_entries = "5"', "records.stream.max_entries: must be a whole"),
    "another option": ('url = "redis://h"\nmaxlen = 5', "records.stream.maxlen: no such option"),
    "a misspelt option": ('url = "redis://h"\nkeys = "x"', "records.stream.keys: no such option; did you mean 'key'?"),
    "two streams": ('url = ["redis://h", "redis://i"]', "records.stream.url: must be text"),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_faults(tmp_path, text, fault):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert [each for each in caught.value.faults if not each.startswith(fault)] == []
    assert "c4n" not in str(caught.value)


def test_a_stream_that_is_no_table(tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_text(f'{PASSWORD}[records]\nstream = "redis://:c4nary@h"')
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert caught.value.faults == ("records.stream: must be a table",)


@pytest.mark.parametrize("how", ["a file", "a variable", "a variable of authgate"])
def test_the_address_may_stand_elsewhere(tmp_path, how):
    (tmp_path / "redis").write_text("redis://:c4nary@127.0.0.1\n")
    text = {"a file": 'url = { file = "redis" }', "a variable": 'url = { env = "MINE" }'}.get(how, "")
    name = {"a variable": "MINE"}.get(how, "AUTHGATE_RECORDS__STREAM__URL")
    config = read(tmp_path, text, {} if how == "a file" else {name: "redis://:c4nary@127.0.0.1"})
    assert config.records.stream.address == "redis://:c4nary@127.0.0.1"


WEAK = {
    "none": ("", 0),
    "over the network": ('url = "redis://:c4nary@redis.example.com"', 1),
    "over TLS": ('url = "rediss://redis.example.com"', 0),
    "on this machine": ('url = "redis://localhost"', 0),
    "on this machine by address": ('url = "redis://[::1]:6379"', 0),
    "by a socket": ('url = "redis+unix:///run/redis.sock"', 0),
}


@pytest.mark.parametrize(("text", "count"), WEAK.values(), ids=WEAK)
def test_what_is_weak_is_told(tmp_path, text, count):
    found = [line for line in read(tmp_path, text).warnings() if line.startswith("records.stream.url is reached")]
    assert len(found) == count
    assert "c4n" not in str(found)


def test_another_password_is_another_configuration(tmp_path):
    one = read(tmp_path, 'url = "redis://:one@h"').revision
    assert read(tmp_path, 'url = "redis://:two@h"').revision != one
