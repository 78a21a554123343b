"""Breaking providers, proving that they broke, and putting them back: drivers, one file each."""
