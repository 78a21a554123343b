"""Folding journal lines into evidence, live and afterwards alike.

Rule: the live run and the rebuilding of a killed one go through `Chronicle.add`, line by line, so that both
end with the same bits. Arrivals that were under way when a journal breaks off are counted as abandoned.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from battlectl.analyse.evidence import COMPLETED, Evidence
from battlectl.observe import outcome
from battlectl.observe.faults import Campaign
from battlectl.observe.journal import ALL_LABELS, Line
from battlectl.observe.tally import CallCell, CallKey, Delta, Tally
from battlectl.observe.telemetry import Telemetry
from battlectl.plan.frame import Frame

SETTLED_AFTER = 2.0
"""Seconds beyond the longest timeout after which a slice cannot change any more."""


class Chronicle:
    """The lines of a run so far. Mutable: it is the fold."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.tally = Tally()
        self.issued: dict[str, int] = {}
        self.health: list[tuple[float, Mapping[str, float]]] = []
        self.at = 0.0
        self.coarse = 0
        longest = max((workload.timeout for workload in frame.workloads), default=0.0)
        self._settled = longest + SETTLED_AFTER

    def add(self, line: Line) -> None:
        """Fold one line in."""
        for _ in self.add_in_steps(line):
            pass

    def add_in_steps(self, line: Line) -> Iterator[None]:
        """The same in steps of a fraction of a millisecond, so that others get their turn in between."""
        yield from self.tally.merge_in_steps(line.delta)
        self.issued.update(line.issued)
        if line.health:
            self.health.append((line.t, line.health))
        self.at = line.t
        self.coarse = max(self.coarse, line.coarse)
        self.tally.freeze_before(math.floor((line.t - self._settled) / self.frame.slice_width))

    def evidence(
        self,
        how: str = COMPLETED,
        reason: str = "",
        at: float | None = None,
        campaign: Campaign | None = None,
        telemetry: Telemetry | None = None,
    ) -> Evidence:
        """What is known so far."""
        return Evidence(
            frame=self.frame,
            tally=self.tally,
            issued=dict(self.issued),
            ended_at=self.at if at is None else at,
            how=how,
            reason=reason,
            health=tuple(self.health),
            coarse=self.coarse,
            campaign=campaign or Campaign(),
            telemetry=telemetry or Telemetry(),
        )

    def abandon_unfinished(self) -> int:
        """Count what was under way at the last line as abandoned there; how many that were."""
        delta = Delta()
        for workload, issued in self.issued.items():
            missing = issued - self.tally.cell(self.frame.all_segments, workload).total
            if missing > 0:
                cell = CallCell()
                cell.outcomes[outcome.ABANDONED] = missing
                delta.calls[CallKey(workload, ALL_LABELS, self._segment(), self._slice())] = cell
        self.tally.merge(delta)
        return sum(cell.total for cell in delta.calls.values())

    def _segment(self) -> int:
        started = [segment for segment in self.frame.all_segments if self.frame.cuts[segment] <= self.at]
        return started[-1] if started else 0

    def _slice(self) -> int:
        return math.floor(self.at / self.frame.slice_width)
