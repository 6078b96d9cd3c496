"""A tap that misbehaves on command: the store's proxy, refusing as a tap refuses."""

import json

from tests.emulated.faults import FaultyStore

_ERRORS = {"401": "no_token", "403": "not_granted", "429": "too_many", "500": "our_fault", "503": "lake_down"}


class FaultyTap(FaultyStore):
    """In front of a mesh; `address` is what a kit is given instead of the mesh's."""

    codes = _ERRORS
    content_type = "application/json"

    def refusal(self, code: str) -> bytes:
        return json.dumps({"statusCode": int(code), "error": self.codes[code], "message": "refused on command", "hint": ""}).encode()
