"""1,000 pages opened and left in a row, and each event of each compared with the lake: the suite's own test, five times as long."""

import os
import subprocess
import sys
from pathlib import Path

PAGES = "1000"


def main() -> None:
    """Runs the test and ends as it does."""
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-q", "--timeout", "900", "tests/browser/test_web_kit.py", "-k", "left_at_once"]
    print(f"{PAGES} pages opened and left in a row; passed means 0 pageleave missing, 0 doubled", flush=True)
    sys.exit(subprocess.run(command, cwd=root, env={**os.environ, "TAPMESH_PAGES": PAGES}).returncode)


if __name__ == "__main__":
    main()
