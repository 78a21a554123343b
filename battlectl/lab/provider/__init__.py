"""A provider: one port for HTTP and WebSocket JSON-RPC, with the places where faults take hold."""
