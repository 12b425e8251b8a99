"""Section ``[guessing]``."""

import pytest

from authgate.config import load
from authgate.config.show import shown
from authgate.errors import ConfigError
from authgate.guessing import GuessingOptions

PASSWORD = '[[verifiers]]\ntype = "password"\n'


def read(tmp_path, text, more=""):
    path = tmp_path / "authgate.toml"
    path.write_text(f"{more}[guessing]\n{text}\n{PASSWORD}")
    path.chmod(0o600)
    return load(path, {})


STORAGES = {
    "the store": ("store", "store"),
    "memory": ("memory", "memory"),
    "Redis": ("redis://127.0.0.1/0", "redis://127.0.0.1/0"),
    "with a port": ("redis://redis.example.com:6380/3", "redis://redis.example.com:6380/3"),
    "with a password": ("redis://:c4nary@127.0.0.1:6379/0", "redis://:***@127.0.0.1:6379/0"),
    "with a user": ("rediss://authgate:c4nary@redis.example.com/0", "rediss://authgate:***@redis.example.com/0"),
    "IPv6": ("redis://[::1]:6379", "redis://[::1]:6379"),
    "a socket": ("redis+unix:///run/redis.sock?db=2", "redis+unix:///run/redis.sock?db=2"),
}


@pytest.mark.parametrize(("storage", "told"), STORAGES.values(), ids=STORAGES)
def test_storage(tmp_path, storage, told):
    config = read(tmp_path, f'storage = "{storage}"')
    assert config.guessing.storage.reveal() == storage
    assert shown(config)["guessing"]["storage"] == told
    assert "c4nary" not in repr(config)


FAULTS = {
    "another storage": ('storage = "sqlite:///c4nary.db"', 'guessing.storage: must be "store", "memory" or redis://'),
    "no host": ('storage = "redis://"', "guessing.storage: must be"),
    "a password with an @": ('storage = "redis://:c4n@ry@host"', "guessing.storage: must be"),
    "a port that is none": ('storage = "redis://host:c4nary/0"', "guessing.storage: must be"),
    "a database that is no number": ('storage = "redis://host/c4nary"', "guessing.storage: names a database"),
    "an option that is not known": ('storage = "redis://host/0?c4nary=1"', "guessing.storage: has an option"),
    "an empty one": ('storage = ""', "guessing.storage: must be text"),
    "a lock that ends before the window": ("lock = 60", "guessing.lock: must be window (300 seconds) or more"),
    "a longest lock that is shorter": ("lock = 600\nmax_lock = 400", "guessing.max_lock: must be lock (600 seconds)"),
    "a negative limit": ("per_user = -1", "guessing.per_user: must be at least 0"),
    "no window": ("window = 0", "guessing.window: must be at least 10"),
    "a proxy that is no address": ('shared_addresses = ["proxy"]', "guessing.shared_addresses[0]: "),
    "an answer that is too late": ("answer_after = 9", "guessing.answer_after: must be at most 5"),
    "another option": ("per_users = 3", "no such option; did you mean 'per_user'?"),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_faults(tmp_path, text, fault):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert fault in str(caught.value)
    assert "c4n" not in str(caught.value)


def test_memory_is_for_one_worker_alone(tmp_path):
    read(tmp_path, 'storage = "memory"', "[server]\nworkers = 1\n")
    with pytest.raises(ConfigError, match=r'guessing\.storage: cannot be "memory"'):
        read(tmp_path, 'storage = "memory"', "[server]\nworkers = 2\n")


WEAK = {
    "the defaults": ("", []),
    "no limit of a user": ("per_user = 0", ["guessing.per_user is 0, no limit"]),
    "a high limit": ("per_user_and_address = 500", ["guessing.per_user_and_address is 500"]),
    "no limit of an address": ("per_address = 0", ["guessing.per_address is 0, no limit"]),
    "no limit of a day": ("per_user_a_day = 0", ["guessing.per_user_a_day is 0, no limit"]),
    "Redis over the network": ('storage = "redis://redis.example.com"', ["guessing.storage is reached without TLS"]),
    "Redis over TLS": ('storage = "rediss://redis.example.com"', []),
    "Redis on this machine": ('storage = "redis://localhost"', []),
}


@pytest.mark.parametrize(("text", "told"), WEAK.values(), ids=WEAK)
def test_what_is_weak_is_told(tmp_path, text, told):
    found = [line for line in read(tmp_path, text).warnings() if line.startswith("guessing")]
    assert len(found) == len(told)
    assert all(line.startswith(start) for line, start in zip(found, told, strict=True))


def test_the_defaults_stand_in_one_place():
    assert GuessingOptions().storage_shown == "store"
