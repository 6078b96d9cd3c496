"""What goes wrong on Lambda and S3, each as one act upon a scene; the deck has all of them once."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

from mesh.lake.land import land_open
from tap_runtime import lake
from tests.emulated.clock import jump
from tests.emulated.environment import Environment
from tests.emulated.faults import Fault
from tests.emulated.inside import fill
from tests.emulated.scene import JUMP_S, Scene, Tap

Mishap = Callable[[Scene], None]
_BRIEFLY = (0.3, 3.0)


def _one(scene: Scene) -> Environment | None:
    """Some environment that runs."""
    living = scene.dice.choice(scene.busy).living
    return scene.dice.choice(living) if living else None


def _kill(*which: Literal["runtime", "extensions"]) -> Mishap:
    def kill(scene: Scene) -> None:
        one = _one(scene)
        for each in which if one else ():
            with contextlib.suppress(OSError):
                one.kill(each)

    return kill


def _stop(which: Literal["runtime", "extensions"]) -> Mishap:
    """It does nothing more, whatever it was at, and the request runs into the function's timeout."""

    def stop(scene: Scene) -> None:
        if one := _one(scene):
            with contextlib.suppress(OSError):
                for pid in one.processes(which):
                    os.kill(pid, signal.SIGSTOP)

    return stop


def _shutdown(scene: Scene) -> None:
    if one := _one(scene):
        scene.end(one)


def _vanish(scene: Scene) -> None:
    if one := _one(scene):
        scene.may_lose.add(one.name)
        one.vanish()


def _s3_down(scene: Scene) -> None:
    scene.s3.down()
    scene.later(scene.s3.up, _BRIEFLY)


def _s3(fault: Fault, seconds: tuple[float, float] = (0, 0), method: str | None = "PUT") -> Mishap:
    def misbehave(scene: Scene) -> None:
        scene.s3.on(fault, scene.dice.randint(1, 4), method=method, seconds=scene.dice.uniform(*seconds))

    return misbehave


def _shutdown_without_s3(scene: Scene) -> None:
    if one := _one(scene):
        scene.s3.down()
        scene.may_lose.add(one.name)
        one.shutdown()
        scene.s3.up()


def _full_disk(scene: Scene) -> None:
    if one := _one(scene):
        scene.later(partial(_unlink, one), _BRIEFLY)
        with contextlib.suppress(OSError):
            fill(one.disk())


def _unlink(one: Environment) -> None:
    with contextlib.suppress(OSError):
        (one.disk() / "fill").unlink()


def _clock_jumps(scene: Scene) -> None:
    """By less than a minute, or by an hour, which S3 does not believe."""
    if one := _one(scene):
        with contextlib.suppress(OSError):
            jump(one, scene.dice.choice((JUMP_S, -JUMP_S, 3600, -3600)))
            scene.later(partial(_clock_is_right, one), _BRIEFLY)


def _clock_is_right(one: Environment) -> None:
    with contextlib.suppress(OSError):
        jump(one, 0)


def _thawed_after_another_landed(scene: Scene) -> None:
    """One stays frozen, its batch open, while the steward has others land what is open; then senders reach it again."""
    tap = scene.dice.choice(scene.busy)
    held = next((one for one in tap.living if one.claim()), None)
    scene.look()
    if held:
        held.release()


def _one_record_then_silence(scene: Scene) -> None:
    _then_silence(scene, 1)


def _many_environments_then_silence(scene: Scene) -> None:
    _then_silence(scene, scene.crowd)


def _then_silence(scene: Scene, environments: int) -> None:
    """As many requests at once, then nothing more: the steward's flushes alone land them."""
    tap = scene.dice.choice(scene.busy)
    scene.calm()
    scene.going.clear()
    number = len(tap.singles)
    at_once = [threading.Thread(target=tap.send_one, args=(f"at-once.{number + each}",)) for each in range(environments)]
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join()
    holding = len({request.environment for request in tap.singles[number:]})
    scene.silences.append((holding, scene.look_until_landed(scene.busy)))
    left = {request.batch for request in tap.singles[number:]} & scene.open_batches(tap)
    assert not left, f"{left} did not land in silence"
    for one in tap.living[3:]:
        scene.end(one)
    scene.going.set()


