"""`tapmesh kit rsyslog`."""

from pathlib import Path

from mesh.kits.shipper import printing

EXAMPLES = {"tapmesh kit rsyslog --tap logs > tapmesh.conf": "all that rsyslog takes, through omprog"}
run = printing(Path(__file__).with_name("tapmesh.conf"), "Print a configuration for rsyslog, which runs tapmesh kit relay.")
