"""Memory and CPU of one environment, limited and counted by the kernel: cgroup v1 where it is mounted, else v2."""

import time
from dataclasses import dataclass
from pathlib import Path

from tests.emulated.bring import missing

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = (
    20_000  # a quota of 7 % is then spent in slices of 1.4 ms, as on Lambda; the kernel's default of 100 ms would stall 93 ms at a time
)
V1 = ("memory", "cpu", "cpuacct", "freezer")


@dataclass(frozen=True)
class Memory:
    """Bytes: the peak of everything, and what stands now, of which `file` could be taken back; kills for want of memory."""

    peak: int
    now: int
    anon: int
    file: int
    oom_kills: int


@dataclass(frozen=True)
class Cpu:
    """Seconds of CPU used, periods in which the share was spent, seconds spent waiting for the next one."""

    used_s: float
    throttled: int
    throttled_s: float


def numbers(file: Path) -> dict[str, int]:
    """A kernel file of `name number` lines."""
    return {name: int(value) for name, _, value in (line.partition(" ") for line in file.read_text().splitlines()) if value.isdigit()}


def is_v1() -> bool:
    """Whether this machine still limits memory by cgroup v1."""
    return (ROOT / "memory" / "cgroup.procs").exists()


class Cgroup:
    """One group in every hierarchy it needs; `folders` maps a controller to its folder, all the same one on v2."""

    def __init__(self, name: str) -> None:
        self.v1 = is_v1()
        self.folders = {controller: (_own(controller) if self.v1 else ROOT) / name for controller in V1}
        try:
            if not self.v1:
                (ROOT / "cgroup.subtree_control").write_text("+memory +cpu")
            for folder in set(self.folders.values()):
                folder.mkdir()
        except OSError as error:
            self.remove()
            missing(f"cgroups cannot be made here ({error}); run as root with {ROOT} writable")

    def entrances(self) -> list[Path]:
        """The files a process writes itself into."""
        return sorted({folder / "cgroup.procs" for folder in self.folders.values()})

    def processes(self) -> list[int]:
        """Who is in it."""
        return [int(pid) for pid in (self.folders["memory"] / "cgroup.procs").read_text().split()]

    def limit_memory(self, limit: int) -> None:
        """Bytes, swap included where there is any."""
        folder = self.folders["memory"]
        names = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes") if self.v1 else ("memory.max", "memory.swap.max")
        (folder / names[0]).write_text(str(limit))
        if (folder / names[1]).exists():
            (folder / names[1]).write_text(str(limit if self.v1 else 0))

    def limit_cpu(self, cores: float, period_us: int) -> None:
        """A share of the machine, 1 being one core, spent within each period."""
        quota = max(1000, round(cores * period_us))  # the kernel takes no less than 1 ms
        if self.v1:
            (self.folders["cpu"] / "cpu.cfs_period_us").write_text(str(period_us))
            (self.folders["cpu"] / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (self.folders["cpu"] / "cpu.max").write_text(f"{quota} {period_us}")

    def anonymous(self) -> int:
        """Bytes that cannot be taken back: neither page cache nor clean file pages."""
        return numbers(self.folders["memory"] / "memory.stat")["total_rss" if self.v1 else "anon"]

    def memory(self) -> Memory:
        """What was used since it was made."""
        folder, stat = self.folders["memory"], numbers(self.folders["memory"] / "memory.stat")
        if self.v1:
            kills = numbers(folder / "memory.oom_control")["oom_kill"]
            peak, now = (int((folder / f"memory.{name}_in_bytes").read_text()) for name in ("max_usage", "usage"))
            return Memory(peak, now, stat["total_rss"], stat["total_cache"], kills)
        peak, now = (int((folder / f"memory.{name}").read_text()) for name in ("peak", "current"))
        return Memory(peak, now, stat["anon"], stat["file"], numbers(folder / "memory.events")["oom_kill"])

    def cpu(self) -> Cpu:
        """What was used since it was made."""
        stat = numbers(self.folders["cpu"] / "cpu.stat")
        if self.v1:
            used_ns = int((self.folders["cpuacct"] / "cpuacct.usage").read_text())
            return Cpu(used_ns / 1e9, stat["nr_throttled"], stat["throttled_time"] / 1e9)
        return Cpu(stat["usage_usec"] / 1e6, stat["nr_throttled"], stat["throttled_usec"] / 1e6)

    def remove(self) -> None:
        """Once its processes are gone; the kernel needs a moment to see that."""
        for folder in set(self.folders.values()):
            for _ in range(1500):  # half a minute; the last of them may have a sliver of a busy core to end in
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)
            else:
                raise AssertionError(f"{folder} still has processes: {(folder / 'cgroup.procs').read_text().split()}")


def _own(controller: str) -> Path:
    """Under the group this process is in: whoever limits us limits our environments too."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(",") and (ROOT / controller / path.lstrip("/")).exists():
            return ROOT / controller / path.lstrip("/")
    return ROOT / controller
