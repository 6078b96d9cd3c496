"""What a tap's own role is refused, tried with its real credentials against an account that enforces policies."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.emulated.aws import Aws, Credentials
from tests.engine.conftest import asked
from tests.engine.every_action import on_a_bucket, on_a_key, refused
from tests.engine.mesh import SMALL, Mesh, wipe
from tests.engine.plugin.cloud import Cloud
from tests.engine.served import role_credentials
from tests.engine.stack import Provider, makes

BUCKET = "small-lake-dev"
KINDS = ("open", "stored", "keys", "staged", "landed", "quarantine", "lost", "settings")
HOUR = "data/year=2026/month=11/day=25/hour=21"


def keys(tap: str) -> list[str]:
    """One of each kind of object that a tap has in the lake."""
    return [f"{tap}/{HOUR}/a.parquet", *(f"_mesh/{kind}/{tap}/a" for kind in KINDS)]


@dataclass(frozen=True)
class Intruder:
    """The credentials Lambda gives to the function of clicks."""

    credentials: Credentials
    endpoint: str

    def client(self, service: str) -> Any:
        """As clicks."""
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, inject_host_prefix=False)
        session = boto3.Session(self.credentials.key_id, self.credentials.secret, self.credentials.token, "us-east-1")
        return session.client(service, endpoint_url=self.endpoint, config=config)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, provider: Provider, account: Aws) -> Iterator[Cloud]:
    """Two taps, with an object of each kind in both."""
    folder = tmp_path_factory.mktemp("denied")
    with asked(provider) as cloud:
        mesh = Mesh(folder, SMALL, makes(folder, provider))
        mesh.sign()
        mesh.stack.up()
        for key in (*keys("clicks"), *keys("orders")):
            cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"a")
        yield cloud
        wipe(mesh.stack, cloud)


@pytest.fixture(scope="module")
def clicks(deployed: Cloud, account: Aws) -> Intruder:
    """Whoever took over the function of clicks."""
    role = deployed.client("lambda").get_function_configuration(FunctionName="small-dev-clicks")["Role"]
    return Intruder(role_credentials(role, deployed), account.endpoint)


def test_its_own_is_not_refused_so_the_credentials_are_good(clicks: Intruder) -> None:
    s3 = clicks.client("s3")
    assert s3.get_object(Bucket=BUCKET, Key="_mesh/open/clicks/a")["Body"].read() == b"a"
    assert refused(s3, "put_object", {"Bucket": BUCKET, "Key": f"clicks/{HOUR}/b.parquet", "Body": b"b"}) is None
    assert refused(s3, "list_objects_v2", {"Bucket": BUCKET, "Prefix": "_mesh/stored/clicks/a"}) is None


def test_who_asks_a_lake_they_may_not_list_is_told_in_two_lines(clicks: Intruder) -> None:
    command = [str(Path(sys.executable).parent / "tapmesh"), "status", "--lake", f"s3://{BUCKET}"]
    environment = {**os.environ, **clicks.credentials.variables(clicks.endpoint)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    error, hint = done.stderr.splitlines()
    wanted = "error: cannot list _mesh/open/ in the lake: AWS answers that these credentials may not"
    assert (done.returncode, error) == (1, wanted)
    assert hint.startswith("hint: docs/deploy.md says")


@pytest.mark.parametrize("key", keys("orders"))
def test_no_request_on_an_object_of_another_tap_is_allowed(clicks: Intruder, deployed: Cloud, key: str) -> None:
    s3 = clicks.client("s3")
    answers = {call: refused(s3, call, request) for call, request in on_a_key(s3, BUCKET, key)}
    assert {call for call, code in answers.items() if code != "AccessDenied"} == {"head_object"}
    assert answers["head_object"] == "403"
    assert len(answers) >= 25
    into = {"Bucket": BUCKET, "Key": "_mesh/staged/clicks/copy", "CopySource": f"{BUCKET}/{key}"}
    assert refused(s3, "copy_object", into) == "AccessDenied"
    out = {"Bucket": BUCKET, "Key": key, "CopySource": f"{BUCKET}/_mesh/staged/clicks/a"}
    assert refused(s3, "copy_object", out) == "AccessDenied"
    assert refused(s3, "delete_objects", {"Bucket": BUCKET, "Delete": {"Objects": [{"Key": key}]}}) == "AccessDenied"
    folder = key.removesuffix("a").removesuffix("/")
    for prefix in (key, folder, f"{folder}/", key.partition("orders")[0], ""):
        assert refused(s3, "list_objects_v2", {"Bucket": BUCKET, "Prefix": prefix}) == "AccessDenied", prefix
    assert deployed.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"a"


def test_no_request_on_the_bucket_is_allowed(clicks: Intruder) -> None:
    s3 = clicks.client("s3")
    answers = {call: refused(s3, call, request) for call, request in on_a_bucket(s3, BUCKET)}
    assert {call for call, code in answers.items() if code != "AccessDenied"} == {"head_bucket"}
    assert answers["head_bucket"] == "403"
    assert len(answers) >= 70


def test_no_other_service_is_open_to_it(clicks: Intruder, deployed: Cloud) -> None:
    told = deployed.client("lambda").get_function_configuration(FunctionName="small-dev-orders")
    role, group = told["Role"].rpartition("/")[2], "/tapmesh/small-dev"
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("lambda", "invoke", {"FunctionName": "small-dev-orders"}),
        ("lambda", "invoke", {"FunctionName": "small-dev_steward"}),
        ("lambda", "get_function", {"FunctionName": "small-dev-orders"}),
        ("lambda", "update_function_configuration", {"FunctionName": "small-dev-clicks", "MemorySize": 3008}),
        ("lambda", "delete_function", {"FunctionName": "small-dev-orders"}),
        ("glue", "get_table", {"DatabaseName": "small_dev", "Name": "orders"}),
        ("glue", "delete_table", {"DatabaseName": "small_dev", "Name": "orders"}),
        ("athena", "start_query_execution", {"QueryString": "select 1", "WorkGroup": "small-dev"}),
        ("iam", "get_role", {"RoleName": role}),
        ("iam", "put_role_policy", {"RoleName": role, "PolicyName": "more", "PolicyDocument": "{}"}),
        ("sts", "assume_role", {"RoleArn": told["Role"], "RoleSessionName": "more"}),
        ("logs", "filter_log_events", {"logGroupName": group}),
        ("logs", "delete_log_group", {"logGroupName": group}),
        ("cloudwatch", "delete_alarms", {"AlarmNames": ["small-dev_lost"]}),
        ("scheduler", "delete_schedule", {"Name": "small-dev_schedule"}),
    ]
    allowed = [each for each in tries if "AccessDenied" not in (refused(clicks.client(each[0]), each[1], each[2]) or "")]
    assert allowed == []
