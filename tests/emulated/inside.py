"""The files an environment starts from: the script that arranges its mounts, and what puts its processes under its limits.

On Lambda the emulator's counterpart does not count against the function, so here it stays outside the limits: runtime and
extensions enter them as their first act.
"""

import shlex
from collections.abc import Iterable
from pathlib import Path

from tests.emulated.rie import Runtime

ROOM = "/var/rapid"  # the environment's own folder, seen from inside
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


def furnish(room: Path, runtime: Runtime, code: Path, layer: Path, entrances: Iterable[Path], tmp_mb: int | None) -> Path:
    """Fills `room` and returns the script to run in a mount and process namespace of its own."""
    for name in ("tmp", "layer", "opt", "extensions"):
        (room / name).mkdir(parents=True)
    (room / "bootstrap.py").write_bytes(_BOOTSTRAP.read_bytes())
    _entering(room / "bootstrap", f"/var/lang/bin/python3 {ROOM}/bootstrap.py", entrances)
    extensions = sorted(layer.glob("extensions/*"))
    for extension in extensions:
        _entering(room / "extensions" / extension.name, f"{ROOM}/layer/extensions/{extension.name}", entrances)
    script = room / "mount.sh"
    script.write_text("\n".join([*_mounts(room, runtime, code, layer, bool(extensions)), *_disk(room, tmp_mb), *_START]) + "\n")
    return script


def _entering(script: Path, command: str, entrances: Iterable[Path]) -> None:
    script.write_text("\n".join(["#!/bin/sh", *(f"echo 0 > {entrance}" for entrance in entrances), f'exec {command} "$@"']) + "\n")
    script.chmod(0o755)


def _mounts(room: Path, runtime: Runtime, code: Path, layer: Path, extensions: bool) -> list[str]:
    bind = [(code, "/var/task"), (runtime.client, "/var/runtime"), (room, ROOM), (layer, f"{ROOM}/layer"), (layer, "/opt")]
    python = shlex.quote(str(runtime.python))
    return [
        "set -e",
        f"exec 3< {shlex.quote(str(runtime.emulator))}",  # held open: the folder it is in may be hidden below
        "mount -t tmpfs -o size=1m,mode=755 lambda /var",
        f"mkdir -p /var/lang/bin /var/task /var/runtime {ROOM}",
        *(f"ln -s {python} /var/lang/bin/{name}" for name in ("python3", f"python{runtime.version}")),
        *(f"mount --bind {shlex.quote(str(source))} {target}" for source, target in bind),
        *([f"mount --bind {ROOM}/extensions /opt/extensions"] if extensions else []),
        *(f"mount -o remount,bind,ro {target}" for target in ("/var/task", "/opt", "/")),
        "mount -t proc proc /proc",
        "mount -t tmpfs -o ro none /dev/shm",
    ]


def _disk(room: Path, tmp_mb: int | None) -> list[str]:
    """A folder for /tmp, or a file system of its own where its size matters; never a tmpfs, whose files would count as memory."""
    if tmp_mb is None:
        return [f"mount --bind {ROOM}/tmp /tmp"]
    image = f"{ROOM}/tmp.ext4"
    return [f"truncate -s {tmp_mb}M {image}", f"PATH=/usr/sbin:/sbin mkfs.ext4 -q -m 0 {image}", f"mount -o loop {image} /tmp"]


_START = ["cd /var/task", "unset OLDPWD", 'exec /proc/self/fd/3 "$@"']
