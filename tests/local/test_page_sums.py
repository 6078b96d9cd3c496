"""What the page sums up, and since when."""

import re

from tests.local.conftest import RunningMesh
from tests.local.test_live_page import frames, page


def test_sums_are_since_this_start_alike_on_top_and_in_the_row_and_never_fall(mesh: RunningMesh) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "bytes: 1B"))  # each post is a landing, at once
    mesh.start()
    for sent in range(14):  # more than are remembered
        mesh.post("buffered", b"no\n" * 9)
        mesh.wait_for(lambda sent=sent: next(frames(mesh))["values"]["mesh.bad"] == str(9 * sent + 9), "the landing")
    mesh.stop()
    mesh.start()
    since = next(frames(mesh))["values"]["mesh.since"]
    seen = []
    for sent in range(14):
        mesh.post("buffered", b"no\n")
        mesh.wait_for(lambda sent=sent: next(frames(mesh))["values"]["mesh.bad"] == str(sent + 1), "the landing")
        values = next(frames(mesh))["values"]
        seen.append((values["buffered.bad"], values["mesh.bad"], values["mesh.since"]))
    assert seen == [(str(sent), str(sent), since) for sent in range(1, 15)]
    assert re.fullmatch(r"since \d\d:\d\d", since) and page(mesh).count(since) == 4
