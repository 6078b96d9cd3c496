"""What the original Data Tap's clients send, as they send it, to a tap on the laptop and to one under Lambda's emulator."""

import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mesh.grants.keys import SigningKey
from mesh.grants.tokens import issue
from mesh.plan import Stack, expand, issuer
from mesh.spec.load import load
from tests.emulated import tap as taps
from tests.emulated.aws import Aws
from tests.emulated.bring import missing
from tests.emulated.doorway import function_url
from tests.emulated.fleet import MakeFleet
from tests.emulated.landed import rows
from tests.emulated.tap import Package
from tests.local.conftest import RunningMesh

BUCKET = "acme-originals"
TAPS = """
version: 1
mesh: acme
people: {lead: {email: lead@acme.example}}
teams: {growth: [lead]}
taps:
  clicks: {team: growth, thresholds: {bytes: 1B}}
"""
NDJSON = b'{"id":1,"user":"a"}\n{"id":2,"user":"b"}\n'
ENTRY = b'{"lsn": "0/16B3748", "log": "table public.orders: INSERT: id[integer]:1"}'
NDJSON_TYPE = ("-H", "Content-Type: application/x-ndjson")


@dataclass(frozen=True)
class Original:
    """A tap as its clients know it. `landed` waits for so many records and returns them."""

    url: str
    token: str
    folder: Path
    landed: Callable[[int], list[Any]]

    def curl(self, body: bytes, *words: str, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON of what curl was answered."""
        (self.folder / "data.json").write_bytes(body)
        named = () if token == "" else ("-H", f"x-bd-authorization: {token or self.token}")
        command = ["curl", "-s", "-w", "\n%{http_code} %{content_type}", *named, *words, self.url]
        said = subprocess.run(command, capture_output=True, cwd=self.folder, timeout=120, check=True).stdout.decode()
        content, _, last = said.rpartition("\n")
        status, _, kind = last.partition(" ")
        assert kind == "application/json"
        return int(status), json.loads(content)

    def send(self, body: bytes, *words: str, token: str | None = None) -> tuple[int, Any]:
        """As their documentation says it."""
        return self.curl(body, *words, "--data-binary", "@data.json", token=token)


@contextmanager
def on_the_laptop(folder: Path) -> Iterator[Original]:
    mesh = RunningMesh(folder, TAPS)

    def landed(count: int) -> list[Any]:
        found: list[Any] = []

        def there() -> bool:
            found[:] = [json.loads(row["record"]) for row in mesh.query("select record from clicks")]
            return len(found) == count

        mesh.wait_for(there, f"{count} records")
        return found

    mesh.start()
    try:
        token = mesh.run("token", "--as", "lead", "--tap", "clicks").stdout.strip()
        yield Original(f"http://127.0.0.1:{mesh.port}/taps/clicks", token, folder, landed)
    finally:
        mesh.stop()


@contextmanager
def on_lambda(folder: Path, s3: Aws, package: Package, fleet: MakeFleet) -> Iterator[Original]:
    (folder / "taps.yaml").write_text(TAPS)
    mesh, key, now = load(folder / "taps.yaml").mesh, SigningKey(Ed25519PrivateKey.generate()), dt.datetime.now(dt.UTC)
    assert mesh is not None
    (plan,) = expand(mesh, Stack("test", (key.public(),), BUCKET)).taps
    store = taps.bucket(s3, BUCKET)
    tap = fleet(taps.deployed(s3, BUCKET, store, plan, package))
    token = issue(key, issuer(mesh, "test"), "lead", ("clicks",), dt.timedelta(hours=1), now)

    def landed(count: int) -> list[Any]:
        tap.settle()
        found = [json.loads(record) for (record,) in rows(store, "clicks", folder / "rows", "record")]
        assert len(found) == count
        return found

    with function_url(tap) as url:
        yield Original(url, token, folder, landed)


@pytest.fixture(params=["laptop", "lambda"])
def original(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Original]:
    """One tap, in both places."""
    if shutil.which("curl") is None:
        missing("needs curl: sudo apt-get install -y curl")
    if request.param == "laptop":
        with on_the_laptop(tmp_path) as tap:
            yield tap
    else:
        needed = (request.getfixturevalue(name) for name in ("s3", "package", "fleet"))
        with on_lambda(tmp_path, *needed) as tap:
            yield tap


def test_what_they_send_lands_and_they_read_their_answer(original: Original) -> None:
    lines = original.send(NDJSON, *NDJSON_TYPE)
    entry = original.send(ENTRY, "-H", "Content-Type: application/json")
    plain = original.send(NDJSON)
    for (status, answer), records in ((lines, 2), (entry, 1), (plain, 2)):
        assert (status, answer["statusCode"], answer["accepted"], answer["quarantined"]) == (200, 200, records, [])
    landed = original.landed(5)
    assert sorted(map(json.dumps, landed)) == sorted(map(json.dumps, [json.loads(ENTRY), *map(json.loads, 2 * NDJSON.splitlines())]))


def test_what_is_refused_is_json_with_its_status_code_too(original: Original) -> None:
    refused = {
        401: [original.send(NDJSON, token=""), original.send(NDJSON, token="not a token")],
        405: [original.curl(b"", "-X", "GET"), original.send(NDJSON, "-X", "PUT")],
        400: [original.send(b"not gzip", "-H", "Content-Encoding: gzip")],
        415: [original.send(NDJSON, "-H", "Content-Encoding: br")],
        413: [original.send(b"{}\n" * 100_001)],
    }
    for code, answers in refused.items():
        for status, answer in answers:
            assert (status, answer["statusCode"], sorted(answer)) == (code, code, ["error", "hint", "message", "statusCode"])
