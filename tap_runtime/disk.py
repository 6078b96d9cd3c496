"""A full disk, told from what the system, obstore and DuckDB each make of it."""

import errno

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SAID = "No space left on device"


def is_full(error: BaseException | None) -> bool:
    """Whether a full disk is at the bottom of an error."""
    while error is not None:
        if (isinstance(error, OSError) and error.errno in _FULL) or _SAID in str(error):
            return True
        error = error.__cause__
    return False
