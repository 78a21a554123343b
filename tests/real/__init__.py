"""Real parts for tests: nodes (anvil), a gateway (Envoy), a fast server (nginx), as processes on loopback."""
