import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from authgate.metrics import Memory, Meter, table
from authgate.metrics.exposition import merged, text
from authgate.metrics.table import METRICS, Form, Merged


def scraped(*meters):
    """Every sample of what is scraped from the last of these, by name and labels."""
    families = text_string_to_metric_families(text(merged(meters[-1].read())).decode())
    return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}


def workers(count):
    memories = [Memory() for _ in range(count)]
    return [Meter(memories, place) for place in range(count)]


def test_counts_of_all_workers_are_one_number():
    all_workers = workers(3)
    for each in all_workers:
        each.tally["records_lost"] += 2
        each.tally["targets_unanswered:legacy"] += 1
        each.histogram(table.DURATION, ("call",)).observe(0.3)
    found = scraped(*all_workers)
    assert found["authgate_records_lost_total",] == 6
    labels = (("outcome", "unanswered"), ("target", "legacy"))
    assert found["authgate_target_questions_total", *labels] == 3
    assert found["authgate_hook_duration_seconds_bucket", ("kind", "call"), ("le", "0.25")] == 0
    assert found["authgate_hook_duration_seconds_bucket", ("kind", "call"), ("le", "0.5")] == 3
    assert found["authgate_hook_duration_seconds_bucket", ("kind", "call"), ("le", "+Inf")] == 3
    assert found["authgate_hook_duration_seconds_count", ("kind", "call")] == 3
    assert found["authgate_hook_duration_seconds_sum", ("kind", "call")] == pytest.approx(0.9)


MERGED = {
    "sum": (table.LEDGER, (), [3.0, 4.0], {(): 7.0}),
    "the highest": (table.LAG, (), [0.2, 0.1], {(): 0.2}),
    "the lowest": (table.STORE_UP, ("read",), [1.0, 0.0], {("read",): 0.0}),
    "each for itself": (table.RESIDENT, (), [5.0, 6.0], {("0",): 5.0, ("1",): 6.0}),
}


@pytest.mark.parametrize(("metric", "labels", "values", "expected"), MERGED.values(), ids=MERGED)
def test_gauges_of_several_workers(metric, labels, values, expected):
    both = workers(2)
    for each, value in zip(both, values, strict=True):
        each.show({(metric, labels): value})
    assert merged(both[0].read())[metric.name] == expected


def test_what_was_not_counted_yet_is_there_at_zero_so_that_the_first_is_seen_to_come():
    found = scraped(Meter())
    assert found["authgate_records_lost_total",] == 0
    assert found["authgate_hooks_degraded_total", ("reason", "store_unavailable")] == 0
    assert found["authgate_hook_duration_seconds_count", ("kind", "connect")] == 0


def test_names_of_others_are_escaped():
    meter = Meter()
    name = 'a"b\\c{d="e"} 1'
    meter.tally[f"targets_answered:{name}"] += 1
    labels = (("outcome", "answered"), ("target", name))
    assert scraped(meter)["authgate_target_questions_total", *labels] == 1


def test_what_a_newer_or_older_worker_has_in_its_sheet_does_no_harm():
    meter = Meter()
    sheet = meter.sheets[0]
    sheet.values[sheet.cell(("authgate_of_another_version", "x"))] = 1
    assert "another_version" not in text(merged(meter.read())).decode()


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_names_follow_the_conventions(metric):
    assert re.fullmatch(r"(authgate|process)_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.form is Form.COUNTER)
    assert not re.search(r"_(ms|milliseconds|kb|mb|percent|minutes|count|bucket|sum)(_|$)", metric.name)
    assert metric.help.endswith(".")
    assert "\n" not in metric.help
    assert bool(metric.buckets) == (metric.form is Form.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert all(re.fullmatch(r"[a-z]+", label) and label not in ("le", "quantile") for label in metric.all_labels)
    assert all(len(labels) == len(metric.labels) for labels in metric.starts)
    assert metric.form is Form.GAUGE or metric.merged in (Merged.SUM, Merged.EACH)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_metric_can_be_scraped_with_its_labels(metric):
    meter = Meter()
    values = tuple(f"v{at}" for at in range(len(metric.labels)))
    if metric.form is Form.HISTOGRAM:
        meter.histogram(metric, values).observe(1)
    elif metric.form is Form.GAUGE:
        meter.show({(metric, values): 1.0})
    else:
        meter.rise(metric, values, 1)
    (family,) = [
        each
        for each in text_string_to_metric_families(text(merged(meter.read())).decode())
        if each.name == metric.name.removesuffix("_total")
    ]
    assert (family.type, family.documentation) == (metric.form.value, metric.help)
    expected = dict(zip(metric.labels, values, strict=True))
    expected |= {"worker": "0"} if metric.merged is Merged.EACH else {}
    assert any(expected.items() <= each.labels.items() and each.value == 1 for each in family.samples)
