"""The gateway's WebSocket side: clients' subscriptions, multiplexed over providers that come and go."""
