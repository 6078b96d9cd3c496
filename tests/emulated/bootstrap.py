"""Runs inside an environment as the runtime: Lambda's own client and loop, telling the harness two things the emulator does not.

When the first request is here, INIT is over and the CPU falls to the tap's share. When a response was handed in, the sender has its
answer: the emulator holds it back until the extensions are done, Lambda does not.
"""

import _socket
import os
import sys

sys.path[0] = "/var/task"
sys.path[1:1] = [f"/opt/python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages", "/opt/python"]
sys.path.append("/var/runtime")

from awslambdaric import bootstrap  # noqa: E402
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient  # noqa: E402


class Telling(LambdaRuntimeClient):
    """Frames to the harness: a letter, four bytes of length, the body."""

    def __init__(self, address: str, harness: str) -> None:
        super().__init__(address)
        self._first = True
        self._harness = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._harness.connect("\0" + harness)

    def _tell(self, kind: bytes, body: bytes) -> None:
        frame = memoryview(kind + len(body).to_bytes(4, "big") + body)
        while frame:
            frame = frame[self._harness.send(frame) :]

    def wait_next_invocation(self):
        request = super().wait_next_invocation()
        if self._first:
            self._first = False
            self._tell(b"F", b"")
            self._harness.recv(1)
        return request

    def post_invocation_result(self, invoke_id, result_data, *more, **named):
        super().post_invocation_result(invoke_id, result_data, *more, **named)
        self._tell(b"R", result_data if isinstance(result_data, bytes) else result_data.encode())

    def post_invocation_error(self, invoke_id, error_response_data, *more, **named):
        super().post_invocation_error(invoke_id, error_response_data, *more, **named)
        self._tell(b"E", error_response_data.encode())


if __name__ == "__main__":
    bootstrap.run(os.environ["_HANDLER"], Telling(os.environ["AWS_LAMBDA_RUNTIME_API"], os.environ.pop("TAPMESH_HARNESS")))
