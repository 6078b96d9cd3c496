"""What turns `taps.yaml` into a mesh: spec, plan, the laptop mesh, the lake's readers and the command line."""
