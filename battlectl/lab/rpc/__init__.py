"""JSON-RPC as a node speaks it: envelopes, parameters, and a table of methods over a view of the chain."""
