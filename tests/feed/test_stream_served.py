"""A stream that records are sent on to comes, changes and goes while the server runs, and outlives its end."""

import json
import os
import signal
import threading

import httpx
import pytest

from tests import process
from tests.feed.redises import fresh_key, own
from tests.feed.streamed import read
from tests.feed.test_killed import hooks
from tests.server.admin.test_metrics import samples
from tests.server.running import children, running
from tests.trouble import awaited, kept

SECRET = "c4nary-of-the-password"
SCRAPED = '[admin]\nlisten = "127.0.0.1:0"\ninsecure_metrics_without_key = true\n'


@pytest.fixture
def redis():
    with own(password=SECRET) as made:
        yield made


@pytest.fixture
def key():
    return fresh_key()


def section(redis, key):
    return f'[records.stream]\nurl = "{redis.url}"\nkey = "{key}"\n'


def entries(redis, key):
    with redis.client as client:
        return read(client, key)


def standing(server):
    return json.loads(server.run("record", "stream", "--json"))


def test_a_stream_is_taken_over_by_the_running_server(tmp_path, redis, key):
    with running(tmp_path / "run", "", 2) as server:

        def happened(count):
            for number in range(count):
                assert server.send("StreamStatusEvent", name=f"s{number}", status="PLAYING")[0] == 200

        happened(3)
        assert standing(server.server)["state"] == "not configured"
        assert not server.take_over(section(redis, key)).faults
        awaited(lambda: len(entries(redis, key)) == 3)
        happened(2)
        awaited(lambda: len(entries(redis, key)) == 5)
        assert not server.take_over(section(redis, key)).faults
        assert not server.take_over(section(redis, f"{key}:2")).faults
        awaited(lambda: len(entries(redis, f"{key}:2")) == 5)
        happened(1)
        awaited(lambda: len(entries(redis, f"{key}:2")) == 6)
        wrong = server.take_over(section(redis, key).replace("redis://", "c4nary://"))
        assert ["records.stream.url: must be redis://" in each for each in wrong.faults] == [True]
        assert not server.take_over("").faults
        happened(1)
        assert standing(server.server)["state"] == "not configured"
        assert not server.take_over(section(redis, key)).faults
        awaited(lambda: len(entries(redis, key)) == 7)
        assert len(entries(redis, f"{key}:2")) == 6
        awaited(lambda: standing(server.server)["waiting"] == 0)
        assert "***" in server.server.run("config", "show")
        assert SECRET not in server.server.run("config", "show") + server.server.run("record", "stream")
        told = kept(server.server.store_url)[0]
    assert [id_ for _, id_ in entries(redis, key)] == [record.id for record in reversed(told)]
    assert SECRET not in server.log.read_text()


def test_a_killed_server_leaves_no_record_behind_and_none_is_there_twice(tmp_path, redis, key):
    config = process.prepare(tmp_path / "run", SCRAPED + section(redis, key), ann="correct horse")
    with process.serve(config, "--workers", "2") as server:
        sending = threading.Thread(target=hooks, args=(server, 400, "first"))
        sending.start()
        awaited(lambda: len(entries(redis, key)) > 50)
        for pid in [server.process.pid, *children(server.process.pid)]:
            os.kill(pid, signal.SIGKILL)
        sending.join()
        server.process.wait()
    with process.serve(config, "--workers", "2") as server:
        assert hooks(server, 50, "second") == 50
        records = kept(server.store_url)[0]
        awaited(lambda: len(entries(redis, key)) >= len(records))
        awaited(lambda: standing(server)["state"] == "good")
    told = entries(redis, key)
    assert sorted(id_ for _, id_ in told) == sorted(record.id for record in records)
    assert [seq for seq, _ in told] == sorted({seq for seq, _ in told})


def test_what_it_comes_to_is_scraped_and_hooks_do_not_wait_for_it(tmp_path, redis, key):
    config = process.prepare(tmp_path / "run", SCRAPED + section(redis, key), ann="correct horse")
    with process.serve(config, "--workers", "1") as server:

        def scraped():
            found = samples(httpx.get(f"{server.admin}/metrics", trust_env=False).text)
            names = ("authgate_record_stream_behind_records", "authgate_record_stream_up")
            return tuple(found.get((name,)) for name in names)

        awaited(lambda: scraped() == (0, 1))
        redis.pause()
        try:
            assert hooks(server, 20, "while it does not move") == 20
            awaited(lambda: scraped() == (20, 0))
            assert httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 200
            assert "did not answer within" in standing(server)["error"]
        finally:
            redis.go_on()
        awaited(lambda: scraped() == (0, 1))
    lines = [json.loads(line) for line in config.with_name("serve.log").read_text().splitlines()]
    told = [line["message"] for line in lines if "record stream" in line.get("message", "")]
    assert len(told) == 2
    assert ["did not answer within" in told[0], "it goes on" in told[1]] == [True, True]
