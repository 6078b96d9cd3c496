"""What everything of a mesh is called in one stack: one place, so that names stay unique in an account and within what AWS takes."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from mesh.spec.mesh import Mesh
from tap_runtime.settings import VerifyKey

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,13}[a-z0-9])?")
_ACCESS_POINT = 41  # of the 50 characters S3 takes, before a dash and eight of the digest


class BadStack(Exception):
    """The stack cannot be named so, in words."""


@dataclass(frozen=True)
class Stack:
    """One deployment of a mesh, like dev or prod. What only the cloud can say stands between < and > until it was asked."""

    name: str
    keys: tuple[VerifyKey, ...] = ()
    bucket: str | None = None
    account: str = "<account>"
    region: str = "<region>"
    architecture: Literal["arm64", "x86_64"] = "arm64"
    partition: str = "aws"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            what = "a stack's name here is a-z, then a-z, 0-9 and -, at most 15 characters and no - at its end"
            raise BadStack(f"{self.name[:60] or 'an empty text'}: {what}")


def issuer(mesh: Mesh, stack: str) -> str:
    """Who signs this mesh's tokens in this stack."""
    return f"{mesh.name}/{stack}"


def bucket_name(mesh: Mesh, stack: Stack) -> str:
    """The stack's own, the file's where it is adopted, else the file's with the stack behind it: two stacks of one file never share."""
    if stack.bucket is not None:
        return stack.bucket
    if mesh.bucket is not None and mesh.adopt_bucket:
        return mesh.bucket
    return f"{mesh.bucket or f'{mesh.name}-lake'}-{stack.name}"


@dataclass(frozen=True)
class Names:
    """Names and ARNs of one mesh in one stack."""

    mesh: str
    stack: Stack
    bucket: str

    @property
    def whole(self) -> str:
        """The mesh in this stack: the metrics' dimension, the dashboard, the workgroup."""
        return f"{self.mesh}-{self.stack.name}"

    @property
    def prefix(self) -> str:
        """What the name of each tap's function begins with; at most 62 characters with a tap behind it, of AWS's 64."""
        return f"{self.whole}-"

    def own(self, what: str) -> str:
        """Something of the mesh itself. No tap's name, nor begins with `prefix`: mesh and stack have no underscore."""
        return f"{self.whole}_{what}"

    @property
    def role_path(self) -> str:
        """Where the mesh's roles stand in the account."""
        return f"/tapmesh/{self.whole}/"

    @property
    def log_group(self) -> str:
        """All functions write here."""
        return f"/tapmesh/{self.whole}"

    def parameter(self, source: str) -> str:
        """Where SSM keeps a source's bookmark."""
        return f"/tapmesh/{self.whole}/{source}"

    @property
    def database(self) -> str:
        """Athena takes a dash in quotes only."""
        return self.whole.replace("-", "_")

    def access_point(self, tap: str) -> str:
        """S3 takes 50 characters, no underscore and no dash at the end."""
        name = f"{self.prefix}{tap}"
        return f"{name.replace('_', '-')[:_ACCESS_POINT]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    def arn(self, what: str, resource: str) -> str:
        """Of something in this account and region; `what` is AWS's word for its kind, like lambda."""
        return f"arn:{self.stack.partition}:{what}:{self.stack.region}:{self.stack.account}:{resource}"

    def objects(self, key: str = "") -> str:
        """The ARN of the lake's bucket, or of the objects `key` names."""
        return f"arn:{self.stack.partition}:s3:::{self.bucket}{'/' if key else ''}{key}"
