"""Every kit's loss proof: a row each, its tap killed, refused, throttled, slow and its answers lost in between."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.kits.chaos import main  # noqa: E402

if __name__ == "__main__":
    main(sys.argv[1:])
