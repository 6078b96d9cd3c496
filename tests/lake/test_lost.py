"""A report that a batch is presumed lost: what `status` and `trace` say of it, and that a manifest withdraws it."""

import datetime as dt
from pathlib import Path

from mesh.lake.place import Place
from mesh.lake.status import status
from mesh.lake.trace import trace
from tap_runtime.steward import Steward
from tests.tap_runtime.local_tap import LocalTap, settings


def test_a_batch_is_lost_from_the_report_until_it_lands(tmp_path: Path) -> None:
    tap = LocalTap(tmp_path, settings())
    receipt = tap.post(b"{}").content["receipt"]
    steward = Steward(tap.store, "acme-dev-", lambda function, event: None, lambda: tap.now, lambda line: None)
    place = Place(str(tmp_path / "lake"))

    def said() -> tuple[str, int]:
        return trace(place, receipt).state, status(place)[0].lost_batches

    assert said() == ("open", 0)
    tap.now += dt.timedelta(minutes=10)
    steward.look()
    assert said() == ("lost", 1)
    tap.land()
    assert said() == ("landed", 0)


def test_what_was_saved_after_the_report_is_open_and_not_lost(tmp_path: Path) -> None:
    tap = LocalTap(tmp_path, settings(ack="stored"))
    receipt = tap.post(b"{}").content["receipt"]
    batch = receipt.rpartition("-")[0]
    tap.store.put(f"_mesh/lost/clicks/{batch}", b"{}")
    assert trace(Place(str(tmp_path / "lake")), receipt).state == "open"
