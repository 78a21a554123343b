"""The states of breakers as pages tell them, by their names for requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from battlectl.observe.telemetry import Reading

CLOSED = frozenset({"closed"})
OPEN = frozenset({"open"})
TRANSPORT = "http"
"""That of requests, where a page tells of several."""
LEAST_READINGS = 2


def states_of(breakers: Mapping[str, str], provider: str) -> frozenset[str]:
    """What is said of a provider for requests; of all its transports where none of them is that of these."""
    named = {name: state.lower() for name, state in breakers.items()}
    own = [name for name in (provider, f"{provider}:{TRANSPORT}") if name in named]
    own = own or [name for name in named if name.startswith(f"{provider}:")]
    return frozenset(named[name] for name in own)


def told_closed(readings: Sequence[Reading], provider: str) -> str | None:
    """The page that tells it closed in each of these readings that tells of it, if they are enough."""
    pages = [reading for reading in readings if states_of(reading.told.breakers, provider)]
    if len(pages) < LEAST_READINGS:
        return None
    is_closed = all(states_of(reading.told.breakers, provider) == CLOSED for reading in pages)
    return pages[0].source if is_closed else None
