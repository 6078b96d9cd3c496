"""The command line, a file a command. Text for people on stderr or a terminal, data on stdout; exit 2 when the input is at fault."""

import sys

import typer

from mesh.cli import build, check, dev, query, schema, send, status, token, trace
from mesh.cli.options import state
from mesh.cli.say import fail

app = typer.Typer(
    name="tapmesh",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A data mesh from one file: taps take NDJSON over HTTP, run their team's SQL and land Parquet in your own lake.",
    epilog="Exit codes: 0 done, 1 it failed, 2 the input is at fault, 130 interrupted.",
)


@app.callback()
def _main(debug: bool = typer.Option(False, "--debug", help="Show tracebacks.")) -> None:
    state.debug = debug


for command in (check, schema, dev, send, token, query, trace, status, build):
    app.command(command.NAME)(command.run)


def run() -> None:
    """The console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if state.debug:
            raise
        fail(f"{type(error).__name__}: {error}", "tapmesh --debug … shows where", code=1)
