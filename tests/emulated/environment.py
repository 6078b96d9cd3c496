"""One execution environment of a function under the real emulator: its own mounts, processes, ports and limits; frozen when it is idle."""

import http.client
import itertools
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.emulated import freezer
from tests.emulated.bring import free_port, missing
from tests.emulated.cgroup import Cgroup, Cpu, Memory
from tests.emulated.inside import ROOM, furnish
from tests.emulated.outcome import Outcome, Report, read_reports
from tests.emulated.rie import runtime

_INVOKE = "/2015-03-31/functions/function/invocations"
_numbers = itertools.count()


@dataclass(frozen=True)
class Deployed:
    """What was deployed: a folder that is the code zip, one that is the layer, and the function's configuration."""

    name: str
    code: Path
    layer: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    handler: str = "tap_runtime.function.handler"
    memory_mb: int = 128
    timeout_s: int = 30
    tmp_mb: int | None = None  # a /tmp of this size; None: a folder without a limit

    @property
    def cores(self) -> float:
        """Lambda's rule: one core at 1,769 MB."""
        return self.memory_mb / 1769


class Environment:
    """Started frozen to nothing: INIT runs with the first request, at a full core, as the emulator has it."""

    def __init__(self, deployed: Deployed, folder: Path) -> None:
        if os.geteuid():
            missing("namespaces and cgroups need root: run the tests as root")
        self.name = f"tapmesh-{os.getpid()}-{next(_numbers)}"
        self.room, self.deployed = folder / self.name, deployed
        self.tmp, self._log = self.room / "tmp", self.room / "log"
        self.state: Literal["idle", "busy", "gone"] = "idle"
        self._process: subprocess.Popen[bytes] | None = None
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._settled = threading.Event()
        self._settled.set()
        self._turning = threading.Lock()  # between serving, frozen and gone: who freezes must know that it is not ending
        self._group = Cgroup(self.name)
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._start()
        except BaseException:
            self.vanish()
            raise

    def _start(self) -> None:
        self._group.limit_memory(self.deployed.memory_mb * 1024 * 1024)
        self._group.limit_cpu(1)
        self._listener.bind("\0" + self.name)
        self._listener.listen()
        threading.Thread(target=self._listen, daemon=True).start()
        self._launch()

    def _launch(self) -> None:
        wanted = self.deployed
        script = furnish(self.room, runtime(), wanted.code, wanted.layer, self._group.entrances(), wanted.tmp_mb)
        port, api = free_port(), free_port()
        emulator = [
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{port}",
            "--runtime-api-address",
            f"127.0.0.1:{api}",
            "--log-level",
            "info",
        ]
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        with self._log.open("wb") as log:
            command = [*unshare, "sh", str(script), *emulator, f"{ROOM}/bootstrap"]
            self._process = subprocess.Popen(command, env=self._variables(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=wanted.timeout_s + 30)
        self._wait_for_emulator(port)

    def _variables(self) -> dict[str, str]:
        """What Lambda sets, then the function's own; nothing of this process's environment."""
        wanted = self.deployed
        return {
            "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "_HANDLER": wanted.handler,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": wanted.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(wanted.memory_mb),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(wanted.timeout_s),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "TAPMESH_HARNESS": self.name,
            **wanted.variables,
        }

    def _wait_for_emulator(self, port: int) -> None:
        for _ in range(500):
            assert self._process.poll() is None, f"the emulator ended: {self.logs()}"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise AssertionError(f"the emulator does not answer: {self.logs()}")

    def _listen(self) -> None:
        while True:
            try:
                runtime_process, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._hear, args=(runtime_process,), daemon=True).start()

    def _hear(self, told: socket.socket) -> None:
        """Frames of bootstrap.py; a torn last one is a runtime that died, and tells nothing."""
        with suppress(OSError), told, told.makefile("rb") as stream:
            while len(head := stream.read(5)) == 5:
                length = int.from_bytes(head[1:], "big")
                body = stream.read(length)
                if head[:1] == b"F":
                    self._group.limit_cpu(self.deployed.cores)
                    told.send(b".")
                elif len(body) == length:
                    self._outcomes.put(Outcome(body, failed=head[:1] == b"E"))

    def claim(self) -> bool:
        """Makes an idle one busy; whoever got it serves next."""
        if self.state != "idle" or self._process.poll() is not None:
            return False
        self.state = "busy"
        self._settled.clear()
        return True

    def serve(self, event: bytes) -> Outcome:
        """Hands the event in and returns as soon as the sender would have its answer; it stays busy until its extensions are done."""
        while not self._outcomes.empty():
            self._outcomes.get()
        started = time.perf_counter()
        try:
            with self._turning:
                if self.state == "busy":
                    freezer.thaw(self._group)
            self._http.request("POST", _INVOKE, event)
            threading.Thread(target=self._finish, daemon=True).start()
        except OSError as error:
            self._end_of_request()
            return Outcome(str(error).encode(), failed=True, lost=True)
        outcome = self._outcomes.get()
        outcome.seconds = time.perf_counter() - started
        return outcome

    def _finish(self) -> None:
        try:
            with self._http.getresponse() as response:
                said = response.read()
            self._outcomes.put(Outcome(said, failed=True))  # only read where the runtime handed in nothing
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            self._outcomes.put(Outcome(repr(error).encode(), failed=True, lost=True))
        self._end_of_request()

    def _end_of_request(self) -> None:
        with self._turning:
            if self.state == "busy":
                freezer.freeze(self._group)
                self.state = "idle"
        self._settled.set()

    def settle(self, within_s: float = 60) -> None:
        """Waits until the extensions are done too and it is frozen."""
        assert self._settled.wait(within_s), f"still busy: {self.logs()[-2000:]}"

    def shutdown(self) -> float:
        """Lambda's SHUTDOWN: the emulator gives runtime and extensions 2,000 ms together. Seconds it took."""
        started = time.monotonic()
        if self._ends():
            freezer.thaw(self._group)
            os.kill(self._emulator(), signal.SIGTERM)
            self._clear()
        return time.monotonic() - started

    def vanish(self) -> None:
        """Removed without a word."""
        if self._ends():
            if self._process is not None and self._process.poll() is None:
                freezer.kill(self._group, self._emulator())
            self._clear()

    def _ends(self) -> bool:
        with self._turning:
            ends, self.state = self.state != "gone", "gone"
        return ends

    def _clear(self) -> None:
        if self._process is not None:
            self._process.wait(30)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # a close alone does not wake who accepts
        self._listener.close()
        self._group.remove()

    def _emulator(self) -> int:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0])

    def processes(self, which: Literal["runtime", "extensions"]) -> list[int]:
        """Process ids, as seen from here."""
        found = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in self._group.processes()}
        return [pid for pid, command in found.items() if (f"{ROOM}/bootstrap.py".encode() in command) == (which == "runtime")]

    def kill(self, which: Literal["runtime", "extensions"]) -> None:
        """kill -9; of a frozen environment it happens when it is thawed."""
        for pid in self.processes(which):
            os.kill(pid, signal.SIGKILL)

    def logs(self) -> str:
        """All that runtime, extensions and emulator wrote."""
        return self._log.read_text(errors="replace")

    def reports(self) -> list[Report]:
        """What the emulator measured of each request, in order."""
        return read_reports(self.logs())

    def memory(self) -> Memory:
        """Of runtime and extensions together; the emulator does not count, as on Lambda."""
        return self._group.memory()

    def anonymous(self) -> int:
        """Bytes in use now that the kernel could not take back."""
        return self._group.anonymous()

    def cpu(self) -> Cpu:
        """Of runtime and extensions together."""
        return self._group.cpu()
