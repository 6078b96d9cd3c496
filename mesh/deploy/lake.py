"""The bucket with its rules, what every function runs from, and where Athena finds the taps' tables."""

import json

import pulumi
import pulumi_aws as aws

from mesh.package import Artefact, Built
from mesh.plan import MeshPlan
from mesh.plan.model import Expiry
from tap_runtime import FORMAT
from tap_runtime import lake as keys

_Rule = aws.s3.BucketLifecycleConfigurationRuleArgsDict
_Filter = aws.s3.BucketLifecycleConfigurationRuleFilterArgsDict
_Encryption = aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict
_Cipher = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgsDict
KIND = "tapmesh:mesh:Lake"


class Lake(pulumi.ComponentResource):
    """What all taps share. The bucket and what is set on it outlive the stack; an adopted bucket is left as it is."""

    def __init__(self, plan: MeshPlan, built: Built) -> None:
        super().__init__(KIND, "lake")
        self._plan = plan
        self._inside = pulumi.ResourceOptions(parent=self)
        self._kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        self.bucket = self._bucket()
        content = json.dumps({"format": FORMAT, "mesh": plan.mesh})
        aws.s3.BucketObjectv2("mesh", bucket=self.bucket.id, key=keys.MESH, content=content, opts=self._kept)
        self.runtime = self.uploaded("runtime", built.runtime)
        self.packages, self.lander = self._layer("packages", built.layer), self._layer("lander", built.lander)
        self.log_group = aws.cloudwatch.LogGroup("functions", name=plan.log_group, retention_in_days=plan.log_days, opts=self._inside)
        self.database = aws.glue.CatalogDatabase("tables", name=plan.database, opts=self._inside)
        aws.athena.Workgroup(
            "queries",
            name=plan.workgroup,
            force_destroy=True,
            configuration={"result_configuration": {"output_location": plan.query_results}},
            opts=self._inside,
        )

    def uploaded(self, name: str, artefact: Artefact) -> aws.s3.BucketObjectv2:
        """Under the name that its bytes have: the same bytes are the same object."""
        key, source = f"_mesh/code/{artefact.path.name}", pulumi.FileAsset(str(artefact.path))
        return aws.s3.BucketObjectv2(name, bucket=self.bucket.id, key=key, source=source, opts=self._inside)

    def _layer(self, name: str, artefact: Artefact) -> aws.lambda_.LayerVersion:
        uploaded, function = self.uploaded(name, artefact), self._plan.steward.function
        return aws.lambda_.LayerVersion(
            name,
            layer_name=f"{self._plan.name}_{name}",
            s3_bucket=uploaded.bucket,
            s3_key=uploaded.key,
            compatible_runtimes=[function.runtime],
            compatible_architectures=[function.architecture],
            opts=self._inside,
        )

    def _bucket(self) -> aws.s3.Bucket:
        lake = self._plan.lake
        if lake.adopted:
            return aws.s3.Bucket.get("bucket", lake.bucket, opts=self._inside)
        bucket = aws.s3.Bucket("bucket", bucket=lake.bucket, opts=self._kept)
        private = aws.s3.BucketPublicAccessBlock(
            "private",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._kept,
        )
        aws.s3.BucketOwnershipControls("owned", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=self._kept)
        cipher: _Cipher = {"sse_algorithm": "AES256"}
        by_default: _Encryption = {"apply_server_side_encryption_by_default": cipher}
        aws.s3.BucketServerSideEncryptionConfiguration("encrypted", bucket=bucket.id, rules=[by_default], opts=self._kept)
        uploads: _Rule = {
            "id": "uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": lake.abort_uploads_days},
        }
        rules = [*map(_rule, lake.expiries), uploads]
        aws.s3.BucketLifecycleConfiguration("expiry", bucket=bucket.id, rules=rules, opts=self._kept)
        if lake.policy is not None:
            after = pulumi.ResourceOptions(parent=self, depends_on=[private])
            aws.s3.BucketPolicy("readers", bucket=bucket.id, policy=lake.policy.json(), opts=after)
        return bucket


def _rule(expiry: Expiry) -> _Rule:
    found: _Filter = {"prefix": expiry.prefix} if expiry.keep is None else {"tag": {"key": "keep", "value": expiry.keep}}
    return {"id": expiry.name, "status": "Enabled", "filter": found, "expiration": {"days": expiry.days}}
