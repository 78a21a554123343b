"""battlectl ended at random moments of chaotic runs: nothing may be left broken, however it ended."""
