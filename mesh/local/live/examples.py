"""Queries over a tap to start from."""

import re

from mesh.spec.mesh import Tap
from tap_runtime.sandbox import literal, quote

_LANDINGS = "select tap, landed_at, rows, refused + quarantined as bad\nfrom _manifests order by landed_at desc limit 20"


def examples(tap: Tap | None) -> list[tuple[str, str]]:
    """Titles and statements; those over the tap itself ask only for columns it has."""
    if tap is None:
        return [("Landings", _LANDINGS)]
    asked = [("Rows", f"select * from {tap.name} limit 20")]
    words = [column.name for column in tap.output if column.type == "VARCHAR" and not column.name.startswith("_")]
    if words:
        column = words[0] if re.fullmatch(r"\w+", words[0], re.ASCII) else quote(words[0])
        grouped = f"select {column}, count(*) as records\nfrom {tap.name} group by all order by records desc limit 20"
        asked.insert(0, (f"By {words[0]}", grouped))
    if any(column.name == "_received_at" for column in tap.output):
        minute = "date_trunc('minute', _received_at) as minute"
        asked.append(("By minute", f"select {minute}, count(*) as records\nfrom {tap.name} group by all order by minute"))
    return [*asked, ("Landings", _LANDINGS), ("Quarantine", quarantine(tap.name))]


def quarantine(tap: str) -> str:
    """Every reason of a tap."""
    return f"select reason, sum(lines) as bad_lines\nfrom _quarantine where tap = {literal(tap)}\ngroup by all order by bad_lines desc"
