import pytest

from authgate.metrics import APPS, MeasuredVerdicts, Meter, table
from authgate.metrics.exposition import merged
from authgate.model import Reason, Record, SessionKey


class Told:
    def __init__(self):
        self.lines = []

    def verdict(self, record, milliseconds):
        self.lines.append((record.method, milliseconds))


def record(method="connect", app="defaultApp", reason=Reason.OK):
    return Record("1" * 26, 1, SessionKey("n", "s"), app, method, "ann", reason is Reason.OK, reason, "")


@pytest.fixture
def meter():
    return Meter()


def counted(meter, metric):
    return merged(meter.read()).get(metric.name, {})


CASES = {
    "allowed": (record(), ("connect", "defaultApp", "ok")),
    "rejected": (record(reason=Reason.PASSWORD_WRONG), ("connect", "defaultApp", "password_wrong")),
    "an application of the configuration": (record(app="studio"), ("connect", "studio", "ok")),
    "an application of a stranger": (record(app="x"), ("connect", "other", "ok")),
    "no application": (record(app=""), ("connect", "other", "ok")),
    "another case": (record(app="defaultapp"), ("connect", "other", "ok")),
    "a method of a stranger": (record(method="waveHand"), ("other", "defaultApp", "ok")),
    "an event of a stranger": (record(method="WaveEvent"), ("other", "defaultApp", "ok")),
    "an event": (record(method="StreamStatusEvent"), ("StreamStatusEvent", "defaultApp", "ok")),
}


@pytest.mark.parametrize(("given", "labels"), CASES.values(), ids=CASES)
def test_a_verdict_is_counted_and_goes_on_to_the_log(meter, given, labels):
    told = Told()
    MeasuredVerdicts(meter, told, frozenset((*APPS, "studio"))).verdict(given, 12.0)
    assert counted(meter, table.HOOKS) == {labels: 1.0}
    assert told.lines == [(given.method, 12.0)]


KINDS = {
    "connect": "connect",
    "publishStream": "call",
    "OnCallEvent": "incoming",
    "StreamStatusEvent": "event",
    "waveHand": "call",
    "WaveEvent": "event",
}


@pytest.mark.parametrize(("method", "kind"), KINDS.items(), ids=KINDS)
def test_its_time_is_counted_by_the_kind_of_its_method(meter, method, kind):
    MeasuredVerdicts(meter, Told()).verdict(record(method=method), 3.0)
    found = {labels for labels, value in counted(meter, table.DURATION).items() if value}
    assert found == {(kind, "0.005"), (kind, "sum")}


def test_strangers_cannot_make_new_labels(meter):
    measured = MeasuredVerdicts(meter, Told(), frozenset(APPS))
    for at in range(1000):
        measured.verdict(record(method=f"wave{at}", app=f"app{at}"), 1.0)
    assert counted(meter, table.HOOKS) == {("other", "other", "ok"): 1000.0}


def test_another_configuration_names_other_applications_from_its_first_verdict_on(meter):
    measured = MeasuredVerdicts(meter, Told(), frozenset({"old"}))
    for apps in ({"old"}, {"new"}):
        measured.apps = frozenset(apps)
        measured.verdict(record(app="old"), 1.0)
        measured.verdict(record(app="new"), 1.0)
    connects = {labels[1]: value for labels, value in counted(meter, table.HOOKS).items()}
    assert connects == {"old": 1.0, "new": 1.0, "other": 2.0}
