"""The lake: its bucket, what is set on it, its objects and the access points of readers."""

from tests.engine.plugin.also import delete_every_object
from tests.engine.plugin.kind import Kind, Part, Tags

_BUCKET = frozenset({"bucket"})

STORAGE = [
    Kind(
        "aws:s3/bucket:Bucket",
        client="s3",
        create="create_bucket",
        read="head_bucket",
        delete="delete_bucket",
        id="{bucket}",
        autoname=("bucket", 63),
        replaces=_BUCKET,
        local=frozenset({"forceDestroy"}),
        computed={
            "arn": "arn:aws:s3:::{bucket}",
            "bucketDomainName": "{bucket}.s3.amazonaws.com",
            "bucketRegionalDomainName": "{bucket}.s3.{region}.amazonaws.com",
            "bucketRegion": "{region}",
        },
        tags=Tags("put_bucket_tagging", "delete_bucket_tagging", "get_bucket_tagging"),
        empty=delete_every_object,
    ),
    *(
        Kind(
            f"aws:s3/{name[:1].lower()}{name[1:]}:{name}",
            client="s3",
            create=f"put_{call}",
            read=f"get_{call}",
            update=(f"put_{call}",),
            delete=f"delete_{drop}",
            id="{bucket}",
            replaces=_BUCKET,
            local=frozenset({"skipDestroy"}),
        )
        for name, call, drop in (
            ("BucketPublicAccessBlock", "public_access_block", "public_access_block"),
            ("BucketOwnershipControls", "bucket_ownership_controls", "bucket_ownership_controls"),
            ("BucketServerSideEncryptionConfiguration", "bucket_encryption", "bucket_encryption"),
            ("BucketPolicy", "bucket_policy", "bucket_policy"),
            ("BucketLifecycleConfiguration", "bucket_lifecycle_configuration", "bucket_lifecycle"),
        )
    ),
    Kind(
        "aws:s3/bucketObjectv2:BucketObjectv2",
        client="s3",
        create="put_object",
        read="head_object",
        update=("put_object",),
        delete="delete_object",
        id="{bucket}/{key}",
        aliases={"source": "Body", "content": "Body"},
        autoname=("key", 0),
        replaces=frozenset({"bucket", "key"}),
        local=frozenset({"forceDestroy", "sourceHash"}),
        unread=frozenset({"source", "content"}),
        computed={"arn": "arn:aws:s3:::{bucket}/{key}", "etag": "ETag", "versionId": "VersionId"},
        volatile=frozenset({"etag", "versionId"}),
        tags=Tags("put_object_tagging", "delete_object_tagging", "get_object_tagging"),
    ),
    Kind(
        "aws:s3/accessPoint:AccessPoint",
        client="s3control",
        create="create_access_point",
        read="get_access_point",
        delete="delete_access_point",
        id="{accountId}:{name}",
        autoname=("name", 50),
        replaces=frozenset({"bucket", "name", "accountId", "publicAccessBlockConfiguration", "vpcConfiguration"}),
        defaults={"accountId": "{account}"},
        computed={
            "arn": "AccessPointArn",
            "alias": "Alias",
            "networkOrigin": "NetworkOrigin",
            "domainName": "{name}-{account}.s3-accesspoint.{region}.amazonaws.com",
        },
        parts=(Part(("policy",), "put_access_point_policy", "delete_access_point_policy", "get_access_point_policy"),),
    ),
]
