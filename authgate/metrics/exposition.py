"""The numbers of all workers -> the text that Prometheus reads."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from authgate.metrics.counted import meaning
from authgate.metrics.meter import SUM, TALLY
from authgate.metrics.sheet import Name
from authgate.metrics.table import METRICS, Form, Merged, Metric

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[str, ...]
Numbers = dict[Labels, float]  # by labels; of a histogram, also by what its buckets are called


def merged(read: Iterable[tuple[int, Name, float]]) -> dict[str, Numbers]:
    """What the numbers of all workers, each with the worker's place and its own name, come to for each metric."""
    every: dict[str, Numbers] = defaultdict(dict)
    for place, (first, *rest), value in read:
        metric, labels = METRICS.get(first), tuple(rest)
        if first == TALLY:
            meant = meaning(rest[0])
            if meant is None:
                continue
            metric, labels = meant
        if metric is None:
            continue
        if metric.merged is Merged.EACH:
            labels = (*labels, str(place))
        numbers = every[metric.name]
        numbers[labels] = _both(metric.merged, numbers[labels], value) if labels in numbers else value
    return every


def text(every: Mapping[str, Numbers]) -> bytes:
    """Prometheus's text format, version 0.0.4, of all metrics in the order of their table."""
    from prometheus_client import CollectorRegistry, generate_latest  # here, for a server without metrics needs it not
    from prometheus_client.registry import Collector

    class Found(Collector):
        def collect(self) -> "Iterator[Family]":
            for metric in METRICS.values():
                numbers = dict.fromkeys(metric.starts or (() if metric.labels else ((),)), 0.0)
                if metric.form is not Form.COUNTER or metric.merged is Merged.EACH:
                    numbers = {}
                numbers |= every.get(metric.name, {})
                if numbers or metric.form is Form.HISTOGRAM:
                    yield _family(metric, numbers)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Found())
    return generate_latest(registry)


def _family(metric: Metric, numbers: Numbers) -> "Family":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    if metric.form is Form.HISTOGRAM:
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels in dict.fromkeys((*metric.starts, *(each[:-1] for each in numbers))):
            buckets, count = [], 0.0
            for bound in (*map(str, metric.buckets), "+Inf"):
                count += numbers.get((*labels, bound), 0.0)
                buckets.append((bound, count))
            histogram.add_metric(labels, buckets, numbers.get((*labels, SUM), 0.0))
        return histogram
    kind = CounterMetricFamily if metric.form is Form.COUNTER else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.all_labels)
    for labels, value in sorted(numbers.items()):
        family.add_metric(labels, value)
    return family


def _both(how: Merged, one: float, other: float) -> float:
    match how:
        case Merged.MAX:
            return max(one, other)
        case Merged.MIN:
            return min(one, other)
    return one + other
