"""What happened: outcomes, sketches, tallies, journal lines. Pure: fed by the run, read by the analysis."""
