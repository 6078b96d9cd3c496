"""`sources` by the real engine: what was deployed reads the suite's API under Lambda's emulator, with no more than its role's rights."""

import csv
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.emulated.aws import Aws
from tests.emulated.fleet import Fleet
from tests.emulated.outcome import Outcome
from tests.engine.conftest import asked
from tests.engine.every_action import refused
from tests.engine.mesh import SMALL, Mesh, tapmesh, wipe
from tests.engine.plugin.cloud import Cloud
from tests.engine.served import Served, role_credentials
from tests.engine.stack import DeployError, Provider, makes
from tests.engine.test_denied import Intruder
from tests.kits.city import City, request, serving

BUCKET, SOURCE, PARAMETER = "small-lake-dev", "small-dev_source_requests", "/tapmesh/small-dev/requests"
ROWS = 3000
SOURCES = """
sources:
  requests:
    into: clicks
    every: 15m
    rest:
      url: {url}
      query: {{$where: "updated_at >= '{{since}}'", $order: "updated_at, unique_key"}}
      headers: {{X-App-Token: "${{CITY_TOKEN}}"}}
      paging: {{by: offset, at: $offset, limit: $limit, size: 40}}
      since: {{field: updated_at, start: "2026-11-01T00:00:00.000Z", overlap: 1h, ordered: true}}
"""
WAS = "schema: {id: VARCHAR, x: INTEGER}"


