"""A `bdcli` that answers as BoilingData's does, from a secret of the tests in place of their service, which needs an account."""

import shutil
import sys
from pathlib import Path

from tests.emulated.bring import missing
from tests.grants.matrix import SECRET

_SCRIPT = """\
#!{python}
import json, sys, time
import jwt

words, now = sys.argv[1:], int(time.time())
if words[:2] == ["account", "tap-master-secret"]:
    print(json.dumps({{"bdTapMasterSecret": {secret!r}, "cached": False}}))
elif words[:2] == ["account", "tap-client-token"]:
    audience = ["partner", "partner@example.org", words[words.index("--sharing-user") + 1]]
    token = jwt.encode({{"aud": audience, "iat": now, "exp": now + 86400}}, {secret!r}, "HS256")
    print(json.dumps({{"bdTapToken": token, "cached": False}}))
else:
    sys.exit(2)
"""


def bring_bdcli(folder: Path) -> None:
    """Puts it into the folder, for PATH; the pages take its answers apart with jq."""
    if shutil.which("jq") is None:
        missing("jq is not here: apt-get install jq")
    folder.mkdir()
    (folder / "bdcli").write_text(_SCRIPT.format(python=sys.executable, secret=SECRET))
    (folder / "bdcli").chmod(0o755)
