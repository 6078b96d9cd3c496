"""A function that a schedule calls, as resources; and the sources, each of which is one."""

import pulumi
import pulumi_aws as aws

from mesh.deploy.function import make_function
from mesh.deploy.lake import Lake
from mesh.deploy.role import make_role
from mesh.plan.model import Scheduled, SourcePlan

KIND = "tapmesh:mesh:Source"


def make_scheduled(plan: Scheduled, code: aws.s3.BucketObjectv2, lake: Lake, parent: pulumi.Resource) -> None:
    """Both roles, the function and its schedule, named as the roles are."""
    role, policy = make_role(plan.role, parent)
    after = pulumi.ResourceOptions(parent=parent, depends_on=[policy])
    function = make_function(plan.role.name, plan.function, role, code, lake, [lake.packages], after)
    caller, calls = make_role(plan.schedule_role, parent)
    aws.scheduler.Schedule(
        plan.schedule_role.name,
        name=plan.schedule_name,
        schedule_expression=plan.schedule,
        flexible_time_window={"mode": "OFF"},
        target={"arn": function.arn, "role_arn": caller.arn, "retry_policy": {"maximum_retry_attempts": 0}},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[calls]),
    )


class Source(pulumi.ComponentResource):
    """One source. Its bookmark is the function's own: as data does, it outlives the stack."""

    def __init__(self, plan: SourcePlan, code: aws.s3.BucketObjectv2, lake: Lake) -> None:
        super().__init__(KIND, plan.name)
        make_scheduled(plan.scheduled, code, lake, self)
