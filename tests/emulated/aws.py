"""An AWS of our own: ministack on a free port, its package kept outside the checkout; policies are enforced where asked for."""

import datetime as dt
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from tests.emulated.bring import cached, free_port, pip

MINISTACK = "ministack==1.5.33"
REGION = "us-east-1"
_TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}


@dataclass(frozen=True)
class Credentials:
    """Of the account's root, or of a role somebody assumed."""

    key_id: str = "test"
    secret: str = "test"
    token: str | None = None

    def variables(self, endpoint: str) -> dict[str, str]:
        """As Lambda hands them to a function, and where its S3 is."""
        return {
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            **({"AWS_SESSION_TOKEN": self.token} if self.token else {}),
            "AWS_REGION": REGION,
            "AWS_ENDPOINT": endpoint,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
        }


@dataclass(frozen=True)
class Aws:
    """A running one; `admin` may do everything."""

    endpoint: str
    admin: Credentials = Credentials()

    def bucket(self, name: str) -> None:
        """Makes a bucket."""
        self.call("s3", "PUT", f"/{name}", credentials=self.admin)

    def role(self, name: str, policy: str) -> Credentials:
        """A role with this one policy (JSON), assumed as Lambda assumes it for a function."""
        arn = f"arn:aws:iam::000000000000:role/{name}"
        self._query("iam", "2010-05-08", Action="CreateRole", RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
        self._query("iam", "2010-05-08", Action="PutRolePolicy", RoleName=name, PolicyName=name, PolicyDocument=policy)
        answer = self._query("sts", "2011-06-15", Action="AssumeRole", RoleArn=arn, RoleSessionName=name)
        return Credentials(*(_element(answer, each) for each in ("AccessKeyId", "SecretAccessKey", "SessionToken")))

    def function_url(self, url: str) -> str:
        """Where a function's URL, as AWS names it, is served here."""
        return f"{self.endpoint}/_aws/lambda-url/{urlsplit(url).netloc.partition('.')[0]}/"

    def _query(self, service: str, version: str, **parameters: str) -> str:
        body = urlencode({"Version": version, **parameters}).encode()
        return self.call(service, "POST", "/", body, self.admin).decode()

    def call(self, service: str, method: str, path: str, body: bytes = b"", credentials: Credentials | None = None) -> bytes:
        """A signed request; raises urllib's HTTPError when it is refused."""
        url = self.endpoint + quote(path)
        headers = signed(credentials or self.admin, service, method, url, body)
        if service != "s3":
            headers["content-type"] = "application/x-www-form-urlencoded"
        with urllib.request.urlopen(urllib.request.Request(url, body or None, headers, method=method), timeout=30) as answer:
            return bytes(answer.read())


def signed(credentials: Credentials, service: str, method: str, url: str, body: bytes) -> dict[str, str]:
    """The headers of AWS's signature, version 4, for a request without a query."""
    now, parts, digest = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}", urlsplit(url), hashlib.sha256(body).hexdigest()
    headers = {"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": now}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names, scope = ";".join(sorted(headers)), f"{now[:8]}/{REGION}/{service}/aws4_request"
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"{method}\n{parts.path}\n\n{lines}\n{names}\n{digest}"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return {
        **headers,
        "authorization": f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope}, SignedHeaders={names}, Signature={key.hex()}",
    }


def _element(xml: str, name: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    assert found, xml
    return found[1]


def installed() -> Path:
    """A virtual environment with ministack and the DuckDB its Athena queries with, made once."""
    wanted = (MINISTACK, *(f"{name}=={version(name)}" for name in ("duckdb", "pytz")))
    folder = cached("+".join(wanted))
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip("install", "-q", *wanted, python=(str(python),))
        (folder / "done").touch()
    return python


@contextmanager
def running(log: Path, *, auth: bool, **variables: str) -> Iterator[Aws]:
    """One of our own; with `auth` every request needs a genuine signature and a policy that allows it."""
    port = free_port()
    own: Mapping[str, str] = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {**own, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "AUTH": str(auth).lower(), **variables}
    with log.open("wb") as file:
        process = subprocess.Popen([str(installed()), "-m", "ministack"], env=environment, stdout=file, stderr=file)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, f"ministack ended: {log.read_text()[-2000:]}"
                time.sleep(0.2)
        else:
            raise AssertionError(f"ministack did not start: {log.read_text()[-2000:]}")
        yield Aws(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(60)
