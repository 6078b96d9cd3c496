"""`tapmesh kit fluent-bit`."""

from pathlib import Path

from mesh.kits.shipper import printing

EXAMPLES = {"tapmesh kit fluent-bit --tap logs > tapmesh.yaml": "a configuration that tails /var/log/*.log into the tap logs"}
run = printing(
    Path(__file__).with_name("tapmesh.yaml"),
    "Print a configuration for Fluent Bit. Its tap needs ack: stored and retries: body, so that what is sent again counts once.",
)
