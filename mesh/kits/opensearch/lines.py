"""A document -> a record: its own fields as they are, behind `_index`, `_id` and `_seq_no`, which no document has itself."""

import msgspec

from mesh.kits.delivery import KitFailed
from mesh.kits.opensearch.pages import Hit


def line(hit: Hit) -> bytes:
    """The record with its end; raises KitFailed where the index does not keep what it was given."""
    source = bytes(hit.source)
    if not source:
        raise KitFailed(f"{hit.index} keeps no _source, so there is nothing to export", "export the index it was made from")
    if b"\n" in source or b"\r" in source:
        source = msgspec.json.format(source, indent=-1)
    known = {"_index": hit.index, "_id": hit.id, "_seq_no": hit.seq_no} | ({"_routing": hit.routing} if hit.routing else {})
    fields = source.strip()[1:].lstrip()
    return msgspec.json.encode(known)[:-1] + (b"" if fields == b"}" else b",") + fields + b"\n"
