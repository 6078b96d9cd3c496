"""docs/kits/rest.md, followed from its top to requests by borough; the city's API is the tests' own."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.kits.city import request, serving
from tests.kits.example import ROOT, example

PAGE = (ROOT / "docs/kits/rest.md").read_text()
DECLARE, SEND = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
((QUERY, TABLE),) = re.findall(r"```sh\n(tapmesh query .*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
SOCRATA = "https://data.cityofnewyork.us/resource/erm2-nwe9.json"


def test_the_page_leads_to_the_table_it_shows(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def bash(script: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True)

    rows = [{**request(number), "borough": ("Brooklyn", "Queens", "Bronx")[number % 7 % 3].upper()} for number in range(100)]
    with serving(rows) as city, example(tmp_path) as mesh:
        assert SOCRATA in DECLARE
        bash(DECLARE.replace(SOCRATA, city.url("offset")))
        assert "100 new records" in bash(SEND).stderr
        for row in city.rows[::2]:
            day = int(row["unique_key"]) % 9 + 2
            row |= {"closed_date": f"2026-11-{day:02}T00:00:00.000", "updated_at": f"2026-11-{day:02}T01:15:00.000Z"}
        assert "50 new records" in bash(SEND).stderr
        mesh.wait_for(lambda: mesh.query("select count(*) as n from service_requests") == [{"n": 150}], "both readings", within_s=60)
        assert bash(QUERY).stdout.strip() == TABLE.strip()
