"""``authgate hash``."""

import json

import pytest

from authgate.passwords.machine import Machine


@pytest.fixture
def machine(monkeypatch):
    """Makes this a machine on which a MiB and a pass take so many seconds."""

    def of(seconds):
        def measured(memory, passes, at_once):
            took = seconds * memory / 1024 * passes
            return took, at_once / took

        monkeypatch.setattr("authgate.passwords.calibrate.measured", measured)
        monkeypatch.setattr("authgate.passwords.machine.this_machine", lambda: Machine(2, 8 << 20))

    return of


@pytest.fixture
def two_workers(path):
    path.write_text(path.read_text().replace("[hashing]", "[hashing]\nworkers = 2"))


def test_what_to_put_into_the_configuration(authgate, machine, two_workers, path):
    before = path.read_text()
    machine(0.001)
    shown = authgate("hash", "calibrate").stdout
    assert "[hashing]\nmemory = 65536\ntime = 3\nparallelism = 1\n" in shown
    assert "allows 10 logins a second, 192 ms each" in shown
    assert "0.200 at most" in shown
    assert path.read_text() == before


def test_json(authgate, machine, two_workers):
    machine(0.001)
    found = json.loads(authgate("hash", "calibrate", "--json").stdout)
    assert found["hashing"] == {
        "memory": 65536,
        "time": 3,
        "parallelism": 1,
        "seconds": 0.192,
        "logins_per_second": 10.4,
    }
    assert (found["hashes_at_once"], found["most_seconds"], found["most_memory"]) == (2, 0.2, 1 << 20)
    assert [each["fits"] for each in found["measured"]] == [True, True, True, True, False]


def test_a_machine_that_is_too_slow_is_told(authgate, machine, two_workers):
    machine(0.1)
    assert "Not even the least fits" in authgate("hash", "calibrate", status=1).stdout
    assert json.loads(authgate("hash", "calibrate", "--json", status=1).stdout)["hashing"] is None


def test_more_logins_and_another_deadline_choose_another_cost(authgate, machine, two_workers):
    machine(0.001)
    many = json.loads(authgate("hash", "calibrate", "--json", "--logins", "20").stdout)["hashing"]
    patient = json.loads(authgate("hash", "calibrate", "--json", "--deadline", "10").stdout)["hashing"]
    assert (many["memory"], many["time"]) == (32768, 2)
    assert (patient["memory"], patient["time"]) == (262144, 3)


@pytest.mark.parametrize("wrong", [("--deadline", "0"), ("--deadline", "-1"), ("--logins", "-1"), ("--logins", "many")])
def test_usage(authgate, wrong):
    authgate("hash", "calibrate", *wrong, status=2)
