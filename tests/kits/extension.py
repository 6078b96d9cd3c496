"""The telemetry extension, built once a run, started as Lambda starts it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mesh.kits.lambda_telemetry.build import NAME as NAME
from mesh.kits.lambda_telemetry.build import binary
from tests.emulated.bring import missing

TIME = "2026-11-23T10:00:00.000Z"


def built(folder: Path) -> Path:
    """The extension for this machine."""
    if shutil.which("go") is None:
        missing("the telemetry extension is built with Go 1.22 or newer: install it from https://go.dev/dl")
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    return binary("x86_64" if machine == "x86_64" else "arm64", folder)


@contextmanager
def started(program: Path, api: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A process of it, killed if it still runs at the end."""
    own = {"AWS_LAMBDA_RUNTIME_API": api, "AWS_REGION": "eu-west-1", **variables}
    with subprocess.Popen([str(program)], env=own, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def report(request: str, status: str = "success") -> dict[str, Any]:
    """A platform.report."""
    metrics = {"durationMs": 12.5, "billedDurationMs": 13, "memorySizeMB": 128, "maxMemoryUsedMB": 64}
    return {"time": TIME, "type": "platform.report", "record": {"requestId": request, "status": status, "metrics": metrics}}


def log(text: str) -> dict[str, Any]:
    """A line the function wrote."""
    return {"time": TIME, "type": "function", "record": text}
