"""What the faults did: whether they happened at all, what the load saw of them, and what the target did."""
