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
from pathlib import Path
from typing import Literal

from tests.emulated import freezer
from tests.emulated.bring import free_port, missing
from tests.emulated.cgroup import Cgroup, Cpu, Memory
from tests.emulated.deployed import Deployed
from tests.emulated.hearing import Hearing
from tests.emulated.inside import ROOM, furnish
from tests.emulated.outcome import Outcome, Report, read_reports
from tests.emulated.rie import runtime

_INVOKE = "/2015-03-31/functions/function/invocations"
_TIMED_OUT = b"Task timed out after"
_TELL_S = 5  # the runtime has told before the emulator answers; only this process may be slow to hear it
_numbers = itertools.count()


class _Request:
    """The one that is being served: the first outcome is its sender's."""

    def __init__(self) -> None:
        self.outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.told = threading.Event()

    def tell(self, outcome: Outcome) -> None:
        """The runtime has told it."""
        self.outcomes.put(outcome)
        self.told.set()


class Environment:
    """`state` is what a router must know. The emulator runs INIT with the first request, here at a full core."""

    def __init__(self, deployed: Deployed, folder: Path) -> None:
        if os.geteuid():
            missing("namespaces and cgroups need root: run the tests as root")
        self.name = f"tapmesh-{os.getpid()}-{next(_numbers)}"
        self.room, self.deployed = folder / self.name, deployed
        self.tmp, self._log = self.room / "tmp", self.room / "log"
        self.state: Literal["idle", "busy", "gone"] = "idle"
        self.crashed = False  # the emulator had ended by itself
        self._process: subprocess.Popen[bytes] | None = None
        self._request = _Request()
        self._settled = threading.Event()
        self._settled.set()
        self._turning = threading.Lock()  # between serving, frozen and gone: who freezes must know that it is not ending
        self._group = Cgroup(self.name)
        self._hearing = Hearing(self.name, lambda: self._share(deployed.cores), self._answered)
        self._used: tuple[Memory, Cpu] | None = None
        try:
            self._start()
        except BaseException:
            self.vanish()
            raise

    def _share(self, cores: float) -> None:
        self._group.limit_cpu(cores, self.deployed.period_us)

    def _start(self) -> None:
        wanted = self.deployed
        self._group.limit_memory(wanted.memory_mb * 1024 * 1024)
        self._share(1)
        script = furnish(self.room, runtime(), wanted.code, wanted.layer, self._group.entrances(), wanted.tmp_mb)
        port, api = free_port(), free_port()
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        addresses = [f"--runtime-interface-emulator-address=127.0.0.1:{port}", f"--runtime-api-address=127.0.0.1:{api}"]
        command = [*unshare, "sh", str(script), *addresses, "--log-level=info", f"{ROOM}/bootstrap"]
        variables = {**wanted.environment(), "TAPMESH_HARNESS": self.name}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=wanted.timeout_s + 30)
        self._wait_for_emulator(port)

    def _wait_for_emulator(self, port: int) -> None:
        for _ in range(3000):
            assert self._process.poll() is None, f"the emulator ended: {self.logs()}"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise AssertionError(f"the emulator does not answer: {self.logs()}")

    def _answered(self, outcome: Outcome) -> None:
        self._request.tell(outcome)

    def claim(self) -> bool:
        """Makes an idle one busy; whoever got it serves next."""
        with self._turning:
            if self.state != "idle" or self._process.poll() is not None:
                return False
            self.state = "busy"
            self._settled.clear()
            return True

    def release(self) -> None:
        """Gives back what was claimed and is not needed: idle again, without having run."""
        self._end_of_request()

    def serve(self, event: bytes) -> Outcome:
        """Hands the event in and returns as soon as the sender would have its answer; it stays busy until its extensions are done."""
        request = self._request = _Request()
        started = time.perf_counter()
        try:
            with self._turning:
                if self.state == "busy":
                    freezer.thaw(self._group)
            self._http.request("POST", _INVOKE, event)
            threading.Thread(target=self._finish, args=(request,), daemon=True).start()
        except OSError as error:
            self._end_of_request()
            return Outcome(str(error).encode(), failed=True, lost=True)
        outcome = request.outcomes.get()
        outcome.seconds = time.perf_counter() - started
        return outcome

    def _finish(self, request: "_Request") -> None:
        try:
            with self._http.getresponse() as response:
                said = response.read()
            if response.status != 200 or said.startswith(_TIMED_OUT) or not request.told.wait(_TELL_S):
                request.outcomes.put(Outcome(said, failed=True))  # the runtime handed in nothing, or nobody waits for this any more
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            request.outcomes.put(Outcome(repr(error).encode(), failed=True, lost=True))
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
            if not self.crashed:
                freezer.thaw(self._group)
                os.kill(self._emulator(), signal.SIGTERM)
            self._clear()
        return time.monotonic() - started

    def vanish(self) -> None:
        """Removed without a word."""
        if self._ends():
            if self._process is not None and not self.crashed:
                freezer.kill(self._group, self._emulator())
            self._clear()

    def _ends(self) -> bool:
        with self._turning:
            ends, self.state = self.state != "gone", "gone"
            if ends and self._process is not None:
                self.crashed = self._process.poll() is not None
        return ends

    def _clear(self) -> None:
        if self._process is not None:
            self._process.wait(60)
        self._hearing.close()
        self._used = self._group.memory(), self._group.cpu()
        self._group.remove()

    def _emulator(self) -> int:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if not children:
            raise ProcessLookupError(f"{self.name} has ended")
        return int(children[0])

    def processes(self, which: Literal["runtime", "extensions"]) -> list[int]:
        """Process ids, as seen from here."""
        found = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in self._group.processes()}
        return [pid for pid, command in found.items() if (f"{ROOM}/bootstrap.py".encode() in command) == (which == "runtime")]

    def kill(self, which: Literal["runtime", "extensions"]) -> None:
        """kill -9; of a frozen environment it happens when it is thawed."""
        for pid in self.processes(which):
            os.kill(pid, signal.SIGKILL)

    def disk(self) -> Path:
        """Its /tmp as it sees it itself, seen from here; raises OSError when it is gone."""
        return Path(f"/proc/{self._emulator()}/root/tmp")

    def hears(self) -> bool:
        """Whether its extensions would hear of SHUTDOWN: not one that was killed, until a request has started it again, or that is stopped.

        One that is still starting is ended with SIGKILL."""
        found, log = self.processes("extensions"), self.logs()
        starting = log.rfind("INIT START") > log.rfind("INIT RTDONE")
        return bool(found) and not starting and all(_goes_on(pid) for pid in found)

    def logs(self) -> str:
        """All that runtime, extensions and emulator wrote."""
        return self._log.read_text(errors="replace")

    def reports(self) -> list[Report]:
        """What the emulator measured of each request, in order."""
        return read_reports(self.logs())

    def memory(self) -> Memory:
        """Of runtime and extensions together; the emulator does not count, as on Lambda."""
        return self._used[0] if self._used else self._group.memory()

    def anonymous(self) -> int:
        """Bytes in use now that the kernel could not take back."""
        return self._group.anonymous()

    def cpu(self) -> Cpu:
        """Of runtime and extensions together."""
        return self._used[1] if self._used else self._group.cpu()


def _goes_on(pid: int) -> bool:
    """Not stopped, and neither SIGKILL nor SIGSTOP waits for it to be thawed."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    waiting = int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)
    return status["State"][0] not in "TZ" and not waiting & (1 << signal.SIGKILL - 1 | 1 << signal.SIGSTOP - 1)
