"""The laptop mesh: one server, one lander child, one lock a `.mesh` folder; accepting and landing are the runtime's own."""
