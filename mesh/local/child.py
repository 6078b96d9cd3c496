"""The lander child as the server sees it: started in a session of its own, started again when it dies, ended by closing its input."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any

from mesh.local.workspace import LEFT, Workspace

_LAST_CALL_S = 12.5


class LanderChild:
    """Keeps one lander running until `finish`."""

    def __init__(self, workspace: Workspace, hear: Callable[[dict[str, Any]], None]) -> None:
        self._workspace, self._hear = workspace, hear
        self._process: asyncio.subprocess.Process | None = None
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts it and the task that watches it."""
        self._process = await self._spawn()
        self._task = asyncio.create_task(self._watch())

    async def _spawn(self) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "mesh.local.lander", str(self._workspace.root))
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, start_new_session=True)

    async def _watch(self) -> None:
        delay_s = 0.2
        while self._process is not None:
            assert self._process.stdout is not None
            while line := await self._process.stdout.readline():
                self._hear(json.loads(line))
                delay_s = 0.2
            if await self._process.wait() in (0, LEFT) and self._ending.is_set():
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), delay_s)
            delay_s = min(2 * delay_s, 10.0)
            try:
                self._process = await self._spawn()
            except OSError as error:  # no descriptors or no memory left, for now
                self._hear({"event": "not_started", "why": error.strerror})
                if self._ending.is_set():
                    return
                continue
            self._hear({"event": "restarted"})
            if self._ending.is_set():
                self._end_input()

    async def finish(self) -> bool:
        """Lets it land what is there; False when it could not, or not in time and had to be stopped (nothing is lost by that)."""
        self._ending.set()
        if self._process is None or self._task is None:
            return True
        self._end_input()
        try:
            await asyncio.wait_for(self._task, _LAST_CALL_S)
        except TimeoutError:
            self._process.kill()
            return False
        return self._process.returncode == 0

    def _end_input(self) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
