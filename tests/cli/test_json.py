"""What scripts read: `--json` of each command that has it, and the schema with a mesh's own names."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.cli.conftest import TAPS, Ask
from tests.local.conftest import RunningMesh


def test_check_gives_each_problem_its_place(here: Path, ask: Ask) -> None:
    (here / "taps.yaml").write_text(TAPS.replace("version: 1", "version: 2"))
    said = ask("check", "--json")
    problem = {"file": str(here / "taps.yaml"), "line": 2, "column": 1, "path": "version", "text": "expected 1, got 2"}
    assert (said.code, json.loads(said.out)) == (2, {"ok": False, "problems": [problem], "warnings": []})


def test_token_says_whose_it_is_and_until_when(here: Path, ask: Ask) -> None:
    (here / "taps.yaml").write_text(TAPS)
    said = json.loads(ask("token", "--as", "lead", "--tap", "clicks", "--for", "1h", "--json").out)
    claims: dict[str, Any] = jwt.decode(said["token"], options={"verify_signature": False})
    assert (said["person"], said["taps"], claims["sub"], claims["aud"]) == ("lead", ["clicks"], "lead", ["clicks"])
    assert claims["exp"] - claims["iat"] == 3600


def test_status_and_trace_are_one_json_each(served: RunningMesh, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served.folder)
    receipt = served.post("clicks", b'{"id":"a"}\n')[1]["receipt"]
    served.wait_for(lambda: json.loads(served.run("trace", receipt, "--json").stdout)["state"] == "landed", "the landing")
    traced = json.loads(ask("trace", receipt, "--json").out)
    assert (traced["tap"], traced["manifest"]["counts"]["rows"]) == ("clicks", 1)
    clicks, orders = json.loads(ask("status", "--json").out)
    assert clicks.pop("last_landed_at").startswith("20")
    lines = {"received": 1, "accepted": 1, "quarantined": 0, "rows": 1}
    assert clicks == {"tap": "clicks", "open_batches": 0, "landed_batches": 1, "lost_batches": 0, **lines}
    assert (orders["tap"], orders["received"], orders["last_landed_at"]) == ("orders", 0, None)


def test_the_schema_offers_the_names_of_the_mesh_and_is_whole_without(here: Path, ask: Ask) -> None:
    bare = json.loads(ask("schema").out)
    (here / "taps.yaml").write_text(TAPS + "nonsense: here\n")
    kinds = json.loads(ask("schema").out)["$defs"]
    assert kinds["TapKeys"]["properties"]["team"]["examples"] == ["growth"]
    assert kinds["GrantKeys"]["properties"]["to"]["examples"] == ["lead", "partner", "growth"]
    assert bare["$defs"]["TapKeys"]["properties"]["team"] == {**kinds["TapKeys"]["properties"]["team"], "examples": ["growth"]}
