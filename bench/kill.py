"""200 rounds of kill -9, of server and lander at random moments, under load: the suite's own test, ten times as long."""

import os
import subprocess
import sys
from pathlib import Path

ROUNDS = "200"


def main() -> None:
    """Runs the test and ends as it does."""
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-q", "--timeout", "1500", "tests/local/test_kill.py"]
    print(f"{ROUNDS} rounds of kill -9; passed means 0 lost, 0 doubled, nothing left behind", flush=True)
    sys.exit(subprocess.run(command, cwd=root, env={**os.environ, "TAPMESH_KILL_ROUNDS": ROUNDS}).returncode)


if __name__ == "__main__":
    main()
