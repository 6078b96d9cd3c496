"""A `taps.yaml`, a stack of it with its signing key, and what a test leaves of both: nothing."""

import datetime as dt
import json
import os
import platform
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from mesh.deploy import deploy
from mesh.grants.keys import new_keyring
from mesh.grants.tokens import issue
from tap_runtime.settings import VerifyKey
from tests.engine.plugin.cloud import Cloud
from tests.engine.stack import ROOT, MakeStack, Outcome, Stack

SECRET = "the-tap-master-secret-of-lead"
EXAMPLE = (ROOT / "taps.yaml").read_text()
SMALL = """
version: 1
mesh: small
people: {lead: {email: lead@acme.example}, partner: {email: partner@example.org}}
teams: {growth: [lead]}
defaults: {team: growth}
taps:
  clicks: {sql: clicks.sql, ack: stored, schema: {id: VARCHAR, x: INTEGER}}
  orders: {grants: {read: [{account: "222222222222"}]}}
"""


class Mesh:
    """`up` is of the file as it is saved."""

    def __init__(self, folder: Path, text: str, make_stack: MakeStack, name: str = "dev") -> None:
        self.file = folder / "taps.yaml"
        self.file.write_text(text)
        (folder / "clicks.sql").write_text("select * from events")
        if not (folder / "sql").exists():
            (folder / "sql").symlink_to(ROOT / "sql")
        self.stack: Stack = make_stack(lambda: deploy(self.file), name)
        architecture = "arm64" if platform.machine() == "aarch64" else "x86_64"
        self.stack.config({"tapmesh:architecture": architecture})

    def sign(self) -> None:
        """Gives the stack a fresh key, and the BoilingData owner's secret."""
        keyring = new_keyring()
        self.stack.config({"tapmesh:signing-key": keyring.pem(), "tapmesh:boilingdata-secret": SECRET}, secret=True)
        self._key = keyring.signing

    @property
    def public_key(self) -> VerifyKey:
        """What taps know of the stack's key."""
        return self._key.public()

    def send(self, url: str, issuer: str, person: str, tap: str, lines: bytes) -> dict[str, Any]:
        """A request to the tap with a token good for an hour; the answer, which has to be 200."""
        token = issue(self._key, issuer, person, [tap], dt.timedelta(hours=1), dt.datetime.now(dt.UTC))
        headers = {"x-bd-authorization": token, "content-type": "application/x-ndjson"}
        with urllib.request.urlopen(urllib.request.Request(url, lines, headers), timeout=120) as answer:
            return dict(json.loads(answer.read()))

    def save(self, was: str, becomes: str) -> None:
        """Edits the file."""
        text = self.file.read_text()
        assert text.count(was) == 1
        self.file.write_text(text.replace(was, becomes))

    def edit(self, was: str, becomes: str) -> Outcome:
        """Saves and deploys."""
        self.save(was, becomes)
        return self.stack.up()


def ops(outcome: Outcome) -> list[tuple[str, str, str]]:
    """What was changed; a replacement once."""
    return [(step.op, step.type, step.name) for step in outcome.changed if step.op not in ("create-replacement", "delete-replaced")]


def wipe(stack: Stack, cloud: Cloud) -> None:
    """Destroys it with what a stack keeps."""
    kept = [each["id"] for each in stack.resources() if each["type"] == "aws:s3/bucket:Bucket"]
    if stack.resources():
        stack.destroy()
    for bucket in kept:
        empty(bucket, cloud)


def empty(bucket: str, cloud: Cloud) -> None:
    """Deletes the bucket and all that is in it."""
    s3 = cloud.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for held in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=held["Key"])
    s3.delete_bucket(Bucket=bucket)


def tapmesh(*words: str) -> list[str]:
    """What the command line prints, by the deployer's credentials."""
    command = [str(Path(sys.executable).parent / "tapmesh"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
