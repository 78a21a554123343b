"""`timeout`: every chunk is lost, and after so long without one the connection ends.

Rule: the clock runs from the last chunk, or from when the toxic began. No time, or less: it never ends.
When the toxic is removed, its connections end: what they lost cannot be put right.
"""

from __future__ import annotations

import math

import trio

from battlectl.lab.toxics.stage import Stage
from battlectl.lab.toxics.toxic import Attributes, ToxicKind


class Timeout(Attributes, frozen=True, kw_only=True):
    """`timeout` in milliseconds."""

    timeout: int = 0


async def lose_all(stage: Stage) -> None:
    """Drop chunks until there was none for the time that is given."""
    attributes = stage.toxic.attributes
    assert isinstance(attributes, Timeout)
    seconds = attributes.timeout / 1000 if attributes.timeout > 0 else math.inf
    with trio.CancelScope() as silence:
        silence.deadline = trio.current_time() + seconds
        while await stage.receive() is not None:
            stage.drop()
            silence.deadline = trio.current_time() + seconds


KIND = ToxicKind(
    "timeout", "all data are lost, and a silent connection ends", Timeout, lose_all, closes_when_removed=True
)
