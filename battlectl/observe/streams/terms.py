"""What one may ask of a stream, and how far its truth may be behind.

Rule: every time here is given from outside. `settle` is how much later than a stream the truth may come to
know a block: nothing is held against a stream before the truth has looked again that long after the event.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds: `settle` as in the rule, a few looks of the truth; `stall_after` is the silence, while the
    truth goes on, that is taken for a dead stream, a few block times.

    `newest_only`: the node says only its newest head after a reorg or a catch-up, as geth does since 1.16;
    what an open, lively stream jumps over is then `skipped` and not `missing`. `most_waiting` bounds the
    events that wait for the truth, for each stream.
    """

    settle: float
    stall_after: float
    newest_only: bool = False
    most_waiting: int = 128
