"""battlectl: proves that a JSON-RPC aggregator keeps its promises while its providers fail."""
