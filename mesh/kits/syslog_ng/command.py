"""`tapmesh kit syslog-ng`."""

from pathlib import Path

from mesh.kits.shipper import printing

EXAMPLES = {
    "tapmesh token --as operator --tap logs --for 30d > token": "a token for the host, to stand in its configuration",
    "tapmesh kit syslog-ng --tap logs --token-file token > tapmesh.conf": "all that the source s_src of Debian's configuration has",
}
run = printing(
    Path(__file__).with_name("tapmesh.conf"),
    "Print a configuration for syslog-ng and its http module. The token stands in it, so keep it to its owner.",
)
