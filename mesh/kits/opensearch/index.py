"""What `--from` names: indices, each with its shards and the number of its documents."""

from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from mesh.kits.delivery import KitFailed
from mesh.kits.opensearch.cluster import Cluster


@dataclass(frozen=True)
class Index:
    """One index of the cluster at that URL. `uuid` is another one when an index of the same name was made anew."""

    cluster: str
    name: str
    uuid: str
    shards: int

    @property
    def path(self) -> str:
        """As it stands in a URL."""
        return "/" + quote(self.name, safe="")


class _Own(msgspec.Struct, frozen=True):
    uuid: str = msgspec.field(name="index.uuid")
    shards: str = msgspec.field(name="index.number_of_shards")


class _Settings(msgspec.Struct, frozen=True):
    settings: _Own


class _Count(msgspec.Struct, frozen=True):
    count: int


def indices(cluster: Cluster, name: str) -> list[Index]:
    """The indices of a name, an alias or a pattern; raises KitFailed where there are none."""
    found = cluster.ask("GET", f"/{quote(name, safe='*,%')}/_settings?flat_settings=true", None, dict[str, _Settings])
    if not found:
        raise KitFailed(f"no index is called {name}", "GET /_cat/indices lists them")
    return [Index(cluster.url, each, own.settings.uuid, int(own.settings.shards)) for each, own in sorted(found.items())]


def documents(cluster: Cluster, index: Index) -> int:
    """How many it has now."""
    return cluster.ask("GET", f"{index.path}/_count", None, _Count).count
