"""Who may do what: each function no more than what `tap_runtime` calls, below its own tap's prefixes.

Two resources are wider than one tap's own: the shared log group, and the steward's call of every function of the mesh.
"""

from collections.abc import Iterable

from mesh.plan.access import Policy, Statement
from mesh.plan.names import Names
from mesh.spec.mesh import ReadGrant

# What lander and handler do below _mesh/<kind>/<tap>/. A copy reads its source with its tags and writes both; large files are
# staged in parts. Data and quarantine are only ever copied to: nothing reads or deletes them.
_READ = ("settings", "open", "stored", "keys", "staged", "landed")
_WRITTEN = ("open", "stored", "keys", "staged", "landed", "quarantine")
_TAGGED = ("stored", "staged", "landed", "quarantine")
_DELETED = ("open", "stored", "staged")
# S3 says "not there" (404) instead of "denied" (403) to who may list with the very key as prefix, and much is asked for that is not there.
_LISTED = _READ

_WAITING = ("open", "stored", "settings", "landed")


def tap_policy(names: Names, tap: str) -> Policy:
    """Of a tap's function."""

    def own(*kinds: str) -> tuple[str, ...]:
        return tuple(names.objects(f"_mesh/{kind}/{tap}/*") for kind in kinds)

    data = names.objects(f"{tap}/data/*")
    return Policy(
        (
            Statement(("s3:GetObject",), own(*_READ)),
            Statement(("s3:GetObjectTagging", "s3:AbortMultipartUpload"), own("staged")),
            Statement(("s3:PutObject",), (*own(*_WRITTEN), data)),
            Statement(("s3:PutObjectTagging",), (*own(*_TAGGED), data)),
            Statement(("s3:DeleteObject",), own(*_DELETED)),
            _lists(names.objects(), (f"_mesh/{kind}/{tap}/*" for kind in _LISTED)),
            _logs(names),
        )
    )


def steward_policy(names: Names) -> Policy:
    """Of the steward: what is open or reported in the whole mesh, and a call of its taps' functions; no data, nothing a tap stored."""
    return Policy(
        (
            Statement(("s3:GetObject",), tuple(names.objects(f"_mesh/{kind}/*") for kind in ("open", "settings", "landed", "lost"))),
            Statement(("s3:PutObject",), (names.objects("_mesh/lost/*"),)),
            Statement(("s3:DeleteObject",), (names.objects("_mesh/open/*"),)),
            _lists(names.objects(), (f"_mesh/{kind}/*" for kind in _WAITING)),
            Statement(("lambda:InvokeFunction",), (names.arn("lambda", f"function:{names.prefix}*"),)),
            _logs(names),
        )
    )


def source_policy(names: Names, source: str, tap: str) -> Policy:
    """Of a source's function: its own bookmark and what that stands on, and a call of its tap's function, which takes that for a token."""
    own = (names.objects(f"_mesh/sources/{source}/*"),)
    return Policy(
        (
            Statement(("ssm:GetParameter", "ssm:PutParameter"), (names.arn("ssm", f"parameter{names.parameter(source)}"),)),
            Statement(("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"), own),
            Statement(("lambda:InvokeFunction",), (names.arn("lambda", f"function:{names.prefix}{tap}"),)),
            _logs(names),
        )
    )


def schedule_policy(names: Names, function: str) -> Policy:
    """Of a schedule."""
    return Policy((Statement(("lambda:InvokeFunction",), (names.arn("lambda", f"function:{function}"),)),))


def trust(what: str, account: str | None = None) -> Policy:
    """Lets a part of AWS take a role on; where it works for many accounts, for this one only."""
    conditions = {} if account is None else {"StringEquals": {"aws:SourceAccount": (account,)}}
    return Policy((Statement(("sts:AssumeRole",), principals={"Service": (f"{what}.amazonaws.com",)}, conditions=conditions),))


def reader_policy(names: Names, tap: str, readers: Iterable[ReadGrant]) -> Policy:
    """Of a tap's access point: its data, and never anything below `_mesh/`."""
    partition = names.stack.partition
    who = {"AWS": tuple(each.to if each.kind == "role" else f"arn:{partition}:iam::{each.to}:root" for each in readers)}
    point = names.arn("s3", f"accesspoint/{names.access_point(tap)}")
    lists = _lists(point, (f"{tap}/data/*",))
    return Policy(
        (
            Statement(("s3:GetObject",), (f"{point}/object/{tap}/data/*",), principals=who),
            Statement(lists.actions, lists.resources, lists.conditions, who),
        )
    )


def bucket_policy(names: Names) -> Policy:
    """Leaves it to the mesh's access points who reads what through them."""
    through = {"ArnLike": {"s3:DataAccessPointArn": (names.arn("s3", f"accesspoint/{names.prefix}*"),)}}
    everybody = {"AWS": ("*",)}
    return Policy(
        (
            Statement(("s3:GetObject",), (names.objects("*"),), through, everybody),
            Statement(("s3:ListBucket",), (names.objects(),), through, everybody),
        )
    )


def _lists(bucket: str, prefixes: Iterable[str]) -> Statement:
    return Statement(("s3:ListBucket",), (bucket,), {"StringLike": {"s3:prefix": tuple(prefixes)}})


def _logs(names: Names) -> Statement:
    return Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (names.arn("logs", f"log-group:{names.log_group}:*"),))
