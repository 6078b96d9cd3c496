"""A plan's role as resources: the role, and its one policy."""

import pulumi
import pulumi_aws as aws

from mesh.plan.model import Role


def make_role(plan: Role, parent: pulumi.Resource, keep: bool = False) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """`keep`: both outlive their block in taps.yaml, as environments may still hold batches to land.

    The name is Pulumi's, `clicks-1a2b3c4` on the mesh's path, so that one that was kept is never in the way of the next.
    """
    options = pulumi.ResourceOptions(parent=parent, retain_on_delete=keep)
    role = aws.iam.Role(plan.name, path=plan.path, assume_role_policy=plan.trust.json(), opts=options)
    policy = aws.iam.RolePolicy(plan.name, name="tapmesh", role=role.name, policy=plan.policy.json(), opts=options)
    return role, policy
