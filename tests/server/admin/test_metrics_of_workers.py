"""What several workers have counted is scraped as one, also when one of them was killed or all have another
configuration."""

import os
import signal

import httpx
import pytest

from authgate.metrics.table import METRICS, Form
from tests import process
from tests.server.admin.conftest import Administered, prepared
from tests.server.admin.test_metrics import connect, samples, send, total
from tests.server.running import children, until

WORKERS = 2
COUNTERS = {each.name for each in METRICS.values() if each.form is Form.COUNTER}
COUNTERS |= {each.name + end for each in METRICS.values() if each.buckets for end in ("_bucket", "_count", "_sum")}


class Pair(Administered):
    """A server of two workers."""

    def scraped(self, times=1):
        """What is scraped on a connection of its own, so that any worker may be the one who answers."""
        found = {}
        for _ in range(times):
            headers = {"authorization": f"Bearer {self.all}"}
            answer = httpx.get(f"{self.url}/metrics", headers=headers, trust_env=False, timeout=process.PATIENCE)
            assert answer.status_code == 200
            now = samples(answer.text)
            back = [name for name in found if name[0] in COUNTERS and now.get(name, 0.0) < found[name]]
            assert not back, "they went back"
            found = now
        return found

    def workers(self):
        return children(self.running.process.pid)

    def events(self, count):
        """Send so many events, each on a connection of its own."""
        for _ in range(count):
            assert send(self.running, "StreamStatusEvent", "s1", name="x", status="PLAYING") == 200


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    config = prepared(tmp_path_factory.mktemp("workers"))
    with process.serve(config, "--workers", str(WORKERS)) as running:
        found = Pair(running)
        until(lambda: found.scraped().get(("authgate_workers",)) == WORKERS)
        yield found
        found.close()


def events(found):
    return total(found, "authgate_hooks_total", method="StreamStatusEvent")


def test_every_scrape_says_what_all_workers_have_counted(pair):
    before = events(pair.scraped())
    pair.events(40)
    for _ in range(10):
        assert events(pair.scraped()) == before + 40
    assert len([name for name in pair.scraped() if name[0] == "process_open_fds"]) == WORKERS


def test_healthz_says_which_of_them_answers(pair):
    def told():
        worker = httpx.get(f"{pair.running.url}/healthz", trust_env=False).json()["worker"]
        return worker["place"], worker["of"], worker["process"]

    seen = set()
    until(lambda: seen.add(told()) or len(seen) == WORKERS)
    assert [(place, of) for place, of, _ in sorted(seen)] == [(0, WORKERS), (1, WORKERS)]
    assert {process for *_, process in seen} == {*pair.workers()}


def test_nothing_is_lost_when_a_worker_is_killed_and_the_next_one_goes_on_from_there(pair):
    pair.events(20)
    before = pair.scraped()
    for _ in range(2):
        victim = pair.workers()[0]
        os.kill(victim, signal.SIGKILL)
        until(lambda gone=victim: gone not in pair.workers() and len(pair.workers()) == WORKERS)
        until(lambda: _answers(pair))
        after = pair.scraped(5)
        back = {name for name in before if name[0] in COUNTERS and after.get(name, 0.0) < before[name]}
        assert not back
        assert events(after) == events(before)
    pair.events(20)
    assert events(pair.scraped()) == events(before) + 20
    until(lambda: pair.scraped().get(("authgate_workers",)) == WORKERS)


def _answers(pair):
    try:
        return send(pair.running, "unknownEvent", "s1") == 200 and pair.scraped()
    except httpx.TransportError:
        return False


def test_nothing_is_lost_when_another_configuration_is_taken_over_and_its_applications_have_names(pair):
    config = pair.running.config
    assert connect(pair.running, "a1", app="studio") == 200
    before = pair.scraped()
    assert not total(before, "authgate_hooks_total", app="studio")
    config.write_text(config.read_text() + "\n[apps.studio.policies]\ncall = 'allow'\n")
    pair.run("config", "reload")
    assert connect(pair.running, "a2", app="studio") == 200
    after = pair.scraped(5)
    assert total(after, "authgate_hooks_total", app="studio", method="connect") == 1
    assert not {name for name in before if name[0] in COUNTERS and after.get(name, 0.0) < before[name]}
    until(lambda: pair.scraped()[("authgate_configuration_generation",)] == 2)
