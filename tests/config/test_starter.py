"""The starter configuration: fresh secrets, readable by their owner alone, and never over an older one."""

import os
import resource
import stat
import tomllib
from contextlib import contextmanager

import pytest

from authgate.config import load, starter
from authgate.errors import ConfigError, Refused


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _careless_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def test_it_can_be_used_without_a_warning(tmp_path):
    config = load(starter.write(tmp_path / "a", force=False), {})
    assert [each.type for each in config.verifiers] == ["token", "password"]
    assert len(config.verifiers[0].key.reveal()) == 64
    assert config.store.url.reveal() == f"sqlite:///{tmp_path}/a/authgate.db"
    assert config.store.spool == tmp_path / "a" / "spool"
    assert config.warnings() == ()


def test_it_has_no_section_for_the_caller_yet():
    text = starter.text()
    assert "caller" not in tomllib.loads(text)
    assert tomllib.loads(text + '\n[caller]\naddresses = ["192.0.2.1"]')["caller"]


def test_the_section_for_the_caller_can_be_uncommented(tmp_path):
    path = starter.write(tmp_path, force=False)
    text = path.read_text()
    path.write_text(text.replace("# [caller]", "[caller]").replace("# hmac_keys", "hmac_keys"))
    [key] = load(path, {}).caller.hmac_keys
    assert f"rest_hook_secret_key={key.reveal()}\n" in text


def test_the_verifier_of_what_is_issued_can_be_uncommented(tmp_path):
    path = starter.write(tmp_path, force=False)
    text = path.read_text().replace('type = "token"\n', 'type = "token"\nissuer = "webapp"\n')
    at = text.index('# [[verifiers]]\n# type = "issued"')
    path.write_text(text[:at] + text[at:].replace("# ", "", 3))
    assert [each.type for each in load(path, {}).verifiers] == ["token", "password", "issued"]


def test_secrets_are_fresh():
    found = [word for text in (starter.text(), starter.text()) for word in text.split('"') if len(word) == 64]
    assert len(found) == len(set(found)) == 6


def test_file_and_folder_are_private(tmp_path):
    path = starter.write(tmp_path / "a", force=False)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_a_folder_that_is_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    path = starter.write(tmp_path, force=False)
    assert (mode(path), mode(tmp_path)) == (0o600, 0o755)


def test_nothing_is_overwritten(tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_text("precious")
    with pytest.raises(Refused, match="is there already; --force replaces it"):
        starter.write(tmp_path, force=False)
    assert path.read_text() == "precious"


def test_force_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "authgate.toml"
    path.write_text("old")
    path.chmod(0o644)
    assert starter.write(tmp_path, force=True) == path
    assert mode(path) == 0o600
    assert "verifiers" in path.read_text()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("force", [False, True])
def test_a_planted_link_is_not_followed(tmp_path, force):
    elsewhere = tmp_path / "elsewhere"
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "authgate.toml").symlink_to(elsewhere)
    if force:
        starter.write(folder, force=True)
        assert not (folder / "authgate.toml").is_symlink()
    else:
        with pytest.raises(Refused):
            starter.write(folder, force=False)
    assert not elsewhere.exists()


@contextmanager
def full_disk():
    """No file can grow, those of the test runner included: so for as little as possible."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("force", [False, True])
def test_a_full_disk_leaves_no_empty_file_behind(tmp_path, force):
    with pytest.raises(ConfigError, match="cannot be written: File too large"), full_disk():
        starter.write(tmp_path, force=force)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_spares_what_was_to_be_replaced(tmp_path):
    (tmp_path / "authgate.toml").touch()
    with pytest.raises(ConfigError), full_disk():
        starter.write(tmp_path, force=True)
    assert [each.name for each in tmp_path.iterdir()] == ["authgate.toml"]


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(Refused, match="is not a folder"):
        starter.write(tmp_path / "a", force=False)


@pytest.mark.parametrize("force", [False, True])
def test_a_place_that_cannot_be_written_to(tmp_path, force):
    (tmp_path / "a").write_text("")
    with pytest.raises(ConfigError, match="cannot be written: Not a directory"):
        starter.write(tmp_path / "a" / "b", force=force)
