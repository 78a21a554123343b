"""Slips of the pen that would break a provider for ever.

Rule: Toxiproxy ignores keys that it does not know, and so do we, but for those that are meant to say when a
fault heals. The lab's own faults, which no client of Toxiproxy knows, ignore nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from battlectl.lab.admin.errors import bad_request
from battlectl.lab.admin.reading import Pairs, clean
from battlectl.lab.admin.state import LEASE_FIELDS

ECHOED = frozenset({"name", "type", "stream", "toxicity", "attributes", "hits", "lease"})
"""The keys of a fault as it is shown: a client may send back what it was given."""


def refuse_misspelt_lease(pairs: Pairs) -> None:
    """ApiError 400 for a key that resembles `ttl_ms` or `lease` and is neither."""
    for key in _keys(pairs) - set(LEASE_FIELDS):
        if near := get_close_matches(key, LEASE_FIELDS, 1):
            raise bad_request(
                f'unknown key "{key}": did you mean "{near[0]}"? Without it nothing heals by itself'
            )


def refuse_unknown(pairs: Pairs, known: Collection[str]) -> None:
    """ApiError 400 for a key that a fault of the lab does not have."""
    for key in sorted(_keys(pairs) - ECHOED - set(known)):
        raise bad_request(f'unknown key "{key}": known are {", ".join(sorted(known))}')


def _keys(pairs: Pairs) -> set[str]:
    return {clean(key).lower() for key, _ in pairs.pairs}
