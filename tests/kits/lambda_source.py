"""The telemetry extension as a source: its Telemetry API is what it ships for."""

from pathlib import Path
from typing import Any

from tests.emulated.telemetry import TelemetryApi
from tests.kits import extension
from tests.kits.extension import log
from tests.kits.sources import Way


class LambdaTelemetry:
    """A start is a new environment, a stop its shutdown with Lambda's two seconds."""

    name, tap, person, mark = "lambda-telemetry", "lambda_telemetry", "operator", b"number "
    ids = "select regexp_extract(message, 'number (\\d+)', 1)::int as id from lambda_telemetry where message like 'number %'"

    def start(self, way: Way) -> None:
        program = way.folder / extension.NAME
        if not program.exists():
            extension.built(way.folder)
        self.api = TelemetryApi()
        token = way.token_file.read_text().strip()
        self._context = extension.started(Path(program), self.api.address, TAPMESH_TELEMETRY_URL=way.url, TAPMESH_TELEMETRY_TOKEN=token)
        self.process: Any = self._context.__enter__()

    def emit(self, first: int, count: int) -> None:
        self.api.deliver([log(f"number {number}") for number in range(first, first + count)])

    def stop(self) -> None:
        self.api.shutdown()
        self.said = self.process.communicate(timeout=60)[1]
        self._context.__exit__(None, None, None)
        self.api.__exit__()
