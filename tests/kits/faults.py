"""A tap and a search cluster that misbehave on command: the store's proxy, refusing as they refuse."""

import json
from http.client import HTTPResponse

from tests.emulated.faults import FaultyStore

_ERRORS = {"401": "no_token", "403": "not_granted", "429": "too_many", "500": "our_fault", "503": "lake_down"}


class FaultyTap(FaultyStore):
    """In front of a mesh; `address` is what a kit is given instead of the mesh's."""

    codes = _ERRORS
    content_type = "application/json"

    def refusal(self, code: str) -> bytes:
        return json.dumps({"statusCode": int(code), "error": self.codes[code], "message": "refused on command", "hint": ""}).encode()


class FaultyCluster(FaultyStore):
    """In front of an OpenSearch node: refuses as one does, and lets in only who has the `login` header, where there is one."""

    codes = {"400": "no handler found", "401": "", "403": "security_exception", "429": "rejected_execution_exception", "503": ""}
    content_type = "application/json"
    login = ""

    def refusal(self, code: str) -> bytes:
        return json.dumps({"error": {"type": self.codes[code], "reason": "on command"}, "status": int(code)}).encode()

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[HTTPResponse, bytes]:
        given = {name.lower(): value for name, value in headers.items()}.get("authorization", "")
        if self.login in ("", given):
            return super().forward(method, path, headers, body)
        answer, _ = super().forward("GET", "/_cluster/health", {}, b"")
        answer.status = 401
        return answer, b"Unauthorized"  # as OpenSearch's security plugin says it
