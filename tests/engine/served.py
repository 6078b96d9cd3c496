"""The account's functions as Lambda runs them: what the emulated AWS invokes goes to environments made of what was deployed.

The emulated AWS has the Function URLs, their permissions and events, but starts no extensions. It hands a function's invocations to an
address where it was told one; there they reach the deployed zip and layers under Lambda's own emulator, with the deployed role's rights.
"""

import io
import json
import threading
import urllib.request
import zipfile
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.emulated.aws import Aws, Credentials
from tests.emulated.deployed import Deployed
from tests.emulated.fleet import Fleet
from tests.emulated.tap import unpacked
from tests.engine.plugin.cloud import Cloud

_TELL = """import os
def handler(event, context):
    return [os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
"""


class Served:
    """Where invocations arrive. A function has environments from `serve` on; until then an invocation of it fails."""

    def __init__(self, names: Iterable[str]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Invocation)
        self._server.fleets = self.fleets = {}  # type: ignore[attr-defined]
        self.fleets: dict[str, Fleet]
        address = f"http://127.0.0.1:{self._server.server_port}"
        self.variables: Mapping[str, str] = {f"MINISTACK_LAMBDA_PROXY_{name}": f"{address}/{name}" for name in names}
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def serve(self, name: str, account: Aws, cloud: Cloud, folder: Path) -> Fleet:
        """Downloads what was deployed as this function, and runs it from now on."""
        self.fleets[name] = Fleet(deployed(name, account, cloud, folder), folder)
        return self.fleets[name]

    def vanish(self) -> None:
        """All environments end, and functions are not served any more."""
        while self.fleets:
            self.fleets.popitem()[1].__exit__()

    def close(self) -> None:
        """Ends it."""
        self.vanish()
        self._server.shutdown()
        self._server.server_close()


class _Invocation(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        fleet = self.server.fleets.get(self.path.strip("/"))  # type: ignore[attr-defined]
        outcome = fleet.invoke(event) if fleet else None
        body = b"not served" if outcome is None else outcome.body
        self.send_response(503 if outcome is None or outcome.failed else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


def deployed(name: str, account: Aws, cloud: Cloud, folder: Path) -> Deployed:
    """A function by what the account says of it: code, layers, environment, memory and role."""
    functions = cloud.client("lambda")
    told = functions.get_function(FunctionName=name)
    found = told["Configuration"]
    arns = [layer["Arn"] for layer in found["Layers"]]
    layers = [functions.get_layer_version_by_arn(Arn=arn)["Content"] for arn in arns]
    variables = {**role_credentials(found["Role"], cloud).variables(account.endpoint), **found["Environment"]["Variables"]}
    return Deployed(
        name,
        _downloaded(found["CodeSha256"], [told["Code"]["Location"]], folder),
        _downloaded("-".join(layer["CodeSha256"] for layer in layers), [layer["Location"] for layer in layers], folder),
        variables,
        found["Handler"],
        found["MemorySize"],
        found["Timeout"],
    )


def _downloaded(digest: str, locations: list[str], folder: Path) -> Path:
    """Zips unpacked over one another, once for the same bytes."""
    into = folder / digest.replace("/", "_")
    for number, location in enumerate([] if into.exists() else locations):
        archive = folder / f"{number}.zip"
        archive.write_bytes(urllib.request.urlopen(location, timeout=60).read())
        unpacked(archive, into)
    return into


def role_credentials(role: str, cloud: Cloud) -> Credentials:
    """Of a role that only Lambda may take on: a function with it says what Lambda gave it."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("tell.py", _TELL)
    functions, name = cloud.client("lambda"), f"tell-{uuid4().hex[:12]}"
    functions.create_function(FunctionName=name, Role=role, Runtime="python3.13", Handler="tell.handler", Code={"ZipFile": code.getvalue()})
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    told = functions.invoke(FunctionName=name)
    functions.delete_function(FunctionName=name)
    answer = json.loads(told["Payload"].read())
    assert "FunctionError" not in told, answer
    return Credentials(*answer)
