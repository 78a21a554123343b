"""The simulated chain: pure functions of a seed, a time and the forks that a lab was given."""
