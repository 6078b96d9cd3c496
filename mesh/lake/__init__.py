"""Reading what landed: a view a tap, manifests, quarantine, and the way of one receipt."""
