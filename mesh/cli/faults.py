"""What a command could not get past, in words: the lake, and the system's own errors with their path and the next step."""

import errno
import re
import sys
from typing import NoReturn

from mesh.cli.options import state
from mesh.cli.say import fail

_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
_HINTS = {
    **dict.fromkeys(_DENIED, "use a folder that is yours, or have its owner let you read and write it (ls -ld shows who that is)"),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), "a file stands where a folder is needed: move it away, or use another folder"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room on that disk, then run it again"),
}
_CREDENTIALS = (
    "an s3:// lake is read with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN where there is one, and AWS_REGION; "
    'of a profile or a login: eval "$(aws configure export-credentials --format env)"'
)
_FORBIDDEN = "docs/deploy.md says what each command needs to do in the bucket; aws sts get-caller-identity says whose credentials these are"


def report(error: Exception) -> NoReturn:
    """Ends the command with its fault in one line; --debug lets the traceback through."""
    if state.debug:
        raise error
    from mesh.lake.place import NoLake
    from tap_runtime.errors import Broken, LakeDown, NewerFormat

    if isinstance(error, LakeDown) and re.search(r"PermissionDenied|403 Forbidden: <\?xml", str(error)):  # S3 answers in XML
        fail(f"{str(error).partition(': ')[0]}: AWS answers that these credentials may not", _FORBIDDEN, code=1)
    if isinstance(error, (NoLake, LakeDown, NewerFormat, Broken)):
        fail(str(error), _CREDENTIALS if "S3" in str(error) else "", code=1)
    where = f"tapmesh --debug {' '.join(sys.argv[1:2])} … shows where"
    if isinstance(error, OSError) and (error.filename is not None or error.errno in _HINTS):
        fail(f"{error.filename or 'what it prints'}: {error.strerror}", _HINTS.get(error.errno or 0, where), code=1)
    first, *_ = str(error).splitlines() or [""]
    fail(f"{type(error).__name__}: {first}", where, code=1)
