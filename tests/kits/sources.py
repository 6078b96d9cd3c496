"""What ships into a tap, as the tests and the chaos harness drive it: real shippers with the configurations their kits print."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.emulated.bring import free_port
from tests.kits.debian import unpacked

TAPMESH = str(Path(sys.executable).parent / "tapmesh")
_LEFT_ALONE_S = 20


@dataclass(frozen=True)
class Way:
    """Where a source sends: the tap's URL (through the faults), its sender's token in a file, a folder of the source's own."""

    url: str
    token_file: Path
    folder: Path

    def printed(self, *words: str) -> str:
        """What `tapmesh` prints with these words: a kit's configuration."""
        command = [TAPMESH, *words, "--url", self.url, "--token-file", str(self.token_file)]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=self.folder).stdout


class Source(Protocol):
    """One kit and the program it ships for. Emits records numbered on from 0, each with `mark` in it once when it is sent; `ids` is
    the query for the numbers that landed."""

    name: str
    tap: str
    person: str
    mark: bytes
    ids: str

    def start(self, way: Way) -> None: ...

    def emit(self, first: int, count: int) -> None:
        """Once this returns, the program has them: each must land."""

    def stop(self) -> None:
        """Ends the program as its user would; a later `start` goes on."""


class Program:
    """A process that is ended by SIGTERM, and by force where that takes too long."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: str) -> None:
        with (folder / log).open("ab") as file:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=file, start_new_session=True)

    def stop(self) -> None:
        """Waits for it, and for what it started."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_LEFT_ALONE_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """It and what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


# A kit that finds no tap at its start ends and says so; who has it run by a timer starts it again.
_UNTIL_THROUGH = 'trap "kill \\$kit; wait \\$kit; exit" TERM; while "$@" & kit=$!; ! wait $kit; do sleep 1; done'


def started_again(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: str) -> Program:
    """A program that is started until it ends well, or is ended."""
    return Program(["bash", "-c", _UNTIL_THROUGH, "bash", *command], folder, environment, log)


def relay(way: Way, tap: str, port: int) -> Program:
    """`tapmesh kit relay` of this source, once it listens."""
    words = ["--to", tap, "--url", way.url, "--port", str(port), "--folder", "kept"]
    token = {"TAP_TOKEN_COMMAND": f"cat {way.token_file}"}
    started = Program([TAPMESH, "kit", "relay", *words], way.folder, {**os.environ, **token}, "relay.log")
    _persistently(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close())
    return started


class _FromFile:
    """A syslog daemon that follows a file: what is written to the file is what it has."""

    tap, person, mark = "logs", "operator", b"number "
    ids = "select regexp_extract(message, 'number (\\d+)', 1)::int as id from logs where message like '%number %'"

    def __init__(self) -> None:
        self.program: Program | None = None

    def emit(self, first: int, count: int) -> None:
        with self.input.open("a") as file:
            file.writelines(f'Nov 23 10:00:00 web1 shop[7]: it\'s number {number} "of" many\n' for number in range(first, first + count))

    def start(self, way: Way) -> None:
        self.input = way.folder / "in.log"
        self.input.touch()
        self.program = Program(*self.command(way))

    def command(self, way: Way) -> tuple[Sequence[str], Path, Mapping[str, str], str]:
        raise NotImplementedError

    def stop(self) -> None:
        assert self.program is not None
        self.program.stop()


