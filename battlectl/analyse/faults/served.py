"""Who served the load, as the target's own replies say.

Rule: only what a reply said is known. What named no provider, or told no attempts, is counted as unsaid and
is never guessed. Of a request that was sent again the last reply alone is counted: what its earlier sends
took is unsaid, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence
from battlectl.observe.served import OWN_NAMES, ServedCell


def served_by(
    evidence: Evidence, segments: Collection[int], workload: str | None = None
) -> Mapping[str, ServedCell]:
    """By provider, those without one left out; empty where the replies name none."""
    cells = evidence.tally.served(segments, workload)
    return {name: cell for name, cell in cells.items() if name not in OWN_NAMES}


@dataclass(frozen=True, slots=True)
class Told:
    """All requests of a stretch together; `unsaid` are the sends whose attempts no reply told."""

    cell: ServedCell
    unsaid: int

    @property
    def tells(self) -> bool:
        """Whether replies tell attempts at all."""
        return self.cell.told > 0


def told(evidence: Evidence, segments: Collection[int]) -> Told:
    """What the replies of a stretch say of attempts."""
    total = ServedCell()
    for cell in evidence.tally.served(segments).values():
        total.merge(cell)
    return Told(total, total.requests - total.told + evidence.tally.flow(segments).retries)
