"""The admin API: Toxiproxy's HTTP API, with leases, counters and faults that understand JSON-RPC."""
