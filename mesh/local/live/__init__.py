"""The live page at `/`: what the edge counts and the lander tells, shown as HTML and kept fresh over server-sent events."""
