"""Who may do what, and the keys and tokens that say who somebody is."""
