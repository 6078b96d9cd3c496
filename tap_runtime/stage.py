"""STAGE: a rendered batch's files go to the lake under an attempt's own name, and the manifest that would commit them is drawn up."""

import datetime as dt
from collections.abc import Callable

from tap_runtime import lake
from tap_runtime.lake import Store
from tap_runtime.manifest import Counts, File, Manifest, sha256_of
from tap_runtime.render import Rendered, Work
from tap_runtime.segment import moment


def stage(store: Store, work: Work, rendered: Rendered, clock: Callable[[], dt.datetime], random: Callable[[int], bytes]) -> Manifest:
    """Puts what was rendered where no reader looks, as a new attempt; the manifest that would commit it. Raises LakeDown or OSError."""
    attempt = random(8).hex()
    produced = [
        ("parquet", rendered.parquet, lake.data_key(work.tap, work.batch), rendered.rows),
        (
            "quarantine",
            rendered.quarantine,
            lake.quarantine_key(work.tap, work.batch),
            work.refused_lines + sum(rendered.faults.values()),
        ),
    ]
    files = []
    for number, (kind, path, key, rows) in enumerate(produced):
        if path is None:
            continue
        staged = f"{lake.staged_prefix(work.tap, work.batch, attempt)}{number}"
        store.put(staged, path, work.settings.keep_days)
        files.append(File(kind, staged, key, rows, path.stat().st_size, sha256_of(path)))
    return Manifest(
        tap=work.tap,
        batch=work.batch,
        attempt=attempt,
        settings=work.settings_sha256,
        opened_at=moment(lake.opened_at(work.batch)),
        landed_at=moment(clock()),
        counts=_counts(work, rendered),
        senders=work.tallies,
        faults=rendered.faults,
        files=tuple(files),
        segments=work.segments,
    )


def _counts(work: Work, rendered: Rendered) -> Counts:
    accepted = work.accepted + work.duplicates
    quarantined = sum(rendered.faults.values())
    return Counts(
        requests=sum(tally.requests for tally in work.tallies),
        received=accepted + work.refused_lines,
        accepted=accepted,
        refused=work.refused_lines,
        read=work.accepted - quarantined,
        quarantined=quarantined,
        duplicates=work.duplicates,
        rows=rendered.rows,
    )
