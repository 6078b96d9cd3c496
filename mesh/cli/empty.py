"""Why a query shows no rows: records that wait in open batches, lines in quarantine, or nothing sent yet."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mesh.cli.laptop import running_url
from mesh.cli.say import hint
from mesh.lake.status import TapStatus, status
from mesh.lake.waiting import Waiting, waiting
from mesh.local.workspace import beside

if TYPE_CHECKING:
    from mesh.lake.place import Place
    from mesh.lake.reach import Reach


def explain(place: Place, file: Path, sql: str, none_found: bool, within: Reach | None) -> None:
    """A hint for each tap named in the query that has no rows at all or, where the query found none, has records on their way.

    `within`: only of the taps that are somebody's own."""
    named = set(re.findall(r"\w+", sql))
    waits = {each.tap: each for each in waiting(place)}
    of_all = waits if none_found and not named.isdisjoint({"_quarantine", "_manifests", "_senders"}) else ()
    for tap in status(place):
        if within is not None and tap.tap not in within.own:
            continue
        if (tap.tap not in named or (tap.rows and not none_found)) and tap.tap not in of_all:
            continue
        if tap.tap in waits:
            hint(_waits(waits[tap.tap], place.url == str(beside(file).lake) and running_url(file) is None))
        elif not tap.rows:
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
        return f"{tap.tap} has no rows, and {tap.quarantined:,} lines in quarantine: {query}"
    if tap.landed_batches:
        return f"{tap.tap} has landed {tap.accepted:,} records of which its SQL made no rows"
    return f"nothing has been sent to {tap.tap} yet: tapmesh send data.ndjson --to {tap.tap}"
