"""The listeners of the lab: each is a proxy in the sense of Toxiproxy's API, whatever stands behind it."""
