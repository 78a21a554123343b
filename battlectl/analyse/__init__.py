"""From counts to verdicts. Pure: one file per check, each able to say pass, fail or inconclusive."""
