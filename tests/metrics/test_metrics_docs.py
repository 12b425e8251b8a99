"""What the manual, the alerts and the dashboard say of metrics is what there is."""

import json
import re
from pathlib import Path

import pytest
import yaml

from authgate.metrics.table import METRICS, Form

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text()
ALERTS = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())
DASHBOARD = json.loads((ROOT / "deploy" / "grafana.json").read_text())

RULES = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}
PANELS = {panel["title"] + f" {panel['id']}": panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
QUERIES = {
    f"{title} {target['refId']}": target["expr"] for title, panel in PANELS.items() for target in panel["targets"]
}
EXPRESSIONS = {name: rule["expr"] for name, rule in RULES.items()} | QUERIES
EXPRESSIONS |= {"annotation": DASHBOARD["annotations"]["list"][0]["expr"]}

# Every name that Prometheus sees of a metric, with the labels that stand on it there.
SERIES = {}
for each in METRICS.values():
    ends = ("_bucket", "_sum", "_count") if each.form is Form.HISTOGRAM else ("",)
    for end in ends:
        SERIES[each.name + end] = {*each.all_labels, "instance", "job"} | ({"le"} if end == "_bucket" else set())
SELECTOR = re.compile(r"\b((?:authgate|process)_[a-z_]+)\b(?:\{([^}]*)\})?")

CLAIM = "authgate_gen"  # of tokens, and no metric


def test_the_table_is_the_one_of_the_program():
    found = re.findall(r"^\| `((?:authgate|process)_\w+)` \| (\w+) \| (.*?) \| (.+) \|$", PAGE, re.MULTILINE)
    expected = [
        (each.name, each.form.value, ", ".join(f"`{label}`" for label in each.all_labels), each.help)
        for each in METRICS.values()
    ]
    assert found == expected


def test_metrics_that_pages_name_exist():
    pages = {path.name: path.read_text() for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]}
    named = {(page, name) for page, text in pages.items() for name in re.findall(r"`(authgate_\w+)[`{]", text)}
    assert {each for each in named if each[1] not in {*SERIES, *METRICS, CLAIM}} == set()


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_expression_is_about_metrics_that_exist(expression):
    found = SELECTOR.findall(expression)
    assert found
    for name, selected in found:
        assert name in SERIES
        for matcher in filter(None, re.split(r",\s*", selected)):
            label = re.fullmatch(r'(\w+)(=|!=|=~|!~)"[^"]*"', matcher)
            assert label, f"{matcher} is no matcher"
            assert label[1] in SERIES[name]


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_expression_is_well_formed(expression):
    for opening, closing in ("()", "[]", "{}"):
        assert expression.count(opening) == expression.count(closing)
    labels = set().union(*(SERIES[name] for name, _ in SELECTOR.findall(expression)))
    for by in re.findall(r"\bby \(([^)]*)\)", expression):
        assert set(re.split(r",\s*", by)) <= labels
    for name, _ in SELECTOR.findall(expression):
        counts = name.endswith(("_total", "_bucket", "_sum", "_count"))
        rated = re.search(rf"\b(rate|increase)\({name}(\{{[^}}]*\}})?\[", expression)
        assert counts == bool(rated), f"rate() is for counters, and {name} is {'one' if counts else 'none'}"


@pytest.mark.parametrize("name", RULES)
def test_an_alert_says_what_is_wrong_and_the_page_what_to_do(name):
    rule = RULES[name]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert re.fullmatch(r"\d+[sm]", rule.get("for", "1m"))
    shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    of_metrics = set().union(*(SERIES[metric] for metric, _ in SELECTOR.findall(rule["expr"])))
    assert shown <= of_metrics
    assert re.search(rf"^\|.*`{name}`.*\| .+ \|$", PAGE, re.MULTILINE)


def test_alerts_that_the_page_names_exist():
    assert set(re.findall(r"`(Authgate\w+)`", PAGE)) == {*RULES}


def test_the_dashboard_takes_whatever_prometheus_it_is_given():
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert "instance" in variables
    sources = [panel["datasource"] for panel in PANELS.values()]
    sources += [target["datasource"] for panel in PANELS.values() for target in panel["targets"]]
    assert all(each == {"type": "prometheus", "uid": "${datasource}"} for each in sources)


def test_the_dashboard_has_a_place_for_each_panel():
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


# What the dashboard need not show: what is there to be joined, or is the same number in another form.
UNSHOWN = {"authgate_build_info", "process_start_time_seconds", "process_open_fds", "process_max_fds"}
UNSHOWN |= {"authgate_configuration_loaded_timestamp_seconds", "authgate_key_set_keys", "authgate_live_known"}
UNSHOWN |= {"authgate_passwords_in_memory", "authgate_key_set_fetches_total", "authgate_other_events_total"}
UNSHOWN |= {"authgate_forwarded_not_trusted_total"}


def test_the_dashboard_shows_what_there_is_to_see():
    shown = {name for expression in QUERIES.values() for name, _ in SELECTOR.findall(expression)}
    shown |= {name for name, _ in SELECTOR.findall(EXPRESSIONS["annotation"])}
    missing = {name for name in METRICS if not any(each.startswith(name) for each in shown)}
    assert missing == UNSHOWN
