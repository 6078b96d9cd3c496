"""Cases: what comes into a tap and the rows it must become. Run by the runtime itself: accepted, spooled, landed, read back."""

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from mesh.spec.compose import LOADER
from mesh.spec.layout import explain
from tap_runtime import lake, spool
from tap_runtime.accept import Acceptor
from tap_runtime.http import Request
from tap_runtime.land import Lander
from tap_runtime.room import Room
from tap_runtime.settings import TapSettings
from tap_runtime.store import folder_store

NOW = dt.datetime(2026, 11, 23, 21, 0, tzinfo=dt.UTC)  # when every case arrives, so that its rows are the same each day


class BadCase(Exception):
    """The file is no case; says why, its name first."""


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    about: str = ""
    input: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """`input`: lines as a sender sends them. `rows`: what comes out, in order; a row names the columns that matter."""

    tap: str
    name: str
    input: bytes
    rows: tuple[dict[str, Any], ...]


def read_cases(folder: Path) -> list[Case]:
    """All of `cases/<tap>/<name>.yaml` in a mesh's folder; raises BadCase."""
    return [_read(file, file.relative_to(folder)) for file in sorted(folder.glob("cases/*/*.yaml"))]


def _read(file: Path, named: Path) -> Case:
    try:
        text = file.read_text()
        keys = _Keys.model_validate(yaml.load(text, Loader=LOADER))
    except yaml.MarkedYAMLError as error:
        (line, column), fault = explain(text, error)
        raise BadCase(f"{named}:{line}:{column}: not YAML: {fault}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadCase(f"{named}: not YAML: {str(error).splitlines()[0]}") from None
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"])) or "it"
        raise BadCase(f"{named}: {where}: {found['msg'].lower()}; a case has about, input (lines) and rows (a list)") from None
    return Case(file.parent.name, file.stem, keys.input.encode(), tuple(keys.rows))


def faults(case: Case, settings: TapSettings, scratch: Path) -> Iterator[str]:
    """What did not come out as the case says, a line each; none: it passes. `scratch` is an empty folder."""
    settings = msgspec.structs.replace(settings, public=True, closed=False)
    store = folder_store(scratch / "lake")
    store.put(lake.settings_key(case.tap, settings.sha256()), settings.to_json())
    acceptor = Acceptor(settings, store, scratch / "spool", os.urandom)
    answer = msgspec.json.decode(acceptor.accept(Request("POST", {}, case.input), NOW).body)
    if answer["statusCode"] != 200:
        yield f"input: {answer['message']}"
        return
    yield from (f"input line {bad['line']}: {bad['reason']}" for bad in answer["quarantined"])
    acceptor.seal()
    lander = Lander(store, scratch / "spool", Room(scratch / "scratch"), lambda: NOW, os.urandom)
    for _, batch in [*spool.batches(scratch / "spool", "sealed")]:
        lander.land_spooled(case.tap, batch)
    for _, batch in [*lake.open_batches(store)]:
        lander.land_stored(case.tap, batch)
    yield from _differences(case, _rows(scratch / "lake" / case.tap / "data"))


def _rows(data: Path) -> list[dict[str, Any]]:
    files = [str(file) for file in sorted(data.rglob("*.parquet"))]
    if not files:
        return []
    found = duckdb.connect().sql(f"SELECT * FROM read_parquet({files}, hive_partitioning=false)")
    return [dict(zip(found.columns, map(_plain, row), strict=True)) for row in found.fetchall()]


def _plain(value: Any) -> Any:
    """As YAML writes it: numbers and texts as they are, all else as text."""
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _differences(case: Case, rows: list[dict[str, Any]]) -> Iterator[str]:
    if len(rows) != len(case.rows):
        yield f"{len(rows)} rows came out, expected {len(case.rows)}"
    for number, (row, expected) in enumerate(zip(rows, case.rows, strict=False), start=1):
        for name, value in expected.items():
            if name not in row:
                yield f"row {number}: there is no column {name}"
            elif row[name] != value:
                yield f"row {number}: {name} is {row[name]!r}, expected {value!r}"
