"""pgbench under kill -9 of kit, server and tap, as often as asked for: the suite's own test, longer. `--kills 50`."""

import argparse
import os
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Runs the test and ends as it does."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=50, help="of each plugin's run")
    kills = str(asked.parse_args().kills)
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-qs", "--durations=2", "tests/kits/test_postgres_kill.py"]
    print(f"{kills} kills a plugin; passed means 0 lost, 0 doubled, tables equal row by row", flush=True)
    sys.exit(subprocess.run(command, cwd=root, env={**os.environ, "TAPMESH_POSTGRES_KILLS": kills, "TAPMESH_REQUIRE": "all"}).returncode)


if __name__ == "__main__":
    main()
