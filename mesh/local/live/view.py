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
from mesh.local.live.examples import examples, quarantine
from mesh.local.live.landings import Landing, earlier_landings
from mesh.local.live.quarantine import FILES, Quarantined, quarantined
from mesh.local.live.rows import Rows, Values
from mesh.local.live.sample import curl, sample
from mesh.local.live.tokens import Tokens, sender
from mesh.local.running import Running

_PARTS = {  # what each is made of; it is made again when one of these is another
    "save": ("save", "problems", "today"),
    "taps": ("mesh", "chosen"),
    "tap": ("tap",),
    "landings": ("landings",),
    "quarantine": ("tap", "quarantined"),
    "refusals": ("refusals", "today"),
    "declared": ("tap", "settings", "today"),
}


@functools.cache
def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    made = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"size": say.size, "span": say.span, "digest": digest, "clock": say.clock, "quarantine_sql": quarantine}
    return made


def _render(name: str, facts: dict[str, Any]) -> str:
    return _templates().get_template(f"{name}.html").render(facts)


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
        self._tokens = Tokens()
        self._remembered: set[str] = set()
        self._known: dict[tuple[str, str], tuple[tuple[Any, ...], str]] = {}
        self.rows = Rows(running)

    async def page(self, looked: Looked, now: dt.datetime) -> str:
        """The whole page as it stands now."""
        facts = await self._facts(looked, now)
        parts = self._made(facts)
        values = self.rows.values(now) | self.box(looked, now)
        taps = _render("taps", facts | {"values": values})
        more = {"parts": parts, "shown": parts | {"taps": taps}, "examples": examples(facts["tap"]), "host": looked.host}
        return _render("page", facts | more | {"values": values})

    def missing(self, what: str) -> str:
        """A page that says what there is none of, with links to what there is."""
        return _render("missing", {"mesh": self._running.mesh, "what": what})

    async def parts(self, looked: Looked, now: dt.datetime) -> dict[str, str]:
        """The parts by name, without the numbers in them, so that they stay the same while only numbers change."""
        return self._made(await self._facts(looked, now))

    def _made(self, facts: dict[str, Any]) -> dict[str, str]:
        return {part: self._part(part, facts) for part in _PARTS}

    def _part(self, part: str, facts: dict[str, Any]) -> str:
        made_of = tuple(facts[name] for name in _PARTS[part])
        known = self._known.get((part, facts["chosen"]))
        if known is None or known[0] != made_of:
            known = self._known[part, facts["chosen"]] = (made_of, _render(part, facts | {"values": {}}))
        return known[1]

    def box(self, looked: Looked, now: dt.datetime) -> Values:
        """What the send box is filled with."""
        name = self._chosen(looked)
        if not name:
            return {}
        settings = self._running.plans[name].settings
        body = sample(settings.columns, now.replace(minute=0, second=0))
        before, quoted, behind = curl(looked.host, settings, self._tokens.token(self._running.keys.signing, settings, now), body)
        who = "anybody, the tap is public" if settings.public else sender(settings, now.date()) or "nobody, no grant to write is in force"
        return {"box.sample": body, "box.before": before, "box.body": quoted, "box.behind": behind, "box.who": who}

    def _chosen(self, looked: Looked) -> str:
        """The tap itself when there is one, else the first."""
        return looked.tap if looked.tap in self._running.plans else next(iter(self._running.plans), "")

    async def _facts(self, looked: Looked, now: dt.datetime) -> dict[str, Any]:
        await self._remember()
        running, name = self._running, self._chosen(looked)
        landed = running.landings.of(name)
        return {
            "mesh": running.mesh,
            "chosen": name,
            "tap": running.mesh.taps.get(name),
            "settings": running.plans[name].settings if name else None,
            "save": running.save,
            "problems": running.problems,
            "landings": landed,
            "quarantined": await self._quarantined(name, landed),
            "refusals": newest(running.counts[name], running.counts[""]),
            "today": now.date(),
        }

    async def _quarantined(self, name: str, landed: list[Landing]) -> Quarantined:
        batches = tuple(landing.batch for landing in landed if landing.bad)[:FILES]
        if not batches:
            return Quarantined()
        return await asyncio.to_thread(quarantined, self._running.workspace.lake, name, batches)

    async def _remember(self) -> None:
        """Once a tap, when first looked at: what landed before this start."""
        fresh = [name for name in self._running.plans if name not in self._remembered]
        self._remembered.update(fresh)
        for name in fresh:
            self._running.landings.remember(name, await asyncio.to_thread(earlier_landings, self._running.workspace.lake, name))
