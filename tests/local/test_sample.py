"""The sample record of the page's send box, and the curl command beside it."""

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from mesh.local.live.sample import curl, sample
from mesh.plan import Stack, expand
from mesh.spec import load
from tap_runtime.records import Checker
from tap_runtime.schema import SCALARS, Column, Field, Type
from tests.tap_runtime.local_tap import settings

NOW = dt.datetime(2026, 11, 23, 21, 0, tzinfo=dt.UTC)
MESH = load(Path(__file__).parents[2] / "taps.yaml").mesh
assert MESH is not None
PLANS = {plan.name: plan for plan in expand(MESH, Stack("test")).taps}
TEXT = Type("VARCHAR", "VARCHAR")
NESTED = Type("STRUCT", "STRUCT(at TIMESTAMP, tags VARCHAR[])", (Field("at", Type("TIMESTAMP", "TIMESTAMP")), Field("tags", TEXT)))
TYPES = [Type(kind, kind) for kind in SCALARS if kind != "DECIMAL"]
TYPES += [Type("DECIMAL", "DECIMAL(3,3)", precision=3, scale=3), Type("DECIMAL", "DECIMAL(4,2)", precision=4, scale=2)]
TYPES += [Type("TIMESTAMP", "TIMESTAMP", epoch="s"), Type("TIMESTAMP", "TIMESTAMP", epoch="ms")]
TYPES += [NESTED, Type("LIST", "VARCHAR[]", (Field("", TEXT),)), Type("MAP", "MAP(VARCHAR, VARCHAR)", (Field("", TEXT),))]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: f"{kind.sql}{kind.epoch or ''}")
def test_a_sample_of_every_type_is_accepted(kind: Type) -> None:
    columns = (Column("a", kind, required=True),)
    records = Checker(settings(columns, extra="quarantine")).check(sample(columns, NOW).encode(), "")
    assert (records.accepted, records.bad) == (1, ())


@pytest.mark.parametrize("tap", PLANS)
def test_a_sample_of_every_tap_of_the_example_mesh_is_accepted(tap: str) -> None:
    columns = PLANS[tap].settings.columns
    records = Checker(PLANS[tap].settings).check(sample(columns, NOW).encode(), "")
    assert (records.accepted, records.bad) == (1, ())


def test_the_curl_command_gives_the_shell_exactly_the_body() -> None:
    body = '{"a":"it\'s $HOME `id` \\"x\\" <b>"}\n@/etc/passwd'
    command = "".join(curl("127.0.0.1:8900", settings(), "TOKEN", body))
    words = subprocess.run(["sh", "-c", command.replace("curl", "printf '%s|'", 1)], capture_output=True, text=True, check=True).stdout
    assert words.split("|")[:-1] == ["-H", "x-bd-authorization: TOKEN", "--data-raw", body, "http://127.0.0.1:8900/taps/clicks"]
