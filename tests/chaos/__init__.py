"""Drivers, probes, the journal of faults."""
