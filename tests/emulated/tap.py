"""A tap as it is deployed: the zips of `tapmesh build` unpacked, its settings object in the bucket, a role with its policy."""

import platform
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from obstore.store import S3Store

from mesh.package import build
from mesh.plan import TapPlan
from tap_runtime import lake
from tap_runtime.store import ObjectStore
from tests.emulated.aws import Aws
from tests.emulated.bring import missing
from tests.emulated.deployed import Deployed
from tests.emulated.python import LACKING, lambda_python

HANDLER = "tap_runtime.function.handler"


@dataclass(frozen=True)
class Package:
    """/var/task and /opt."""

    code: Path
    layer: Path


def package(folder: Path) -> Package:
    """Builds and unpacks what every tap runs from."""
    if lambda_python() is None:
        missing(LACKING)
    built = build("arm64" if platform.machine() == "aarch64" else "x86_64", folder / "zips")
    unpacked(built.lander.path, folder / "layer")
    return Package(unpacked(built.runtime.path, folder / "code"), unpacked(built.layer.path, folder / "layer"))


def unpacked(path: Path, folder: Path) -> Path:
    """Unzips with the modes the zip names, as Lambda does."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            Path(archive.extract(info, folder)).chmod(info.external_attr >> 16)
    return folder


def bucket(aws: Aws, name: str) -> ObjectStore:
    """A new bucket, and all of it for a test to look at."""
    aws.bucket(name)
    options: Any = {"allow_http": True}
    key = {"access_key_id": aws.admin.key_id, "secret_access_key": aws.admin.secret, "region": "us-east-1"}
    return ObjectStore(S3Store(name, endpoint=aws.endpoint, client_options=options, **key))


def deployed(aws: Aws, bucket: str, store: ObjectStore, plan: TapPlan, package: Package, endpoint: str | None = None) -> Deployed:
    """Writes the settings object, makes the role; the bucket is the plan\'s. `endpoint` is where the function finds S3 if elsewhere."""
    key = lake.settings_key(plan.name, plan.settings_sha256)
    store.put(key, plan.settings.to_json())
    role = aws.role(f"{bucket}-{plan.name}-{plan.settings_sha256[:8]}", plan.role.policy.json())
    variables = {**role.variables(endpoint or aws.endpoint), "TAPMESH_LAKE": f"s3://{bucket}", "TAPMESH_SETTINGS": key}
    return Deployed(plan.function.name, package.code, package.layer, variables, HANDLER, plan.settings.memory_mb)
