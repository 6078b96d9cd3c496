"""Every request S3 knows, in its smallest form: what somebody with a role's credentials could try on a key, a prefix or a bucket."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError


def on_a_key(s3: Any, bucket: str, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Calls with a key, by name, and their requests."""
    for call, shape in _calls(s3):
        if "Key" in shape.required_members:
            source = {"CopySource": f"{bucket}/{key}"} if "CopySource" in shape.members else {}
            yield call, {**_smallest(shape), "Bucket": bucket, "Key": key, **source}


def on_a_bucket(s3: Any, bucket: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Calls with a bucket and no key; the one that makes a bucket is not among them."""
    for call, shape in _calls(s3):
        if "Bucket" in shape.required_members and "Key" not in shape.required_members and call != "create_bucket":
            yield call, {**_smallest(shape), "Bucket": bucket}


def refused(client: Any, call: str, request: dict[str, Any]) -> str | None:
    """The code of the refusal; None: it was done. HEAD has no body and so no code but its status."""
    try:
        answer = getattr(client, call)(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    errors = answer.get("Errors")  # of a DeleteObjects, a refusal a key
    return str(errors[0]["Code"]) if errors else None


def _calls(s3: Any) -> Iterator[tuple[str, Any]]:
    model = s3.meta.service_model
    for call, operation in sorted(s3.meta.method_to_api_mapping.items()):
        shape = model.operation_model(operation).input_shape
        if shape is not None:
            yield call, shape


def _smallest(shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            wanted = list(shape.members)[:1] if shape.is_tagged_union else shape.required_members
            return {name: _smallest(shape.members[name]) for name in wanted}
        case "list":
            return [_smallest(shape.member)]
        case "string":
            return shape.enum[0] if shape.enum else "x" * shape.metadata.get("min", 1)
        case "integer" | "long":
            return 1
        case "boolean":
            return True
        case "timestamp":
            return "2026-11-23T00:00:00Z"
    return b"x"
