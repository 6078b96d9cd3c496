"""The page in HTML, whole and in the parts the stream sends again when they change. Everything in it is escaped by the templates."""

import asyncio
import datetime as dt
import functools
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from mesh.local.live import say
from mesh.local.live.counts import newest
from mesh.local.live.examples import examples
from mesh.local.live.landings import earlier_landings
from mesh.local.live.quarantine import FILES, Reason, reasons
from mesh.local.live.rows import Rows, Values
from mesh.local.live.sample import curl, sample
from mesh.local.live.tokens import Tokens, sender
from mesh.local.running import Running

_PARTS = ("save", "taps", "tap", "landings", "quarantine", "refusals", "declared")


@functools.cache
def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    made = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"size": say.size, "span": say.span, "digest": digest}
    return made


def digest(html: str) -> str:
    """What a part is told from its next version by."""
    return f"{zlib.crc32(html.encode()):08x}"


@dataclass(frozen=True)
class Looked:
    """What somebody looks at: a tap, from a host."""

    tap: str
    host: str


class View:
    """One for all who look."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._tokens = Tokens(running.key)
        self._remembered: set[str] = set()
        self.rows = Rows(running)

    async def page(self, looked: Looked, now: dt.datetime) -> str:
        """The whole page as it stands now."""
        parts = await self.parts(looked, now)
        facts = self._facts(looked, now, await self._reasons(looked)) | {"values": self.rows.values(now) | self.box(looked, now)}
        shown = parts | {"taps": _templates().get_template("taps.html").render(facts)}
        asked = examples(self._running.mesh.taps.get(self._chosen(looked)))
        return _templates().get_template("page.html").render(facts, parts=parts, shown=shown, examples=asked, host=looked.host)

    async def parts(self, looked: Looked, now: dt.datetime) -> dict[str, str]:
        """The parts by name, without the numbers in them, so that they stay the same while only numbers change."""
        await self._remember()
        facts = self._facts(looked, now, await self._reasons(looked))
        return {part: _templates().get_template(f"{part}.html").render(facts) for part in _PARTS}

    def box(self, looked: Looked, now: dt.datetime) -> Values:
        """What the send box is filled with."""
        name = self._chosen(looked)
        if not name:
            return {}
        settings = self._running.plans[name].settings
        body = sample(settings.columns, now.replace(minute=0, second=0))
        before, quoted, behind = curl(looked.host, settings, self._tokens.token(settings, now), body)
        who = "anybody, the tap is public" if settings.public else sender(settings, now.date()) or "nobody, no grant to write is in force"
        return {"box.sample": body, "box.before": before, "box.body": quoted, "box.behind": behind, "box.who": who}

    def _chosen(self, looked: Looked) -> str:
        """The tap itself when there is one, else the first."""
        return looked.tap if looked.tap in self._running.plans else next(iter(self._running.plans), "")

    def _facts(self, looked: Looked, now: dt.datetime, why: list[Reason]) -> dict[str, Any]:
        running, name = self._running, self._chosen(looked)
        return {
            "mesh": running.mesh,
            "chosen": name,
            "tap": running.mesh.taps.get(name),
            "settings": running.plans[name].settings if name else None,
            "save": running.save,
            "problems": running.problems,
            "landings": running.landings.of(name),
            "reasons": why,
            "refusals": newest(running.counts[name], running.counts[""]),
            "clock": functools.partial(say.clock, now=now),
            "today": now.date(),
            "values": {},
        }

    async def _reasons(self, looked: Looked) -> list[Reason]:
        name = self._chosen(looked)
        batches = tuple(landing.batch for landing in self._running.landings.of(name) if landing.bad)[:FILES]
        return await asyncio.to_thread(reasons, self._running.workspace.lake, name, batches) if batches else []

    async def _remember(self) -> None:
        """Once a tap, when first looked at: what landed before this start."""
        fresh = [name for name in self._running.plans if name not in self._remembered]
        self._remembered.update(fresh)
        for name in fresh:
            self._running.landings.remember(name, await asyncio.to_thread(earlier_landings, self._running.workspace.lake, name))
