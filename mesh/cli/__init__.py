"""The command line, a file a command. Text for people on stderr or a terminal, data on stdout; exit 2 when the input is at fault.

Commands import what they need when they run, so that `--help`, completion and `tapmesh send` start at once.
"""

import sys


def run() -> None:
    """The console script."""
    try:
        from mesh.cli.app import start
    except KeyboardInterrupt:
        sys.exit(130)
    start()
