"""What the AWS provider does beside a resource's own calls."""

from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from tests.engine.plugin.cloud import Cloud

_PUBLIC = {
    "FunctionURLAllowPublicAccess": {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
    "FunctionURLAllowInvokeAction": {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
}


def allow_the_public(cloud: Cloud, properties: dict[str, Any]) -> None:
    """A URL that asks for no signature needs both permissions; one that asks for it, none."""
    function, client = properties["functionName"], cloud.client("lambda")
    for statement, permission in _PUBLIC.items():
        with suppress(client.exceptions.ResourceConflictException, client.exceptions.ResourceNotFoundException):
            if properties["authorizationType"] == "NONE":
                client.add_permission(FunctionName=function, StatementId=statement, Principal="*", **permission)
            else:
                client.remove_permission(FunctionName=function, StatementId=statement)


def delete_every_object(cloud: Cloud, properties: dict[str, Any]) -> None:
    """Before a bucket goes, if the program said `forceDestroy`."""
    client = cloud.client("s3")
    if properties.get("forceDestroy"):
        with suppress(ClientError):
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=properties["bucket"]):
                for held in page.get("Contents", []):
                    client.delete_object(Bucket=properties["bucket"], Key=held["Key"])
