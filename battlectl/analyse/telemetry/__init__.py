"""What a target tells of itself, held against what its client and its providers saw."""
