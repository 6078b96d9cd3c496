"""What one resource type is: the calls of its life and how its properties differ from the names AWS has for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.plugin.cloud import Cloud

Properties = dict[str, Any]
Also = Callable[[Cloud, Properties], None]


@dataclass(frozen=True)
class Part:
    """Properties with calls of their own: `put` when one changes, `drop` when they are gone, `get` if the resource's `read` lacks them."""

    properties: tuple[str, ...]
    put: str
    drop: str
    get: str | None = None


@dataclass(frozen=True)
class Tags:
    """Calls that add tags, take them away by key and tell them."""

    put: str
    drop: str
    get: str


@dataclass(frozen=True)
class Kind:
    """Calls are named as boto3 names them; a property goes wherever the call's shape has its name, in any case (see `Names.locate`).

    `aliases`: other names of a property, as paths, all of those that the call has. `computed`: outputs, each by its path in an answer
    or as a template over answer and properties; those in `volatile` are unknown while an update is previewed. `local` properties are
    the provider's own and never sent, `unread` ones are sent but never told. `found`: where the answer to `read` has the resource, when
    that is a list. `cleared`: what is sent for a property that is no longer there. `replaces`: what cannot be changed in place; None is
    everything. `also` comes after creating and updating, `empty` before deleting.
    """

    token: str
    client: str
    create: str
    read: str
    delete: str
    id: str
    update: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    autoname: tuple[str, int] | None = None
    replaces: frozenset[str] | None = frozenset()
    computed: Mapping[str, str] = field(default_factory=dict)
    volatile: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=dict)
    cleared: Mapping[str, Any] = field(default_factory=dict)
    found: str = ""
    parts: tuple[Part, ...] = ()
    tags: Tags | None = None
    also: Also | None = None
    empty: Also | None = None

    @property
    def calls(self) -> tuple[str, ...]:
        """Those that write a resource's own properties."""
        return (self.create, *self.update, *(part.put for part in self.parts), *([self.tags.put] if self.tags else []))
