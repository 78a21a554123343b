"""What `make bench` runs: battlectl beside other load generators, in turn, on one machine, in one go."""
