"""Why a query shows no rows: records that wait in open batches, lines in quarantine, or nothing sent yet."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mesh.cli.laptop import running_url
from mesh.cli.say import hint
from mesh.lake.status import TapStatus, status
from mesh.lake.waiting import Waiting, waiting
from mesh.local.workspace import beside

if TYPE_CHECKING:
    from mesh.lake.place import Place


def explain(place: Place, file: Path, sql: str, taps: Iterable[str], none_found: bool) -> None:
    """A hint for each of the taps that the query names and that has no file or, where the query found no row, has records on their way."""
    store = place.store()
    words = set(re.findall(r"\w+", sql.lower()))
    of_all = none_found and not words.isdisjoint({"_quarantine", "_manifests", "_senders"})
    named = {tap for tap in taps if of_all or tap in words}
    bare = {tap for tap in named if next(store.list(f"{tap}/data/"), None) is None}
    asked = named if none_found else bare
    waits = waiting(place, asked) if asked else []
    for each in waits:
        hint(_waits(each, place.url == str(beside(file).lake) and running_url(file) is None))
    silent = (bare & words) - {each.tap for each in waits}
    for tap in status(place, silent) if silent else ():
        hint(_nothing(tap))


def _waits(found: Waiting, stopped: bool) -> str:
    one = found.records == 1
    what = f"{'at most ' if found.at_most else ''}{found.records:,} record{'' if one else 's'} of {found.tap} wait{'s' if one else ''}"
    if stopped:
        return f"{what}, and the mesh is not running: tapmesh dev lands what waits as it starts"
    due_s = round((found.due_at - dt.datetime.now(dt.UTC)).total_seconds())
    limits = f"thresholds: {found.settings.age_s} s or {found.settings.threshold_bytes:,} bytes"
    return f"{what} to land, {f'in about {due_s} s' if due_s > 0 else f'due since {-due_s:,} s'} ({limits})"


def _nothing(tap: TapStatus) -> str:
    if tap.quarantined:
        query = f"""tapmesh query "select reason, record from _quarantine where tap = '{tap.tap}'\""""
        return f"{tap.tap} has no rows, and in quarantine {tap.quarantined:,}: {query}"
    if tap.rows:
        return f"what landed in {tap.tap} is no longer in the lake"
    if tap.landed_batches:
        return f"{tap.tap} has landed, and its SQL made no rows (records: {tap.accepted:,})"
    return f"nothing has been sent to {tap.tap} yet: tapmesh send data.ndjson --to {tap.tap}"