class SyslogNg(_FromFile):
    """syslog-ng with its http module, and the relay it posts to."""

    name = "syslog-ng"

    def start(self, way: Way) -> None:
        self._port = free_port()
        self._relay = relay(way, self.tap, self._port)
        super().start(way)

    def stop(self) -> None:
        super().stop()
        self._relay.stop()

    def command(self, way: Way) -> tuple[Sequence[str], Path, Mapping[str, str], str]:
        folder, package = way.folder, unpacked("syslog-ng-core", "syslog-ng-mod-http")
        own = (
            way.printed("kit", "syslog-ng", "--tap", self.tap)
            .replace("time-reopen(5)", "time-reopen(1)")
            .replace(":8902", f":{self._port}")
        )
        own = own.replace("reliable(yes)", f'reliable(yes) dir("{folder}")')
        source = f'source s_src {{ file("{self.input}" follow-freq(0.2)); }};'
        (folder / "syslog-ng.conf").write_text(f"@version: 3.35\noptions {{ keep-hostname(yes); }};\n{source}\n{own}")
        files = [f"--{name}={folder}/syslog-ng.{name}" for name in ("persist-file", "pidfile", "control")]
        modules = f"--module-path={package.root}/usr/lib/syslog-ng/3.38"
        return [package.program("syslog-ng"), "-F", "-f", "syslog-ng.conf", modules, *files], folder, package.environment(), "log"


class Rsyslog(_FromFile):
    """rsyslog, running `tapmesh kit relay`."""

    name = "rsyslog"

    def command(self, way: Way) -> tuple[Sequence[str], Path, Mapping[str, str], str]:
        folder, package = way.folder, unpacked("rsyslog")
        own = way.printed("kit", "rsyslog", "--tap", self.tap).replace("/var/log/", f"{folder}/").replace("/var/lib/tapmesh", str(folder))
        own = own.replace('resumeInterval="5"', 'resumeInterval="1"')
        state = f'global(workDirectory="{folder}")\nmodule(load="imfile" PollingInterval="1")\n'
        read = f'input(type="imfile" File="{self.input}" Tag="shop:")\n'
        (folder / "rsyslog.conf").write_text(state + read + own)
        modules = next(package.root.glob("usr/lib/*/rsyslog"))
        command = [package.program("rsyslogd"), "-n", "-f", str(folder / "rsyslog.conf"), "-i", str(folder / "pid"), "-M", str(modules)]
        return command, folder, package.environment(), "log"


class Collectd:
    """collectd's write_http into the relay."""

    name, tap, person, mark = "collectd", "metrics", "operator", b'"plugin":"chaos"'
    ids = "select value::int as id from metrics where plugin = 'chaos'"

    def __init__(self) -> None:
        self.programs: list[Program] = []

    def start(self, way: Way) -> None:
        folder, port = way.folder, free_port()
        self.programs = [relay(way, self.tap, port)]
        package = unpacked("collectd-core", "libyajl2", "libcurl3-gnutls")
        own = (
            way.printed("kit", "collectd", "--tap", self.tap).replace(":8901/", f":{port}/").replace("FlushInterval 10", "FlushInterval 1")
        )
        self.socket = folder / "sock"
        top = f'Hostname "web1"\nInterval 1\nBaseDir "{folder}"\nPluginDir "{package.root}/usr/lib/collectd"\n'
        top += f'TypesDB "{package.root}/usr/share/collectd/types.db"\n'
        top += f'LoadPlugin unixsock\n<Plugin unixsock>\n SocketFile "{self.socket}"\n</Plugin>\n'
        (folder / "collectd.conf").write_text(top + own)
        command = [package.program("collectd"), "-f", "-C", str(folder / "collectd.conf"), "-P", str(folder / "pid")]
        self.programs.append(Program(command, folder, package.environment(), "log"))

    def emit(self, first: int, count: int) -> None:
        with socket.socket(socket.AF_UNIX) as collectd:
            _persistently(lambda: collectd.connect(str(self.socket)))
            with collectd.makefile("rw") as stream:
                for number in range(first, first + count):
                    stream.write(f"PUTVAL web1/chaos/gauge-{number} interval=1 N:{number}\n")
                    stream.flush()
                    answer = stream.readline()
                    assert answer.startswith("0 "), answer

    def stop(self) -> None:
        for program in reversed(self.programs):
            program.stop()


def _persistently(act: object, within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while True:
        try:
            act()  # type: ignore[operator]
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
