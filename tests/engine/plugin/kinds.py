"""Every resource type the deployment uses. Property names, and what forces a replacement, are as in version 7 of the AWS provider."""

from tests.engine.plugin.reading import READING
from tests.engine.plugin.running import RUNNING
from tests.engine.plugin.storage import STORAGE
from tests.engine.plugin.watching import WATCHING

KINDS = {kind.token: kind for kind in [*STORAGE, *RUNNING, *WATCHING, *READING]}
