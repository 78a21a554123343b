"""What will happen, exactly: arrivals, phases, windows. Pure: the plan has no clock and no network."""
