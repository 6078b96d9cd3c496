"""`Mesh` -> one `TapPlan` a tap: what each will run by, as values, before anything is written or called."""

from collections.abc import Sequence
from dataclasses import dataclass

from mesh.grants.writers import writers
from mesh.spec.mesh import Mesh, Tap
from tap_runtime.settings import Limits, TapSettings, VerifyKey

_UNPACKED_AT_128_MB = 8 * 1024 * 1024


@dataclass(frozen=True)
class TapPlan:
    """One tap as it will run; `settings_sha256` names its settings object."""

    name: str
    settings: TapSettings
    settings_sha256: str


def issuer(mesh: Mesh, stack: str) -> str:
    """Who signs this mesh's tokens in this stack."""
    return f"{mesh.name}/{stack}"


def plan_taps(mesh: Mesh, stack: str, keys: Sequence[VerifyKey]) -> tuple[TapPlan, ...]:
    """The plans of all taps, in the order of the file."""
    return tuple(_plan(mesh, tap, issuer(mesh, stack), tuple(keys)) for tap in mesh.taps.values())


def _plan(mesh: Mesh, tap: Tap, signer: str, keys: tuple[VerifyKey, ...]) -> TapPlan:
    settings = TapSettings(
        mesh=mesh.name,
        tap=tap.name,
        owner=tap.team,
        issuer=signer,
        sql=tap.sql,
        columns=tap.columns,
        output=tap.output,
        extra=tap.extra,
        threshold_bytes=tap.threshold_bytes,
        age_s=tap.age_s,
        freshness_s=tap.freshness_s,
        ack=tap.ack,
        retries=tap.retries,
        public=tap.public,
        closed=tap.closed,
        origins=tap.origins,
        memory_mb=tap.memory_mb,
        concurrency=tap.concurrency,
        keep_days=tap.keep_days,
        writers=writers(mesh, tap),
        keys=keys,
        limits=Limits(unpacked_bytes=_UNPACKED_AT_128_MB * tap.memory_mb // 128),
    )
    return TapPlan(tap.name, settings, settings.sha256())
