"""`tapmesh kit collectd`."""

from pathlib import Path

from mesh.kits.shipper import printing

EXAMPLES = {"tapmesh kit collectd --tap metrics > tapmesh.conf": "CPU, load and memory of a host into the tap metrics"}
run = printing(
    Path(__file__).with_name("tapmesh.conf"),
    "Print a configuration for collectd, whose write_http posts to tapmesh kit relay on the same machine.",
)
