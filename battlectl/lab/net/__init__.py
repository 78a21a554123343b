"""HTTP/1.1 and WebSocket on trio streams, for the servers of the lab and for what it asks of others."""
