"""The files an environment starts from: the script that arranges its mounts, and what puts its processes under its limits.

On Lambda the emulator's counterpart does not count against the function, so here it stays outside the limits: runtime and
extensions enter them as their first act.
"""

import contextlib
import shlex
from collections.abc import Iterable
from pathlib import Path

from tests.emulated.rie import Runtime

ROOM = "/var/rapid"  # the environment's own folder, seen from inside
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


# What Lambda tells the runtime only, and what is ours; the emulator passes everything on to extensions.
_UNTOLD = (
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "TAPMESH_HARNESS",
    "_HANDLER",
)


def furnish(room: Path, runtime: Runtime, code: Path, layer: Path, entrances: Iterable[Path], tmp_mb: int | None) -> Path:
    """Fills `room` and returns the script to run in a mount and process namespace of its own."""
    for name in ("tmp", "extensions"):
        (room / name).mkdir(parents=True)
    (room / "bootstrap.py").write_bytes(_BOOTSTRAP.read_bytes())
    enter = [f"echo 0 > {entrance}" for entrance in entrances]
    _script(room / "bootstrap", *enter, f'exec /var/lang/bin/python3 {ROOM}/bootstrap.py "$@"')
    extensions = sorted(layer.glob("extensions/*"))
    for extension in extensions:  # takes away, for itself alone, the mount that put this script over it
        itself = f"/opt/extensions/{extension.name}"
        uncovered = f"exec unshare --mount sh -c 'umount /opt/extensions && exec \"$0\"' {shlex.quote(itself)}"
        _script(room / "extensions" / extension.name, *enter, f"unset {' '.join(_UNTOLD)}", uncovered)
    script = room / "mount.sh"
    _script(script, *_mounts(room, runtime, code, layer, bool(extensions)), *_disk(tmp_mb), *_START)
    return script


def _script(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/bin/sh", "set -e", *lines]) + "\n")
    path.chmod(0o755)


def _mounts(room: Path, runtime: Runtime, code: Path, layer: Path, extensions: bool) -> list[str]:
    bind = [(code, "/var/task"), (runtime.client, "/var/runtime"), (room, ROOM), (layer, "/opt")]
    python = shlex.quote(str(runtime.python))
    return [
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


def _disk(tmp_mb: int | None) -> list[str]:
    """A folder for /tmp, or a file system of its own where its size matters; never a tmpfs, whose files would count as memory."""
    if tmp_mb is None:
        return [f"mount --bind {ROOM}/tmp /tmp"]
    image = f"{ROOM}/tmp.ext4"
    return [f"truncate -s {tmp_mb}M {image}", f"PATH=/usr/sbin:/sbin mkfs.ext4 -q -m 0 {image}", f"mount -o loop {image} /tmp"]


_START = ["cd /var/task", "unset OLDPWD", 'exec /proc/self/fd/3 "$@"']


def fill(disk: Path) -> None:
    """Writes into `disk/fill` until not one block is left, small ones neither."""
    with (disk / "fill").open("wb", buffering=0) as file:
        for size in (4096, 1024, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
