"""The reference gateway: an aggregator that keeps its promises, small enough to read."""
