"""Faults that understand JSON-RPC: one file each, and a table of them."""
