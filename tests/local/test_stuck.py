"""A batch that cannot land is told of, and holds up no other."""

from pathlib import Path

import pytest

from mesh.local.lander import Loop
from mesh.local.workspace import Workspace
from tap_runtime import lake
from tests.tap_runtime.local_tap import LocalTap, settings


@pytest.mark.parametrize("what", ["settings", "marker", "manifest"])
def test_a_batch_that_cannot_land_holds_up_no_other(tmp_path: Path, what: str) -> None:
    """Its settings are gone from the lake, or somebody has put something else where its marker or its manifest goes."""
    stuck = LocalTap(tmp_path, settings(ack="stored" if what == "marker" else "buffered", age_s=0))
    other = LocalTap(tmp_path, settings(tap="orders", age_s=0))
    stuck.post(b"{}\n")
    ((_, batch),) = lake.open_batches(stuck.store)
    if what == "settings":
        stuck.store.delete([lake.settings_key("clicks", stuck.settings.sha256())])
    else:
        stuck.store.put((lake.marker_key if what == "marker" else lake.manifest_key)("clicks", batch), b"{")
    told: list[dict[str, object]] = []
    loop = Loop(Workspace(tmp_path), stuck.lander(), told.append, overdue_s=60)
    loop.round(everything=False)
    other.post(b"{}\n")
    loop.round(everything=False)
    assert [(event["event"], event["tap"]) for event in told] == [("failed", "clicks"), ("landed", "orders")]
    words = {"settings": "put them back, the batch waits for them", "marker": "the marker is not", "manifest": "the manifest is not"}
    assert words[what] in str(told[0]["why"])
    assert list(lake.open_batches(stuck.store)) == [("clicks", batch)]