@dataclass(frozen=True)
class Deployed:
    """The mesh that reads the city."""

    mesh: Mesh
    cloud: Cloud
    city: City
    source: Fleet
    tap: Fleet
    folder: Path

    def run(self, fleet: Fleet | None = None) -> Outcome:
        """One call of the schedule."""
        return (fleet or self.source).invoke({})

    def killed(self, pages: int) -> None:
        """A run whose environment is removed once it has read so many pages more."""
        seen, run = len(self.city.asked), threading.Thread(target=self.run)
        run.start()
        while len(self.city.asked) < seen + pages:
            assert run.is_alive(), self.source.environments[-1].logs()
            time.sleep(0.01)
        self.source.environments[-1].vanish()
        run.join()

    def landed(self) -> Counter[int]:
        """How often each request is in the lake, once all is landed."""
        until = time.monotonic() + 180
        s3 = self.cloud.client("s3")
        while markers := s3.list_objects_v2(Bucket=BUCKET, Prefix="_mesh/open/clicks/").get("Contents"):
            assert time.monotonic() < until, "clicks does not land"
            for marker in markers:
                self.tap.invoke({"tapmesh": "land", "batch": marker["Key"].rpartition("/")[2]})
            time.sleep(0.5)
        rows = csv.DictReader(tapmesh("query", "select unique_key, _sender from clicks", "--format", "csv", "--lake", f"s3://{BUCKET}"))
        found = [(int(row["unique_key"]), row["_sender"]) for row in rows]
        assert {sender for _, sender in found} == {"source:requests"}
        return Counter(number for number, _ in found)

    def bookmark(self) -> dict[str, Any]:
        """The parameter's text."""
        return dict(json.loads(self.cloud.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"]))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, provider: Provider, account: Aws, served: Served) -> Iterator[Deployed]:
    """Up and served; nothing was read yet."""
    folder = tmp_path_factory.mktemp("sources")
    with asked(provider) as cloud, serving([request(number) for number in range(ROWS)]) as city:
        text = SMALL.replace(WAS, "schema: {unique_key: VARCHAR NOT NULL}, thresholds: {age: 5s}")
        mesh = Mesh(folder, text + SOURCES.format(url=city.url("offset")), makes(folder, provider))
        mesh.sign()
        lacking = "tapmesh:CITY_TOKEN is missing, which sources.requests names: pulumi config set --secret tapmesh:CITY_TOKEN"
        with pytest.raises(DeployError, match=lacking):
            mesh.stack.up()
        mesh.stack.config({"tapmesh:CITY_TOKEN": "s3cret-of-the-city"}, secret=True)
        mesh.stack.up()
        source, tap = (served.serve(name, account, cloud, folder) for name in (SOURCE, "small-dev-clicks"))
        yield Deployed(mesh, cloud, city, source, tap, folder)
        served.vanish()
        wipe(mesh.stack, cloud)
        assert cloud.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Type"] == "String"  # it outlives the stack
        cloud.client("ssm").delete_parameter(Name=PARAMETER)


def test_it_is_made_of_what_the_plan_says_and_a_second_up_changes_nothing(deployed: Deployed) -> None:
    cloud, told = deployed.cloud, deployed.cloud.client("lambda").get_function_configuration(FunctionName=SOURCE)
    assert (told["Handler"], told["Timeout"], len(told["Layers"])) == ("mesh.kits.rest.function.handler", 900, 1)
    assert cloud.client("lambda").get_function_concurrency(FunctionName=SOURCE)["ReservedConcurrentExecutions"] == 1
    schedule = cloud.client("scheduler").get_schedule(Name=SOURCE)
    assert (schedule["ScheduleExpression"], schedule["Target"]["Arn"]) == ("rate(15 minutes)", told["FunctionArn"])
    assert told["Environment"]["Variables"]["CITY_TOKEN"] == "s3cret-of-the-city"
    assert "s3cret-of-the-city" not in deployed.mesh.stack.state.read_text()
    assert deployed.mesh.stack.up().changed == ()


def test_killed_at_any_moment_it_sends_each_record_once_and_goes_on_from_its_bookmark(deployed: Deployed) -> None:
    deployed.city.pause_s = 0.05
    for pages in (20, 15, 18, 9):
        deployed.killed(pages)
    deployed.city.pause_s, seen = 0.0, len(deployed.city.asked)
    last = deployed.run()
    assert not last.failed, deployed.source.environments[-1].logs()
    assert len(deployed.city.asked) - seen < ROWS / 40  # the bookmark had moved
    assert deployed.landed() == Counter(range(ROWS))
    assert {headers["x-app-token"] for headers in deployed.city.seen_headers} == {"s3cret-of-the-city"}
    assert deployed.bookmark()["point"] == request(ROWS - 1)["updated_at"]


def test_it_ends_by_itself_before_lambda_would_and_the_next_run_goes_on(deployed: Deployed) -> None:
    deployed.run()
    deployed.city.rows += [request(number) for number in range(ROWS, 2 * ROWS)]
    deployed.city.pause_s = 0.3
    with Fleet(replace(deployed.source.environments[-1].deployed, timeout_s=160), deployed.folder) as hurried:
        seen = len(deployed.city.asked)
        assert not deployed.run(hurried).failed, hurried.environments[-1].logs()
        assert "not to the end" in hurried.environments[-1].logs()
        assert 1 < len(deployed.city.asked) - seen < ROWS / 40
    assert request(ROWS - 1)["updated_at"] < deployed.bookmark()["point"] < request(2 * ROWS - 1)["updated_at"]
    deployed.city.pause_s = 0.0
    assert not deployed.run().failed
    assert deployed.landed() == Counter(range(2 * ROWS))


def test_what_the_source_refuses_fails_the_run_in_words(deployed: Deployed) -> None:
    deployed.city.answers = [(401, {}, b"{}")]
    assert deployed.run().failed
    said = f"{deployed.city.url('offset')} answered 401: {{}}; a key or token belongs into headers"
    assert said in deployed.source.environments[-1].logs()
    assert not deployed.run().failed


def test_its_role_reaches_its_own_bookmark_and_tap_and_nothing_else(deployed: Deployed, account: Aws) -> None:
    role = deployed.cloud.client("lambda").get_function_configuration(FunctionName=SOURCE)["Role"]
    own = Intruder(role_credentials(role, deployed.cloud), account.endpoint)
    place = deployed.bookmark()["place"]
    deployed.cloud.client("ssm").put_parameter(Name="/tapmesh/small-dev/other", Value="x", Type="String")
    assert refused(own.client("ssm"), "get_parameter", {"Name": PARAMETER}) is None
    assert refused(own.client("s3"), "get_object", {"Bucket": BUCKET, "Key": place}) is None
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("ssm", "get_parameter", {"Name": "/tapmesh/small-dev/other"}),
        ("ssm", "put_parameter", {"Name": "/tapmesh/small-dev/other", "Value": "y", "Type": "String", "Overwrite": True}),
        ("ssm", "delete_parameter", {"Name": PARAMETER}),
        ("ssm", "get_parameters_by_path", {"Path": "/tapmesh"}),
        ("lambda", "invoke", {"FunctionName": "small-dev-orders"}),
        ("lambda", "invoke", {"FunctionName": SOURCE}),
        ("s3", "get_object", {"Bucket": BUCKET, "Key": "_mesh/sources/other/a"}),
        ("s3", "put_object", {"Bucket": BUCKET, "Key": "_mesh/stored/clicks/a", "Body": b"a"}),
        ("s3", "list_objects_v2", {"Bucket": BUCKET, "Prefix": "_mesh/sources/requests/"}),
        ("scheduler", "delete_schedule", {"Name": SOURCE}),
    ]
    allowed = [each for each in tries if "AccessDenied" not in (refused(own.client(each[0]), each[1], each[2]) or "")]
    assert allowed == []
