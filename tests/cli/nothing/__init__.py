"""Ways for a fault to do nothing: the field on which they are tried, and those who lie about faults."""
