"""Defects to plant in the reference gateway, to see whether they are found."""
