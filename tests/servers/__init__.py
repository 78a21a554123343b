"""Hostile and special servers for tests: `with serving("drip", interval=1.0) as server: ... server.url`.

Rule: each does one thing wrong, exactly, and counts what it saw. The names are in registry.py.
"""

from tests.servers.handle import Handle, Seen
from tests.servers.registry import SERVERS, serving

__all__ = ["SERVERS", "Handle", "Seen", "serving"]
