"""The dashboard is one by CloudWatch's structure, and asks for figures that are there: metrics that are logged, fields that lines have.

By docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html; what queries find is Insights' own.
"""

import json
import re
from typing import Any

from mesh.plan import Stack
from mesh.plan.names import Names
from mesh.plan.watch import alarms, dashboard
from tap_runtime import report
from tests.plan.golden import ROOT

NAMES = Names("acme", Stack("dev", region="eu-west-1"), "acme-lake-dev")
FUNCTIONS = r"count|sum|max|latest"


def widgets(kind: str) -> list[dict[str, Any]]:
    """The properties of all of a kind."""
    return [each["properties"] for each in json.loads(dashboard(NAMES))["widgets"] if each["type"] == kind]


def stages(query: str) -> list[str]:
    return query.split("\n| ")


def test_widgets_stand_on_the_grid_and_none_on_another() -> None:
    found = json.loads(dashboard(NAMES))["widgets"]
    taken = [(x, y) for w in found for x in range(w["x"], w["x"] + w["width"]) for y in range(w["y"], w["y"] + w["height"])]
    assert len({*taken}) == len(taken)
    assert {x for x, _ in taken} == {*range(24)}
    assert {each["properties"]["region"] for each in found} == {"eu-west-1"}


def test_every_metric_is_shown_for_the_mesh_and_is_one_that_is_logged() -> None:
    shown = [metric for properties in widgets("metric") for metric in properties["metrics"]]
    assert all([space, *dimension] == ["tapmesh", "mesh", "acme-dev"] for space, _, *dimension, _ in shown)
    assert sorted(name for _, name, *_ in shown) == sorted(report.METRICS)
    assert {options["stat"] for *_, options in shown} == {"Sum", "Maximum"}
    rung = {
        metric.name for alarm in alarms(NAMES, "acme-dev_steward", ()) for metric in alarm.metrics.values() if metric.namespace == "tapmesh"
    }
    assert rung < {*report.METRICS}


def test_queries_read_the_functions_log_group_and_end_in_a_table_by_tap() -> None:
    for properties in widgets("log"):
        source, chosen, counted, ordered = stages(properties["query"])
        assert (source, properties["view"]) == ("SOURCE '/tapmesh/acme-dev'", "table")
        assert chosen.startswith("filter event ")
        columns = re.fullmatch(rf"stats ((?:(?:{FUNCTIONS})\([a-z_*]+\) as [a-z_]+(?:, )?)+) by tap(, event)?", counted)
        assert columns, counted
        assert re.search(r"sort ([a-z_]+) desc", ordered)[1] in re.findall(r"as ([a-z_]+)", columns[1])


def test_queries_ask_for_fields_that_their_lines_have() -> None:
    metrics, of_landings, of_looks = {*report.METRICS}, {"batch", "rows"}, {"open", "stale"}
    asked = [{*re.findall(rf"(?:{FUNCTIONS})\(([a-z_]+)\)", properties["query"])} for properties in widgets("log")]
    assert asked[0] <= metrics | of_landings
    assert asked[1] <= metrics | of_looks
    assert asked[2] == {"code"}


def test_every_event_that_is_logged_is_on_the_dashboard_or_is_in_order() -> None:
    source = "".join(file.read_text() for file in (ROOT / "tap_runtime").glob("*.py"))
    events = {*re.findall(r'(?:plain|metrics|_say|_apart)\((?:tap, )?"(\w+)"', source)} | {
        "too_large_to_save",
        "saved",
        "published",
    }  # by a condition
    queried = {*re.findall(r'"(\w+)"', " ".join(stages(properties["query"])[1] for properties in widgets("log")))}
    assert events - queried == {"looked", "saved", "published"}
    assert queried <= events
