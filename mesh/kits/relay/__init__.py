"""What is posted on this machine, kept on disk until a tap has it."""
