"""Whether a target's circuit breakers keep what its config says of them, from the attempts that failed."""
