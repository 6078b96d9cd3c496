"""One tap: role and policy, settings, function and URL, table, and an access point for other accounts' readers."""

import pulumi
import pulumi_aws as aws

from mesh.deploy.function import make_function
from mesh.deploy.lake import Lake
from mesh.deploy.role import make_role
from mesh.plan import TapPlan
from mesh.plan.ddl import ALIAS
from mesh.plan.model import AccessPoint, Table, Url

KIND = "tapmesh:mesh:Tap"
_HIVE = "org.apache.hadoop.hive.ql.io.parquet"


class Tap(pulumi.ComponentResource):
    """`url` None: closed. `ddl`: for other accounts. Settings stay for good; role and policy until the tap was deployed as closed."""

    def __init__(self, plan: TapPlan, lake: Lake) -> None:
        super().__init__(KIND, plan.name)
        inside = pulumi.ResourceOptions(parent=self)
        role, policy = make_role(plan.role, self, keep=plan.url is not None)
        settings = aws.s3.BucketObjectv2(
            plan.name,
            bucket=lake.bucket.id,
            key=plan.settings_key,
            content=plan.settings.to_json().decode(),
            content_type="application/json",
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[policy, settings])
        function = make_function(plan.name, plan.function, role, lake.runtime, lake, [lake.packages, lake.lander], after)
        self.url = None if plan.url is None else _url(plan.name, function, plan.url, inside).function_url
        _table(plan.table, lake, inside)
        self.ddl = None if plan.access_point is None else _access_point(plan.name, plan.access_point, lake, inside)


def _access_point(name: str, plan: AccessPoint, lake: Lake, inside: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """What its readers run in their own Athena."""
    point = aws.s3.AccessPoint(name, name=plan.name, bucket=lake.bucket.id, policy=plan.policy.json(), opts=inside)
    return point.alias.apply(lambda alias: plan.ddl.replace(ALIAS, alias))


def _url(name: str, function: aws.lambda_.Function, plan: Url, inside: pulumi.ResourceOptions) -> aws.lambda_.FunctionUrl:
    cors: aws.lambda_.FunctionUrlCorsArgsDict = {
        "allow_origins": [*plan.origins],
        "allow_methods": [*plan.methods],
        "allow_headers": [*plan.headers],
        "max_age": plan.max_age_s,
    }
    return aws.lambda_.FunctionUrl(
        name, function_name=function.name, authorization_type="NONE", cors=cors if plan.origins else None, opts=inside
    )


def _table(plan: Table, lake: Lake, inside: pulumi.ResourceOptions) -> aws.glue.CatalogTable:
    return aws.glue.CatalogTable(
        plan.name,
        name=plan.name,
        database_name=lake.database.name,
        description=plan.about,
        table_type="EXTERNAL_TABLE",
        parameters=dict(plan.parameters),
        partition_keys=[{"name": column.name, "type": column.type} for column in plan.partitions],
        storage_descriptor={
            "location": plan.location,
            "input_format": f"{_HIVE}.MapredParquetInputFormat",
            "output_format": f"{_HIVE}.MapredParquetOutputFormat",
            "columns": [{"name": column.name, "type": column.type} for column in plan.columns],
            "ser_de_info": {"serialization_library": f"{_HIVE}.serde.ParquetHiveSerDe"},
        },
        opts=inside,
    )