def _deploy(scene: Scene) -> None:
    """New settings while environments hold batches; the old ones end some time later."""
    tap = scene.dice.choice(scene.busy)
    old = tap.living
    tap.redeploy()
    for one in old:
        scene.later(partial(scene.end, one), (0.5, 6.0))


def _tap_removed(scene: Scene) -> None:
    """Function and environments go; `tapmesh land` lands what they held with the settings that stay. Then it comes back."""
    tap = scene.dice.choice(scene.busy)
    tap.there.clear()
    for one in tap.living:
        scene.end(one)
    list(land_open(scene.store, tap.name, scene.folder / "deployer"))
    tap.redeploy()
    tap.there.set()


def _deadly_statements(scene: Scene) -> None:
    """A record for each tap whose statement kills its lander, which is then asked until it has given up; beside everything else."""
    if not any(thread.is_alive() for thread in scene.beside):
        scene.beside = [threading.Thread(target=_die, args=(scene, tap), daemon=True) for tap in scene.deadly]
        for thread in scene.beside:
            thread.start()


def _die(scene: Scene, tap: Tap) -> None:
    """Of a stored batch a try counts as failed two minutes after it began, so here they begin two minutes ago."""
    batch = tap.send_one(f"deadly.{len(tap.singles)}").batch
    flushed = False
    for _ in range(20):
        tries = sum(lake.is_try(entry.key) for entry in scene.store.list(lake.stored_prefix(tap.name, batch)))
        with contextlib.suppress(OSError):
            jump(tap.living[0], -130 if tap.is_stored and tries < 3 else 0)
        asked = tap.fleet.invoke({"tapmesh": "land", "batch": batch} if flushed and tap.is_stored else {"tapmesh": "flush"})
        flushed = flushed or not asked.failed
        tap.fleet.settle()
        if not scene.open_batches(tap):
            return


DECK: dict[str, Mishap] = {
    "statement that kills the lander": _deadly_statements,
    "kill -9 of the handler": _kill("runtime"),
    "kill -9 of the lander": _kill("extensions"),
    "kill -9 of both": _kill("runtime", "extensions"),
    "handler over its timeout": _stop("runtime"),
    "lander over its timeout": _stop("extensions"),
    "SIGTERM": _shutdown,
    "S3 refuses connections": _s3_down,
    "S3 is slow": _s3("delay", (0.5, 3), None),
    "S3 is slower than anyone waits": _s3("delay", (8.5, 9.5)),
    "S3 cuts a put": _s3("cut"),
    "S3 loses a reply": _s3("lose-reply"),
    "S3 answers 500": _s3("500", method=None),
    "S3 answers 503": _s3("503", method=None),
    "S3 answers 409": _s3("409"),
    "/tmp is full": _full_disk,
    "clock jumps": _clock_jumps,
    "SHUTDOWN while S3 is down": _shutdown_without_s3,
    "environment vanishes": _vanish,
    "thawed after another landed its batch": _thawed_after_another_landed,
    "one record, then silence": _one_record_then_silence,
    "many environments, then silence": _many_environments_then_silence,
    "deploy while batches are open": _deploy,
    "tap removed while a batch is open": _tap_removed,
}


def befall(scene: Scene, count: int) -> Iterator[str]:
    """So many mishaps, deck after deck, each shuffled but for its first, which takes longest; the name of each before it happens."""
    for number in range(count):
        at = number % len(DECK)
        if at == 0:
            first, *others = DECK
            deck = [first, *scene.dice.sample(others, len(others))]
        yield deck[at]
        DECK[deck[at]](scene)
        scene.wait(scene.dice.uniform(0.1, 0.8))
