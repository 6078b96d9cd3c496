"""docs/kits/postgres.md, followed from its top to a table as of now; and the ancestor's body."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.kits.example import ROOT, example
from tests.kits.example import running as mesh_running
from tests.kits.postgres import PROGRAMS, running

PAGE = (ROOT / "docs/kits/postgres.md").read_text()
STEPS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
QUERIES = re.findall(r'```sh\ntapmesh query "(.*?)"\n```', PAGE, re.DOTALL)
TABLE = re.findall(r"^\| (\d+) \| ([\d.]+) \| (\w+) \|$", PAGE, re.MULTILINE)
LOG = {"change": [{"kind": "insert", "schema": "public", "table": "orders", "columnnames": ["id"], "columnvalues": [7]}]}


def test_the_page_leads_to_the_table_it_shows(tmp_path: Path) -> None:
    with running() as server, example(tmp_path) as mesh:
        hba = server.folder / "data/pg_hba.conf"
        hba.write_text("host all cdc 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        server.ask("select pg_reload_conf()")
        path = f"{Path(sys.executable).parent}:{PROGRAMS}:{os.environ['PATH']}"
        given = {"PATH": path, "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "postgres"}
        environment = {**os.environ, **given}

        def bash(script: str) -> str:
            command = ["bash", "-euo", "pipefail", "-c", script]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            return done.stdout

        prepare, follow, work, watch = STEPS
        bash(prepare)
        said = (tmp_path / "kit.log").open("wb")
        kit = subprocess.Popen(
            ["bash", "-c", f"{follow.replace('tapmesh kit', 'exec tapmesh kit')}"], cwd=tmp_path, env=environment, stderr=said
        )
        mesh.wait_for(lambda: b"made the slot tapmesh" in (tmp_path / "kit.log").read_bytes(), "the slot")
        mesh.wait_for(lambda: mesh.query("select count(*) as n from orders_cdc") == [{"n": 4}], "the copy")
        bash(work)
        mesh.wait_for(lambda: mesh.query("select count(*) as n from orders_cdc") == [{"n": 8}], "the changes")
        now, log = QUERIES
        shown = [{"order_id": int(id_), "amount": float(amount), "status": status} for id_, amount, status in TABLE]
        assert (mesh.query(now), len(shown)) == (shown, 3)
        assert [row["action"] for row in mesh.query(log)] == ["T", "S", "S", "S", "U", "I", "U", "D"]
        assert "tapmesh" in bash(watch)
        kit.send_signal(signal.SIGTERM)
        assert kit.wait(60) == 0, (tmp_path / "kit.log").read_text()
        said.close()


def test_the_ancestors_body_lands(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    top = "version: 1\nmesh: test\npeople: {lead: {email: lead@acme.example}}\nteams: {data: [lead]}\n"
    with mesh_running(tmp_path, f"{top}defaults: {{public: true, thresholds: {{age: 1s}}}}\n{block}") as mesh:
        body = json.dumps({"lsn": "0/16B3748", "log": LOG}, indent=2).encode()
        assert mesh.post("cdc_log", body, content_type="application/json")[1]["accepted"] == 1
        rows: list[dict[str, Any]] = []
        mesh.wait_for(lambda: rows.extend(mesh.query("select lsn, kind, table_name, columnvalues from cdc_log")) or rows, "the row")
        assert rows == [{"lsn": "0/16B3748", "kind": "insert", "table_name": "orders", "columnvalues": "[7]"}]
