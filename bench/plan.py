"""CPU seconds that `tapmesh plan` takes for 1,000 taps, and how its parts grow from 10 taps: reading the file, planning, and the tree."""

import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from check import HEAD, tap

from mesh.plan import Stack, expand
from mesh.spec import load

FEW, MANY = 10, 1_000
SECONDS, GROWTH = 3.0, 1.5


def spent() -> float:
    """CPU seconds of this process and of those it waited for: a busy machine changes them less than the clock's."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def best(run: Callable[[], Any]) -> float:
    """CPU seconds of the best of five."""
    taken = []
    for _ in range(5):
        started = spent()
        run()
        taken.append(spent() - started)
    return min(taken)


def parts(count: int) -> dict[str, float]:
    """CPU seconds a part for `count` taps; `tapmesh plan` whole, in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sql").mkdir()
        file = folder / "taps.yaml"
        file.write_text(HEAD + "".join(tap(number, folder) for number in range(count)))
        mesh = load(file).mesh
        if mesh is None:
            sys.exit("the bench's own file is wrong")
        plan = expand(mesh, Stack("dev"))
        command = [str(Path(sys.executable).parent / "tapmesh"), "plan", "--file", str(file)]

        def whole(*more: str) -> None:
            subprocess.run([*command, *more], check=True, stdout=subprocess.DEVNULL)

        return {
            "load": best(lambda: load(file)),
            "expand": best(lambda: expand(mesh, Stack("dev"))),
            "json": best(plan.json),
            "tapmesh plan": best(whole),
            "tapmesh plan --json": best(lambda: whole("--json")),
        }


def main() -> None:
    """Prints each part and what it grows by a tap; exits 1 past the targets."""
    gc.disable()  # as the commands do
    few, many = parts(FEW), parts(MANY)
    for name in many:
        print(f"{name}: {FEW} taps {1000 * few[name]:.0f} ms, {MANY:,} taps {1000 * many[name]:.0f} ms, {many[name] / few[name]:.1f} times")
    growth = many["expand"] / few["expand"] / (MANY / FEW)
    print(f"a tap of {MANY:,} takes {growth:.2f} times as long to plan as one of {FEW} (target {GROWTH})")
    print(f"the command takes {many['tapmesh plan']:.2f} s (target {SECONDS} s)")
    sys.exit(many["tapmesh plan"] > SECONDS or growth > GROWTH)


if __name__ == "__main__":
    main()
