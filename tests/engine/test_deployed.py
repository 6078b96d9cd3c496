"""What was deployed works: each tap of the example mesh takes records at its Function URL, and Athena has the rows they became."""

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tap_runtime import lake
from tap_runtime.settings import TapSettings, read_settings
from tests.engine.athena import athena, projected
from tests.engine.conftest import asked
from tests.engine.mesh import EXAMPLE, Mesh, tapmesh, wipe
from tests.engine.plugin.cloud import Cloud
from tests.engine.served import Served
from tests.engine.stack import ROOT, Provider, makes

BUCKET = "acme-lake-dev"
TAPS = list(yaml.safe_load(EXAMPLE)["taps"])
CASES = {case.parent.name: yaml.safe_load(case.read_text()) for case in sorted((ROOT / "cases").glob("*/*.yaml"))}


@dataclass(frozen=True)
class Example:
    """The example mesh, deployed. `receipts` are what senders got for a case of each tap."""

    mesh: Mesh
    cloud: Cloud
    receipts: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory, provider: Provider, served: Served, request: Any) -> Iterator[Example]:
    """Up, served, and sent a case to each tap."""
    folder = tmp_path_factory.mktemp("example")
    with asked(provider) as cloud:
        mesh = Mesh(folder, EXAMPLE, makes(folder, provider))
        mesh.sign()
        urls = mesh.stack.up().outputs["urls"]
        if provider.variables:
            account = request.getfixturevalue("account")
            urls = {tap: account.function_url(url) for tap, url in urls.items()}
            for tap in TAPS:
                served.serve(f"acme-dev-{tap}", account, cloud, folder)
        yield Example(mesh, cloud, {tap: _send(mesh, cloud, tap, urls[tap]) for tap in TAPS})
        served.vanish()
        wipe(mesh.stack, cloud)


def _send(mesh: Mesh, cloud: Cloud, tap: str, url: str) -> dict[str, Any]:
    settings = _settings(cloud, tap)
    return mesh.send(url, settings.issuer, settings.writers[0].person, tap, CASES[tap]["input"].encode())


def _settings(cloud: Cloud, tap: str) -> TapSettings:
    told = cloud.client("lambda").get_function_configuration(FunctionName=f"acme-dev-{tap}")
    key = told["Environment"]["Variables"]["TAPMESH_SETTINGS"]
    return read_settings(cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def test_a_function_runs_by_the_settings_it_names_and_by_the_stacks_public_key(example: Example) -> None:
    told = example.cloud.client("lambda").get_function_configuration(FunctionName="acme-dev-logs")
    settings = _settings(example.cloud, "logs")
    assert told["Environment"]["Variables"] == {
        "TAPMESH_LAKE": f"s3://{BUCKET}",
        "TAPMESH_SETTINGS": lake.settings_key("logs", settings.sha256()),
    }
    assert (settings.tap, settings.issuer, settings.keys) == ("logs", "acme/dev", (example.mesh.public_key,))
    assert (told["Handler"], len(told["Layers"])) == ("tap_runtime.function.handler", 2)


def test_all_functions_log_json_to_one_group_and_of_lambdas_own_lines_only_what_went_wrong(example: Example) -> None:
    asked = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN", "LogGroup": "/tapmesh/acme-dev"}
    told = example.cloud.client("lambda").get_function_configuration
    names = [*(f"acme-dev-{tap}" for tap in TAPS), "acme-dev_steward"]
    assert [told(FunctionName=name)["LoggingConfig"] for name in names] == [asked] * len(names)


def _keys(cloud: Cloud, prefix: str) -> list[str]:
    return [each["Key"] for each in cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


def _landed(example: Example, tap: str) -> str:
    """The one Parquet file of the tap, which is asked to land, as by the steward, until the environment with the batch was reached."""
    until = time.monotonic() + 120
    while _keys(example.cloud, f"{lake.OPEN}{tap}/"):
        assert time.monotonic() < until, f"{tap} does not land"
        example.cloud.client("lambda").invoke(FunctionName=f"acme-dev-{tap}", Payload=b'{"tapmesh":"flush"}')
        time.sleep(0.5)
    (key,) = _keys(example.cloud, f"{tap}/data/")
    return key


@pytest.mark.parametrize("tap", TAPS)
def test_what_a_tap_is_sent_at_its_url_is_what_athena_and_tapmesh_query_have(example: Example, tap: str) -> None:
    case, receipt = CASES[tap], example.receipts[tap]
    lines = len(case["input"].splitlines())
    assert (receipt["statusCode"], receipt["received"], receipt["accepted"], receipt["quarantined"]) == (200, lines, lines, [])
    assert receipt["durability"] == _settings(example.cloud, tap).ack
    key = _landed(example, tap)
    opened = lake.opened_at(receipt["receipt"].rpartition("-")[0])
    where = {name: getattr(opened, name) for name in ("year", "month", "day", "hour")}
    rows = athena(
        example.cloud,
        "acme-dev",
        "acme_dev",
        f"select * from {tap} where " + " and ".join(f"{name} = {value}" for name, value in where.items()),
    )
    wanted = [{name.lower(): None if value is None else str(value) for name, value in row.items()} for row in case["rows"]]
    assert [{name.lower(): row[name] for name in row if name.lower() in wanted[0]} for row in rows] == wanted
    table = example.cloud.client("glue").get_table(DatabaseName="acme_dev", Name=tap)["Table"]
    assert projected(table, where) == [f"s3://{BUCKET}/{key.rpartition('/')[0]}"]
    queried = tapmesh("query", f"select * from {tap}", "--format", "csv", "--lake", f"s3://{BUCKET}")
    assert list(csv.DictReader(queried)) == [{name: value or "" for name, value in row.items()} for row in rows]
