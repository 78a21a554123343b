"""Whether a target spreads requests over its providers as its strategy says: one file per strategy."""
