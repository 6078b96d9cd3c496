"""A plan's function as a resource."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from mesh.deploy.asked import secret
from mesh.deploy.lake import Lake
from mesh.plan.model import Function

Layers = Sequence[aws.lambda_.LayerVersion]


def make_function(
    name: str,
    plan: Function,
    role: aws.iam.Role,
    code: aws.s3.BucketObjectv2,
    lake: Lake,
    layers: Layers,
    opts: pulumi.ResourceOptions,
) -> aws.lambda_.Function:
    """`opts` names whose it is, and what has to be there before it starts: its policy, its settings."""
    return aws.lambda_.Function(
        name,
        name=plan.name,
        description=plan.about,
        role=role.arn,
        runtime=plan.runtime,
        architectures=[plan.architecture],
        handler=plan.handler,
        s3_bucket=code.bucket,
        s3_key=code.key,
        layers=[layer.arn for layer in layers],
        memory_size=plan.memory_mb,
        timeout=plan.timeout_s,
        reserved_concurrent_executions=plan.concurrency,
        environment={"variables": {**plan.environment, **{name: secret(name) for name in plan.secrets}}},
        logging_config={
            "log_format": "JSON",  # in which our own lines stay as they are
            "application_log_level": "INFO",
            "system_log_level": "WARN",  # of Lambda's three lines a request only failures: docs/decisions.md
            "log_group": lake.log_group.name,
        },
        opts=opts,
    )
