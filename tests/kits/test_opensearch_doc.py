"""docs/kits/opensearch.md, followed from its top to hits by service."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.kits.example import ROOT, example
from tests.kits.opensearch import OpenSearch

PAGE = (ROOT / "docs/kits/opensearch.md").read_text()
STEPS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
QUERIES = re.findall(r'```sh\ntapmesh query "(.*?)"\n```', PAGE, re.DOTALL)
TABLE = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)


def test_the_page_leads_to_the_table_it_shows(node: OpenSearch, tmp_path: Path) -> None:
    with example(tmp_path) as mesh:
        where = {"SEARCH": node.url, f"TAPMESH_URL_{'search_export'.upper()}": f"http://127.0.0.1:{mesh.port}/taps/search_export"}
        environment = {**os.environ, **where, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        for script in STEPS:
            command = ["bash", "-euo", "pipefail", "-c", script]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
        mesh.wait_for(lambda: mesh.query("select count(*) as n from search_export") == [{"n": 6}], "the documents")
        shown = [
            {"service": service, "hits": int(hits), "errors": int(errors), "slowest_ms": int(slowest)}
            for service, hits, errors, slowest in TABLE
        ]
        assert (mesh.query(QUERIES[0]), len(shown)) == (shown, 3)


def test_the_page_shows_what_infer_prints(node: OpenSearch, tmp_path: Path) -> None:
    prepare, _, infer = STEPS
    (tmp_path / "taps.yaml").write_text((ROOT / "taps.yaml").read_text())
    environment = {**os.environ, "SEARCH": node.url, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-euc", prepare + infer], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "".join(re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL))), done.stderr
