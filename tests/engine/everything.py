"""A program with one of every resource type that the plugin knows, as the mesh has them."""

import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

Edits = Mapping[str, Mapping[str, Any]]


def policy(**statement: Any) -> str:
    """A document of one statement that allows."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def trust(whom: str) -> str:
    """Who may take a role."""
    return policy(Principal={"Service": f"{whom}.amazonaws.com"}, Action="sts:AssumeRole")


def zipped(folder: Path, text: str) -> pulumi.FileAsset:
    """Code as a zip; the same bytes for the same text."""
    path = folder / f"{zlib.crc32(text.encode())}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), text)
    return pulumi.FileAsset(str(path))


def everything(folder: Path, edits: Edits | None = None) -> Callable[[], None]:
    """The program; `folder` takes its files, `edits` are properties by logical name."""

    def program() -> None:
        _Program(folder, edits or {}).all()

    return program


class _Program:
    def __init__(self, folder: Path, edits: Edits) -> None:
        self._folder, self._edits = folder, edits

    def all(self) -> None:
        lake = self._lake()
        code, layer = self._code(lake)
        function = self._function(lake, code, layer)
        self._watching(function)
        self._clock(function)
        self._tables(lake)
        self._make(
            aws.s3.AccessPoint,
            "readers",
            bucket=lake.id,
            policy=aws.get_caller_identity_output().account_id.apply(
                lambda account: policy(
                    Principal={"AWS": account}, Action="s3:GetObject", Resource=f"arn:aws:s3:us-east-1:{account}:accesspoint/*/object/*"
                )
            ),
        )
        listed = lake.arn.apply(lambda arn: policy(Principal={"AWS": "000000000000"}, Action="s3:ListBucket", Resource=arn))
        self._make(aws.s3.BucketPolicy, "through", bucket=lake.id, policy=listed)
        pulumi.export("lake", lake.id)

    def _make(self, kind: Any, name: str, /, **properties: Any) -> Any:
        return kind(name, **{**properties, **self._edits.get(name, {})})

    def _lake(self) -> aws.s3.Bucket:
        lake = self._make(aws.s3.Bucket, "lake", tags={"mesh": "acme"})
        self._make(
            aws.s3.BucketPublicAccessBlock,
            "private",
            bucket=lake.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=False,
        )
        self._make(aws.s3.BucketOwnershipControls, "owner", bucket=lake.id, rule={"object_ownership": "BucketOwnerEnforced"})
        cipher = {"sse_algorithm": "AES256"}
        self._make(
            aws.s3.BucketServerSideEncryptionConfiguration,
            "encrypted",
            bucket=lake.id,
            rules=[{"apply_server_side_encryption_by_default": cipher}],
        )
        self._make(
            aws.s3.BucketLifecycleConfiguration,
            "expiry",
            bucket=lake.id,
            rules=[
                {"id": "keep-400", "status": "Enabled", "filter": {"tag": {"key": "keep", "value": "400"}}, "expiration": {"days": 400}},
                {
                    "id": "parts",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                },
            ],
        )
        return lake

    def _code(self, lake: aws.s3.Bucket) -> tuple[Any, Any]:
        self._make(
            aws.s3.BucketObjectv2,
            "settings",
            bucket=lake.id,
            key="_mesh/settings.json",
            content='{"format":1}',
            content_type="application/json",
            tags={"keep": "400"},
        )
        source = zipped(self._folder, "def handler(event, context): return 1")
        code = self._make(aws.s3.BucketObjectv2, "code", bucket=lake.id, key="_mesh/code.zip", source=source)
        layer = self._make(
            aws.lambda_.LayerVersion,
            "runtime",
            layer_name="acme-runtime",
            s3_bucket=lake.id,
            s3_key=code.key,
            compatible_runtimes=["python3.13"],
            compatible_architectures=["arm64"],
        )
        return code, layer

    def _function(self, lake: aws.s3.Bucket, code: Any, layer: Any) -> aws.lambda_.Function:
        role = self._make(
            aws.iam.Role, "clicks-role", assume_role_policy=trust("lambda"), description="Runs the tap clicks", tags={"tap": "clicks"}
        )
        self._make(
            aws.iam.RolePolicy,
            "clicks-policy",
            role=role.name,
            policy=lake.arn.apply(lambda arn: policy(Action=["s3:PutObject"], Resource=f"{arn}/clicks/*")),
        )
        function = self._make(
            aws.lambda_.Function,
            "clicks",
            role=role.arn,
            runtime="python3.13",
            handler="app.handler",
            s3_bucket=lake.id,
            s3_key=code.key,
            layers=[layer.arn],
            architectures=["arm64"],
            memory_size=128,
            timeout=30,
            environment={"variables": {"TAPMESH_LAKE": lake.id.apply(lambda name: f"s3://{name}")}},
            ephemeral_storage={"size": 512},
            reserved_concurrent_executions=5,
            tags={"tap": "clicks"},
        )
        self._make(
            aws.lambda_.FunctionUrl,
            "clicks-url",
            function_name=function.name,
            authorization_type="NONE",
            cors={"allow_origins": ["https://shop.acme.example"], "allow_methods": ["POST"], "max_age": 300},
        )
        return function

    def _watching(self, function: aws.lambda_.Function) -> None:
        self._make(aws.cloudwatch.LogGroup, "logs", retention_in_days=14, tags={"mesh": "acme"})
        self._make(
            aws.cloudwatch.MetricAlarm,
            "errors",
            alarm_description="The tap clicks fails",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=1,
            metric_name="Errors",
            namespace="AWS/Lambda",
            period=60,
            statistic="Sum",
            threshold=0,
            dimensions={"FunctionName": function.name},
            treat_missing_data="notBreaching",
            tags={"tap": "clicks"},
        )
        count = {"metric_name": "refused", "namespace": "tapmesh", "period": 300, "stat": "Sum", "dimensions": {"tap": "clicks"}}
        self._make(
            aws.cloudwatch.MetricAlarm,
            "refused",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=2,
            threshold=0.1,
            metric_queries=[
                {"id": "refused", "metric": count},
                {"id": "received", "metric": {**count, "metric_name": "received"}},
                {"id": "share", "expression": "refused / received", "label": "Refused", "return_data": True},
            ],
        )
        self._make(
            aws.cloudwatch.Dashboard,
            "dashboard",
            dashboard_name=function.name.apply("acme-{}".format),
            dashboard_body=json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "acme"}}]}),
        )

    def _clock(self, function: aws.lambda_.Function) -> None:
        caller = self._make(aws.iam.Role, "caller-role", assume_role_policy=trust("scheduler"))
        self._make(
            aws.scheduler.Schedule,
            "every-minute",
            schedule_expression="rate(1 minute)",
            flexible_time_window={"mode": "OFF"},
            state="DISABLED",
            target={
                "arn": function.arn,
                "role_arn": caller.arn,
                "input": '{"steward":true}',
                "retry_policy": {"maximum_retry_attempts": 0},
            },
        )

    def _tables(self, lake: aws.s3.Bucket) -> None:
        database = self._make(aws.glue.CatalogDatabase, "mesh", name=lake.id.apply(lambda name: name.replace("-", "_")), description="acme")
        self._make(
            aws.glue.CatalogTable,
            "clicks-table",
            name="clicks",
            database_name=database.name,
            table_type="EXTERNAL_TABLE",
            parameters={"projection.enabled": "true", "projection.year.type": "integer", "projection.year.range": "2026,2035"},
            partition_keys=[{"name": "year", "type": "int"}, {"name": "hour", "type": "int", "comment": "of UTC"}],
            storage_descriptor={
                "location": lake.id.apply(lambda name: f"s3://{name}/clicks/data/"),
                "input_format": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "output_format": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "columns": [{"name": "eventtype", "type": "string"}, {"name": "x", "type": "int"}],
                "ser_de_info": {
                    "serialization_library": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                    "parameters": {"a": "1"},
                },
            },
        )
        self._make(
            aws.athena.Workgroup,
            "analysts",
            description="Of acme",
            force_destroy=True,
            configuration={
                "enforce_workgroup_configuration": True,
                "bytes_scanned_cutoff_per_query": 10_000_000_000,
                "result_configuration": {"output_location": lake.id.apply(lambda name: f"s3://{name}/_athena/")},
            },
            tags={"mesh": "acme"},
        )
