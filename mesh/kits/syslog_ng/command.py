"""`tapmesh kit syslog-ng`."""

from pathlib import Path

from mesh.kits.shipper import printing

EXAMPLES = {
    "tapmesh kit syslog-ng --tap logs > tapmesh.conf": "all that the source s_src of Debian's configuration has",
}
run = printing(
    Path(__file__).with_name("tapmesh.conf"),
    "Print a configuration for syslog-ng, whose http module posts to tapmesh kit relay on the same machine.",
)
