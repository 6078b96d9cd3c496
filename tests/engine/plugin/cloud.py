"""The account the plugin works in: one boto3 client a service, made when first needed."""

import os
import re
import threading
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

_GONE = re.compile(r"NotFound|NoSuch|does not exist|not found", re.IGNORECASE)


class Cloud:
    """Region, endpoint and credentials are boto3's own: the environment of the plugin."""

    def __init__(self, region: str | None = None) -> None:
        self.region = region or os.environ["AWS_REGION"]
        self._session = boto3.Session(region_name=self.region)
        self._clients: dict[str, Any] = {}
        self._making = threading.RLock()

    @cached_property
    def account(self) -> str:
        """Its number."""
        return str(self.client("sts").get_caller_identity()["Account"])

    def client(self, name: str) -> Any:
        """boto3's client of a service; sessions may not make two at once."""
        with self._making:
            if name not in self._clients:
                config = Config(s3={"addressing_style": "path"}, inject_host_prefix=False, retries={"total_max_attempts": 2})
                made = self._clients[name] = self._session.client(name, config=config)
                made.meta.events.register("before-call.s3-control", _to_address)
            return self._clients[name]

    def shapes(self, client: str, call: str) -> tuple[Any, Any]:
        """Of the call's request and answer."""
        made = self.client(client)
        model = made.meta.service_model.operation_model(made.meta.method_to_api_mapping[call])
        return model.input_shape, model.output_shape

    def ask(self, client: str, call: str, request: dict[str, Any], *, needed: bool) -> dict[str, Any] | None:
        """The answer; nothing when what is asked about is not there, unless it is needed."""
        try:
            return dict(getattr(self.client(client), call)(**request))
        except ClientError as error:
            said = error.response["Error"]
            if not needed and (said["Code"] == "404" or _GONE.search(said["Code"]) or _GONE.search(said.get("Message", ""))):
                return None
            raise


def _to_address(params: dict[str, Any], **_: Any) -> None:
    """S3 Control puts the account's number before the host, which an emulator's address cannot have."""
    params["url"] = re.sub(r"//\d{12}\.127\.0\.0\.1", "//127.0.0.1", params["url"])
