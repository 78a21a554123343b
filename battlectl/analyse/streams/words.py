"""Findings about streams in words: one thing that was seen, with its blocks and its times."""

from __future__ import annotations

from collections.abc import Iterable

from battlectl.observe.streams.cell import MISSING, NEVER_ON_CHAIN, Sighting, StreamCell
from battlectl.quantities import format_duration

KINDS = {
    "missing_start": "never came, before the first block",
    "missing_middle": "never came, jumped over in the middle",
    "missing_forward": "never came, jumped over after a resume",
    "missing_unreplaced": "never came in place of an abandoned block",
    "missing_tail": "never came, after the last block",
    "duplicates": "came again",
    "out_of_order": "came out of order",
    "wrong_fork": "came and was never on the chain",
    "invented": "came before the chain had come so far, and was never on it",
    "false_links": "came with a wrong parent or number",
    "reorgs_followed": "were replaced, and all came",
    "reorgs_partial": "were replaced, and only some came",
    "reorgs_hidden": "were replaced, and nothing was said",
    "unremoved": "had logs that were not taken back",
    "unexpected": "came with a log that it does not have",
    "stall": "was withheld in silence",
}
SEEN_AS = {
    "gaps": MISSING,
    "gap_rate": MISSING,
    "stalls": ("stall",),
    "stall": ("stall",),
    "wrong_fork": NEVER_ON_CHAIN,
}
"""Statistic -> the kinds of sightings that are its examples."""


def first_and_worst(cell: StreamCell, kinds: Iterable[str]) -> tuple[Sighting, Sighting] | None:
    """The earliest of several kinds, and the one that concerns most blocks for the longest time."""
    found = [cell.sightings[kind] for kind in kinds if kind in cell.sightings]
    if not found:
        return None
    first = min((pair[0] for pair in found), key=lambda s: (s.since_s, s.until_s, s.stream, s.first))
    worst = max((pair[1] for pair in found), key=lambda s: (s.blocks, s.until_s - s.since_s, -s.since_s))
    return first, worst


def tell_sighting(sighting: Sighting) -> str:
    """`blocks 101 to 105 never came, ... (heads/3, 12.3s to 14.4s)`."""
    numbers = f"block {sighting.first}"
    if sighting.last > sighting.first:
        numbers = f"blocks {sighting.first} to {sighting.last}"
    since, until = (format_duration(t) if t > 0 else "0s" for t in (sighting.since_s, sighting.until_s))
    when = f"{since} to {until}" if sighting.until_s > sighting.since_s else f"at {since}"
    return f"{numbers} {KINDS.get(sighting.kind, sighting.kind)} ({sighting.stream}, {when})"
