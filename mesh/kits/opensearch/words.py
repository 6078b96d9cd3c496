"""What a cluster refuses, as one line and what to do next; never with what the request held, which may be a password."""

import msgspec

from mesh.kits.delivery import KitFailed

LIKE = "like https://search.acme.example:9200/logs"
LOGIN = "OPENSEARCH_USER and OPENSEARCH_PASSWORD, or OPENSEARCH_API_KEY"
_SHOWN = 200
_HINTS = {
    "index_not_found_exception": "--from ends in the index's name, an alias or a pattern; GET /_cat/indices lists them",
    "index_closed_exception": "open it first: POST /<index>/_open",
}


class Refused(KitFailed):
    """The cluster's answer was not a success."""

    def __init__(self, status: int, why: str, hint: str) -> None:
        super().__init__(why, hint)
        self.status = status


class Expired(Exception):
    """The point in time or scroll is gone: what is left is asked for anew."""


class _Reason(msgspec.Struct, frozen=True):
    type: str = ""
    reason: str | None = None
    root_cause: list["_Reason"] = []


class _Refusal(msgspec.Struct, frozen=True):
    error: _Reason | str = ""


def refused(status: int, body: bytes) -> Refused | Expired:
    """An answer that is not a success."""
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except msgspec.MsgspecError:
        error = ""
    first = _Reason() if isinstance(error, str) else (error.root_cause or [error])[0]
    kind, reason = first.type, f"{first.type}: {first.reason or ''}"
    if kind == "search_context_missing_exception":
        return Expired()
    if status == 401:
        return Refused(status, "the cluster answered 401: no such user, or a wrong password or key", f"put the right ones into {LOGIN}")
    if status == 403:
        hint = "grant it read and indices_monitor (OpenSearch), read and view_index_metadata (Elasticsearch) on that index"
        return Refused(status, f"the cluster answered 403: this user may not do that ({reason[:_SHOWN]})", hint)
    if not kind:
        return Refused(
            status, f"it answered {status}, not as OpenSearch or Elasticsearch do", f"--from names the cluster and an index, {LIKE}"
        )
    return Refused(status, f"the cluster answered {status}: {reason[:_SHOWN]}", _HINTS.get(kind, "its log says more"))
