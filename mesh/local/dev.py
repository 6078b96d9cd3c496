"""`tapmesh dev`: the whole mesh on this machine, reloaded when a file of it is saved, ended cleanly by Ctrl-C."""

import asyncio
import contextlib
import datetime as dt
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from mesh.grants.boilingdata import HOW, laptop_secret, secret_file
from mesh.grants.keys import laptop_file, laptop_keyring
from mesh.kits.web.demo import demo
from mesh.local.child import LanderChild
from mesh.local.live import say
from mesh.local.pages import pages
from mesh.local.retyped import retyped
from mesh.local.running import Running, Save
from mesh.local.server import Edge
from mesh.local.workspace import STACK, Workspace
from mesh.plan import Stack, TapPlan, expand
from mesh.spec import Checked, load
from mesh.spec.mesh import Mesh
from tap_runtime import FORMAT, lake, spool
from tap_runtime.accept import Acceptor
from tap_runtime.errors import LakeDown
from tap_runtime.store import folder_store

_WATCH_S = 0.5
_LAST_ANSWERS_S = 2  # what a sender that does not read, or a query, may hold up the end by
_CONFIG: dict[str, Any] = {"access_log": False, "lifespan": "off", "server_header": False, "timeout_graceful_shutdown": _LAST_ANSWERS_S}
Say = Callable[[str], None]


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Dev:
    """One run of the laptop mesh. The caller holds the workspace's lock."""

    def __init__(self, file: Path, mesh: Mesh, workspace: Workspace, port: int, say: Say) -> None:
        self._file, self._workspace, self._port, self._say = file, workspace, port, say
        self._store = folder_store(workspace.lake)
        self._running = Running(mesh, workspace, laptop_keyring(workspace.keys))
        self._read_keys()
        if self._running.secret is None and mesh.boilingdata_owner is not None:
            say(f"no BoilingData token is taken before the owner's tap master secret is here: {HOW}")
        self._running.plans = self._plan(mesh)
        self._child = LanderChild(workspace, self._hear)
        self._why_stuck = ""
        self._secret = self._running.secret  # what the acceptors have
        self._files = mesh.files
        self._seen = self._times()

    async def run(self) -> None:
        """Serves until SIGINT or SIGTERM, then lands what is open."""
        for tap, batch in list(spool.batches(self._workspace.spool, "open")):
            spool.seal(self._workspace.spool, tap, batch)
        self._store.put(lake.MESH, msgspec.json.encode({"format": FORMAT, "mesh": self._running.mesh.name}))
        self._running.acceptors = {name: self._acceptor(plan) for name, plan in self._running.plans.items()}
        edge = Edge(self._running, pages(self._running, demo(self._running, _now)), _now)
        config = uvicorn.Config(edge, "127.0.0.1", self._port, log_level="warning", **_CONFIG)
        server = _Server(config)
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._stop, server)
        await self._child.start()
        watch = asyncio.create_task(self._watch())
        try:
            await server.serve()
        finally:
            watch.cancel()
            await self._end()

    def _stop(self, server: uvicorn.Server) -> None:
        if not server.should_exit:
            self._say("stopping: landing what is open …")
        server.should_exit = True
        self._running.closing.set()

    async def _end(self) -> None:
        for acceptor in self._running.acceptors.values():
            acceptor.seal()
        if await self._child.finish():
            self._say("stopped; everything acknowledged has landed")
        else:
            self._say("stopped; what could not land in time is kept and lands at the next start")

    def _plan(self, mesh: Mesh) -> dict[str, TapPlan]:
        return {plan.name: plan for plan in expand(mesh, Stack(STACK, self._running.keys.public())).taps}

    def _acceptor(self, plan: TapPlan) -> Acceptor:
        self._store.put(lake.settings_key(plan.name, plan.settings_sha256), plan.settings.to_json())
        return Acceptor(plan.settings, self._store, self._workspace.spool, os.urandom, self._running.secret)

    def _read_keys(self) -> None:
        running, keys = self._running, self._workspace.keys
        try:
            running.keys, running.secret = laptop_keyring(keys), laptop_secret(keys)
        except (ValueError, OSError) as bad:
            self._say(f"the keys are used as they were: {bad}")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            now = self._times()
            if now == self._seen:
                continue
            checked = await asyncio.to_thread(load, self._file)
            try:
                self._reload(checked)
            except (LakeDown, OSError) as error:
                self._stuck(str(error))
                continue  # the save is still to be taken
            self._stuck("")
            self._files = checked.files
            # of files that are new there is no earlier time; of all others a save since `now` is one more to take
            self._seen = {file: now.get(file, time) for file, time in self._times().items()}

    def _stuck(self, why: str) -> None:
        if why and why != self._why_stuck:
            self._say(f"the save is not taken yet, and the mesh runs on as it was: {why}")
        self._why_stuck = why

    def _times(self) -> dict[Path, float]:
        found = {}
        keys = self._workspace.keys
        for file in (*self._files, laptop_file(keys), secret_file(keys)):
            with contextlib.suppress(OSError):
                found[file] = file.stat().st_mtime
        return found

    def _reload(self, checked: Checked) -> None:
        running, root = self._running, self._file.parent
        running.problems = tuple(problem.line(root) for problem in checked.problems)
        self._read_keys()
        other_secret = running.secret != self._secret
        mesh = checked.mesh or running.mesh  # keys count whatever else was saved
        plans = self._plan(mesh)
        save = self._save(plans, other_secret, mesh == running.mesh)
        for name in (*save.changed, *save.removed):
            running.acceptors[name].seal()
        fresh = {name: self._acceptor(plans[name]) for name in (*save.changed, *save.added)}
        running.acceptors = {name: fresh.get(name) or running.acceptors[name] for name in plans}
        running.mesh, running.plans, running.save, self._secret = mesh, plans, save, running.secret
        if checked.mesh is None:
            self._say("\n".join(["saved with problems; the mesh runs on as it was:", *running.problems]))
        if checked.mesh is not None or save.changed:
            self._say("\n".join([f"reloaded: {save.words}", *(f"warning: {warning}" for warning in save.warnings)]))

    def _save(self, plans: dict[str, TapPlan], other_secret: bool, same_mesh: bool) -> Save:
        before = self._running.plans
        changed = tuple(
            name for name in plans if name in before and (plans[name] != before[name] or other_secret and plans[name].function.secrets)
        )
        added, removed = (tuple(name for name in these if name not in those) for these, those in ((plans, before), (before, plans)))
        warnings = (retyped(self._workspace.lake, before[name].settings, plans[name].settings) for name in changed)
        return Save(_now(), changed, added, removed, tuple(itertools.chain.from_iterable(warnings)), same_mesh and bool(changed))

    def _hear(self, event: dict[str, Any]) -> None:
        landings, tap = self._running.landings, event.get("tap", "")
        known = landings.trouble(tap)
        landings.hear(event, _now())
        match event["event"]:
            case "landed":
                bad = event["refused"] + event["quarantined"]
                text = f"landed {tap}: {say.rows(event['rows'])}, {event['bytes']:,} bytes in {event['took_ms']} ms"
                self._say(text + (f"; {bad:,} in quarantine" if bad else ""))
            case "failed":
                if (trouble := landings.trouble(tap)) != known:
                    self._say(f"{tap}: {trouble}")
            case "lost":
                self._say(f"the spool of {tap} {event['batch']} has vanished: presumed lost, at most {event['at_most']}")
            case "not_started":
                self._say(f"the lander cannot be started, which is tried again: {event['why']}")
            case _:
                self._say("the lander ended and was started again")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
