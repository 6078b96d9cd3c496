"""What the lake has seen of the demo: events of a session, mouse moves in cells; and whether the tap can take them at all."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

from mesh.lake.place import Place
from mesh.lake.query import open_lake
from tap_runtime.settings import TapSettings

TAP = "clicks"
CELL = 8  # pixels
WIDE = 1120  # at this width and above the demo's layout is the same for everybody, in the middle of the window
_COLUMNS = ("eventType", "ts", "x", "y", "url", "session")
_NEEDS = f"The demo sends to a tap {TAP}"
_ARRIVED = 'SELECT "eventType", count(*) FROM clicks WHERE session = ? GROUP BY 1'
_MOVES = """
WITH views AS (
  SELECT _extra ->> 'page' AS page, any_value((_extra ->> 'w')::INTEGER) AS w
  FROM clicks WHERE "eventType" = 'pageload' AND url LIKE '%/demo' GROUP BY 1
)
SELECT (x - w // 2) // $cell AS across, y // $cell AS down, count(*) AS moves
FROM clicks JOIN views ON _extra ->> 'page' = views.page
WHERE "eventType" = 'mousemove' AND (w >= $wide_from) = $wide
GROUP BY 1, 2 ORDER BY moves DESC LIMIT 20000
"""


def unfit(settings: TapSettings | None, today: dt.date) -> str:
    """Why the demo cannot send here, and what to write into taps.yaml; empty when it can."""
    if settings is None or settings.closed:
        add = f"add one with the columns {', '.join(_COLUMNS)} to taps.yaml and load this page again"
        return f"{_NEEDS}, and this mesh has none that is open: {add}."
    lacking = sorted({*_COLUMNS, "_extra"} - {column.name for column in settings.output})
    if lacking:
        keep = "let its SQL be select * from events, with extra: keep"
        return f"{_NEEDS} and reads its rows back, which lack {', '.join(lacking)}: {keep}."
    if settings.public or any(writer.until is None or writer.until >= today.isoformat() for writer in settings.writers):
        return ""
    return f"{_NEEDS}, and nobody may write to it today: name somebody in its team, or in taps.{TAP}.grants.write."


def arrived(lake: Path, session: str) -> dict[str, int]:
    """Events of one session by type."""
    return dict(_rows(lake, _ARRIVED, [session]))


def moves(lake: Path, wide: bool) -> list[tuple[int, int, int]]:
    """Mouse moves in cells of CELL pixels, counted from the middle of the window and the top of the page."""
    return _rows(lake, _MOVES, {"cell": CELL, "wide_from": WIDE, "wide": wide})


def _rows(lake: Path, sql: str, values: Any) -> list[Any]:
    with tempfile.TemporaryDirectory() as scratch:
        connection = open_lake(Place(str(lake)), Path(scratch))
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()
