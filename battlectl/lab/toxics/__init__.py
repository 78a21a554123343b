"""Toxiproxy's toxics: what happens to the bytes of one direction of one connection."""
