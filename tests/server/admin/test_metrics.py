"""What Prometheus scrapes, from a real server."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from authgate.feed.webhook import new_secret
from authgate.metrics.table import METRICS
from tests import here, process
from tests.server.admin.conftest import PASSWORD, Administered, prepared
from tests.trouble import awaited


def samples(text):
    """Each number that was scraped, by name and labels; the parser raises at what is no metric."""
    families = list(text_string_to_metric_families(text))
    assert len({each.name for each in families}) == len(families)
    return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}


def scraped(http):
    answer = http.get("/metrics")
    assert answer.status_code == 200, answer.text
    return samples(answer.text)


def total(found, name, **labels):
    """What all series of this name with these labels come to."""
    return sum(value for (each, *has), value in found.items() if each == name and {*labels.items()} <= {*has})


def send(running, method, session, **fields):
    body = {"nodeId": "n1", "appKey": "defaultApp", "sessionId": session, **fields}
    return httpx.post(f"{running.hooks}/{method}", json=body, trust_env=False, timeout=process.PATIENCE).status_code


def connect(running, session, password=PASSWORD, app="defaultApp"):
    return send(running, "connect", session, appKey=app, custom={"login": "ann", "password": password})


def test_what_was_decided_is_counted_by_hook_application_and_reason(served: Administered):
    before = scraped(served.http)
    assert connect(served.running, "m1") == 200
    assert connect(served.running, "m2", "wrong") == 403
    assert connect(served.running, "m3", app="of-a-stranger") == 200
    assert send(served.running, "playStream", "m1", name="x") == 200
    after = scraped(served.http)

    def more(**labels):
        return total(after, "authgate_hooks_total", **labels) - total(before, "authgate_hooks_total", **labels)

    assert more(method="connect", app="defaultApp", reason="ok") == 1
    assert more(method="connect", app="defaultApp", reason="password_wrong") == 1
    assert more(method="connect", app="other", reason="ok") == 1
    assert more(method="playStream") == 1
    timed = "authgate_hook_duration_seconds_count"
    assert after[timed, ("kind", "connect")] - before[timed, ("kind", "connect")] == 3
    hashed = "authgate_password_hash_seconds_count"
    assert total(after, hashed, algorithm="argon2") > total(before, hashed, algorithm="argon2")
    wrong = ("authgate_passwords_wrong_total",)
    assert after[wrong] - before[wrong] == 1


def test_live_sessions_and_streams_are_counted_from_the_store(served: Administered):
    assert connect(served.running, "live1") == 200
    stream = {"name": "s", "mediaSessionId": "media1", "published": True, "status": "PUBLISHING"}
    assert send(served.running, "publishStream", "live1", **stream) == 200
    assert send(served.running, "StreamStatusEvent", "live1", **stream) == 200
    awaited(lambda: total(scraped(served.http), "authgate_sessions", app="defaultApp", node="n1") >= 1)
    awaited(lambda: total(scraped(served.http), "authgate_streams", app="defaultApp", role="published") >= 1)
    assert scraped(served.http)["authgate_live_known",] == 1


def test_it_shows_how_the_process_stands(served: Administered):
    awaited(lambda: ("authgate_workers",) in scraped(served.http))
    found = scraped(served.http)
    assert found["authgate_workers",] == 1
    assert found["process_resident_memory_bytes", ("worker", "0")] > 1_000_000
    assert found["authgate_store_up", ("operation", "read")] == 1
    assert 0 <= found["authgate_store_connections", ("state", "taken")] <= 5
    assert found["authgate_store_connections", ("state", "most")] == 5
    assert found["authgate_configuration_generation",] == 1
    assert total(found, "authgate_build_info") == 1


def test_healthz_says_which_worker_answers_and_how_it_stands_with_the_store(served: Administered):
    told = httpx.get(f"{served.running.url}/healthz", trust_env=False).json()
    assert told["store"] == {"read": "answers", "write": "answers", "waiting": 0, "spool_bytes": 0}
    assert (told["worker"]["place"], told["worker"]["of"]) == (0, 1)
    assert told["worker"]["started_at"].endswith("Z")


def test_it_names_no_user_and_no_secret(served: Administered):
    connect(served.running, "private")
    text = served.http.get("/metrics").text
    assert "authgate_hooks_total" in text
    for secret in ('"ann"', PASSWORD, served.all, "private", "127.0.0.1"):
        assert secret not in text


def test_only_the_scope_for_metrics_allows_it(served: Administered):
    for scopes, status in ((("metrics:read",), 200), (("users:read", "records:read"), 403)):
        key = served.key(*scopes)
        answer = httpx.get(f"{served.url}/metrics", headers={"authorization": f"Bearer {key}"}, trust_env=False)
        assert answer.status_code == status
    assert httpx.get(f"{served.url}/metrics", trust_env=False).status_code == 401


def test_the_text_is_what_prometheus_takes(served: Administered):
    answer = served.http.get("/metrics", headers={"accept": "application/openmetrics-text;version=;q=x,,*/*"})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert {name.partition("{")[0].partition(" ")[0] for name in answer.text.splitlines() if name[0] != "#"} <= {
        name + end for name in METRICS for end in ("", "_bucket", "_sum", "_count")
    }


# A media server and a webhook that nobody is behind.
NOBODY = f"""
[[wcs]]
node = "n1"
url = "http://127.0.0.1:9/rest-api"

[[webhooks]]
name = "crm"
url = "http://127.0.0.1:9/events"
secrets = ["{new_secret()}"]
"""


@pytest.fixture(scope="module")
def open_here(tmp_path_factory):
    """One that lets its own machine scrape without a key."""
    config = prepared(tmp_path_factory.mktemp("open"), f"insecure_metrics_without_key = true\n{NOBODY}")
    with here.serve(config) as running:
        yield running.admin


HEADERS = {
    "itself": ({}, 200),
    "by name": ({"host": "localhost:8081"}, 200),
    "over IPv6": ({"host": "[::1]:8081"}, 200),
    "a proxy for somebody": ({"x-forwarded-for": "203.0.113.7"}, 401),
    "a proxy that says so otherwise": ({"forwarded": "for=203.0.113.7"}, 401),
    "a page of a browser on this machine": ({"origin": "https://evil.example"}, 401),
    "a name that was bound to this machine": ({"host": "evil.example:8081"}, 401),
    "a key that is none": ({"authorization": "Bearer x"}, 200),
}


@pytest.mark.parametrize(("headers", "status"), HEADERS.values(), ids=HEADERS)
def test_where_that_is_allowed_this_machine_scrapes_without_a_key(open_here, headers, status):
    assert httpx.get(f"{open_here}/metrics", headers=headers, trust_env=False).status_code == status


def test_nothing_else_is_open_to_it(open_here):
    assert httpx.get(f"{open_here}/api/v1/key", trust_env=False).status_code == 401


@pytest.mark.parametrize(
    "seen",
    [("authgate_wcs_up", ("node", "n1"), 0), ("authgate_webhook_on", ("webhook", "crm"), 1)],
    ids=["a media server that does not answer", "a webhook"],
)
def test_what_background_work_comes_to_is_seen(open_here, seen):
    *name, value = seen

    def shown():
        return samples(httpx.get(f"{open_here}/metrics", trust_env=False).text).get(tuple(name))

    awaited(lambda: shown() is not None)
    assert shown() == value
