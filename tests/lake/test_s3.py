"""The same protocol on S3: conditional puts, landing, query and trace against an S3 that enforces If-None-Match."""

import datetime as dt
import json
import os
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from tap_runtime import lake
from tap_runtime.accept import Acceptor
from tap_runtime.http import Request
from tap_runtime.land import Lander
from tap_runtime.room import Room
from tap_runtime.schema import Column, Type
from tap_runtime.settings import OutputColumn, TapSettings
from tap_runtime.store import ObjectStore, bucket_store

SETTINGS = TapSettings(
    mesh="test",
    tap="clicks",
    owner="growth",
    issuer="test/s3",
    sql="select * from events",
    columns=(Column("id", Type("VARCHAR", "VARCHAR"), required=True),),
    output=(OutputColumn("id", "VARCHAR"), OutputColumn("_extra", "VARCHAR", cast=True)),
    ack="stored",
    public=True,
)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def store(s3: str, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    for name, value in {**credentials, "AWS_ENDPOINT": s3, "AWS_ENDPOINT_URL": s3, "AWS_ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(name, value)
    urllib.request.urlopen(urllib.request.Request(f"{s3}/acme-lake", method="PUT"), timeout=10)
    return bucket_store("s3://acme-lake")


def test_of_many_creates_one_wins(store: ObjectStore) -> None:
    won: list[int] = []

    def put(number: int) -> None:
        if lake.create(store, "_mesh/race", b"%d" % number) is None:
            won.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [b"%d" % number for number in won] == [store.get("_mesh/race")]


def test_a_stored_batch_lands_on_s3_and_is_queried_there(store: ObjectStore, tmp_path: Path) -> None:
    store.put(lake.settings_key("clicks", SETTINGS.sha256()), SETTINGS.to_json())
    acceptor = Acceptor(SETTINGS, store, tmp_path / "spool", os.urandom)
    answers = [acceptor.accept(Request("POST", {}, b'{"id":"a","more":1}\nbad\n', key), now()) for key in (None, "k", "k")]
    receipts = [json.loads(answer.body) for answer in answers]
    assert [receipt.get("duplicate", False) for receipt in receipts] == [False, False, True]
    batch = receipts[0]["receipt"].rpartition("-")[0]
    assert tapmesh("trace", receipts[1]["receipt"])[0].startswith("state:    open in clicks")
    manifest = Lander(store, tmp_path / "spool", Room(tmp_path / "scratch"), now, os.urandom).land_stored("clicks", batch)
    assert manifest is not None
    assert (manifest.counts.received, manifest.counts.rows, manifest.counts.refused) == (4, 2, 2)
    assert [entry.key for prefix in ("_mesh/open/", "_mesh/staged/") for entry in store.list(prefix)] == []
    rows = tapmesh("query", "select id, _extra, year from clicks", "--format", "json")
    assert [json.loads(line) for line in rows] == [{"id": "a", "_extra": '{"more":1}', "year": now().year}] * 2
    assert tapmesh("query", "select count(*) as n from _quarantine", "--format", "json") == ['{"n":2}']
    assert tapmesh("trace", receipts[0]["receipt"])[0] == "state:    landed in clicks"
    assert tapmesh("status")[1].split()[:7] == ["clicks", "0", "1", "4", "2", "2", "2"]


def tapmesh(*words: str) -> list[str]:
    command = [str(Path(sys.executable).parent / "tapmesh"), *words, "--lake", "s3://acme-lake"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
