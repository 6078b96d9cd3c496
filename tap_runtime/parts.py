"""A batch's spooled lines in parts, where DuckDB would otherwise hold too many large records at once.

DuckDB works on 2,048 records at a time and holds a record several times while it does; a file ends such a portion early.
"""

from pathlib import Path

WHOLE_BYTES = 13_000_000  # 10 MB as sent, extra fields and envelopes included: copies would cost a sixth of such a landing
PART_BYTES = 250_000  # 8 MB of 1 KB documents then land in 27 MB instead of 127
_AT_A_TIME = 2_048
_PORTION_BYTES = 600_000


def are_better(data: Path, records: int) -> bool:
    """Whether the batch is so large, or its records are on average, that it is better read in parts."""
    size = data.stat().st_size
    return size > WHOLE_BYTES or size * min(records, _AT_A_TIME) > _PORTION_BYTES * records


def cut(data: Path, out: Path) -> list[Path]:
    """Copies of `data`'s lines in `out`, in order; `data` itself where the disk has no room for them."""
    parts: list[Path] = []
    with data.open("rb") as source:
        while chunk := source.read(PART_BYTES):
            parts.append(out / f"part-{len(parts)}.ndjson")
            try:
                with parts[-1].open("wb") as part:
                    part.writelines((chunk, source.readline()))
            except OSError:  # then at the price of memory
                for path in parts:
                    path.unlink(missing_ok=True)
                return [data]
    return parts


def without(part: Path, bad: frozenset[int], first: int, target: Path) -> tuple[Path, int]:
    """`part`, or a copy at `target` that lacks the records whose numbers are in `bad`; and the number its last record is followed by."""
    with part.open("rb") as lines:
        kept = [(number, line) for number, line in enumerate(lines, first)]
    following = first + len(kept)
    if bad.isdisjoint(range(first, following)):
        return part, following
    target.write_bytes(b"".join(line for number, line in kept if number not in bad))
    return target, following
