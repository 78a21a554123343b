"""The tally: everything the run counts, as cells that merge.

Rule: the state of a run is the fold of `merge` over its deltas. The live run folds the delta of each second,
and so does a report that is rebuilt from the journal, hence both end with the same bits.

A cell belongs to a workload, a segment (a stretch that no window divides) and a slice (the grain of the time
series), by the due time of the arrival. Slices that are long past are frozen to rows, so that memory does
not grow with the samples. Who served requests is counted beside, where replies tell, and so are streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from battlectl.observe import outcome
from battlectl.observe.consistency import Count, Fact, merge_facts
from battlectl.observe.example import Example, earlier, worse
from battlectl.observe.served import ServedCell, ServedKey, ServedRow
from battlectl.observe.sketch import Sketch, merged
from battlectl.observe.streams.cell import StreamCell
from battlectl.observe.streams.cell import merged_cells as merged_stream_cells


class CallKey(NamedTuple):
    """Where an outcome is counted."""

    workload: str
    label: str
    segment: int
    slice: int


class FlowKey(NamedTuple):
    """Where the timing and the connections of a workload are counted."""

    workload: str
    segment: int
    slice: int


class StreamKey(NamedTuple):
    """Where the streams of a workload are counted."""

    workload: str
    segment: int


class CallCell:
    """Outcomes of one kind of call, and the latency of those that were ok and of the other timed ones."""

    __slots__ = ("ok_latency", "other_latency", "outcomes")

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}
        self.ok_latency = Sketch()
        self.other_latency = Sketch()

    def merge(self, other: CallCell) -> None:
        """Add all of another cell."""
        for label, number in other.outcomes.items():
            self.outcomes[label] = self.outcomes.get(label, 0) + number
        self.ok_latency.merge(other.ok_latency)
        self.other_latency.merge(other.other_latency)

    @property
    def latency(self) -> Sketch:
        """Over all answered and timed-out arrivals: the population that objectives judge."""
        return merged((self.ok_latency, self.other_latency))

    @property
    def total(self) -> int:
        """Arrivals that ended."""
        return sum(self.outcomes.values())

    @property
    def ok(self) -> int:
        """Arrivals that ended ok."""
        return self.outcomes.get(outcome.OK, 0)


class FlowCell:
    """How requests went: the parts of latency, and connections that had to be made anew."""

    __slots__ = ("backlog", "lag", "reconnects", "retries", "sent", "service")

    def __init__(self) -> None:
        self.lag = Sketch()
        self.backlog = Sketch()
        self.service = Sketch()
        self.sent = 0
        self.reconnects = 0
        self.retries = 0

    def merge(self, other: FlowCell) -> None:
        """Add all of another cell."""
        self.lag.merge(other.lag)
        self.backlog.merge(other.backlog)
        self.service.merge(other.service)
        self.sent += other.sent
        self.reconnects += other.reconnects
        self.retries += other.retries


@dataclass(slots=True)
class Delta:
    """What was counted in one stretch of time, usually a second."""

    calls: dict[CallKey, CallCell] = field(default_factory=dict)
    flows: dict[FlowKey, FlowCell] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    served: dict[ServedKey, ServedCell] = field(default_factory=dict)
    streams: dict[StreamKey, StreamCell] = field(default_factory=dict)
    facts: dict[Fact, Count] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One slice of the time series, frozen; latencies in seconds, None without samples.

    They are in whole microseconds, as they are stored: seconds judged now and later must be the same.
    """

    outcomes: dict[str, int]
    p50: float | None
    p95: float | None
    max: float | None

    @property
    def total(self) -> int:
        """Arrivals due in the slice."""
        return sum(self.outcomes.values())

    @property
    def ok(self) -> int:
        """Arrivals that ended ok."""
        return self.outcomes.get(outcome.OK, 0)


ROW_DIGITS = 6

SeriesKey = tuple[str, str, int]
"""(workload, label, slice)."""
ProviderRowKey = tuple[str, str, int]
"""(workload, provider, slice)."""


class Tally:
    """The fold of all deltas. Mutable because it is an accumulator; `freeze_before` bounds its memory."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str, int], CallCell] = {}
        self.flows: dict[tuple[str, int], FlowCell] = {}
        self.by_provider: dict[tuple[str, str, int], ServedCell] = {}
        self.provider_rows: dict[ProviderRowKey, ServedRow] = {}
        self.by_stream: dict[StreamKey, StreamCell] = {}
        self.facts: dict[Fact, Count] = {}
        self.rows: dict[SeriesKey, Row] = {}
        self._open: dict[SeriesKey, CallCell] = {}
        self._examples: dict[tuple[str, str, int], tuple[Example, Example]] = {}

    def merge(self, delta: Delta) -> None:
        """Fold one delta in."""
        for _ in self.merge_in_steps(delta):
            pass

    def merge_in_steps(self, delta: Delta) -> Iterator[None]:
        """The same in steps of a fraction of a millisecond, so that others get their turn in between."""
        for key, cell in delta.calls.items():
            self.calls.setdefault((key.workload, key.label, key.segment), CallCell()).merge(cell)
            yield
            self._open.setdefault((key.workload, key.label, key.slice), CallCell()).merge(cell)
            yield
        for flow_key, flow in delta.flows.items():
            self.flows.setdefault((flow_key.workload, flow_key.segment), FlowCell()).merge(flow)
            yield
        for served_key, served in delta.served.items():
            self._merge_served(served_key, served)
            yield
        for stream_key, streams in delta.streams.items():
            self.by_stream.setdefault(stream_key, StreamCell()).merge(streams)
            yield
        merge_facts(self.facts, delta.facts)
        for example in delta.examples:
            self.keep(example, example)

    def _merge_served(self, key: ServedKey, cell: ServedCell) -> None:
        self.by_provider.setdefault((key.workload, key.provider, key.segment), ServedCell()).merge(cell)
        where = (key.workload, key.provider, key.slice)
        row = self.provider_rows.get(where, ServedRow())
        self.provider_rows[where] = row.plus(cell.requests, cell.ok, cell.failovers)

    def freeze_before(self, slice_: int) -> None:
        """Turn slices before this one into rows; what still arrives for them is merged into the counts."""
        for key in [key for key in self._open if key[2] < slice_]:
            self.rows[key] = _frozen(self._open.pop(key), self.rows.get(key))

    def series(self) -> dict[SeriesKey, Row]:
        """Every slice so far, the open ones included."""
        return self.rows | {key: _frozen(cell, self.rows.get(key)) for key, cell in self._open.items()}

    def cell(
        self, segments: Iterable[int], workload: str | None = None, label: str | None = None
    ) -> CallCell:
        """All calls of a stretch, of one workload, or of one label of it."""
        wanted = set(segments)
        result = CallCell()
        for (name, call, segment), cell in self.calls.items():
            if segment in wanted and workload in (None, name) and label in (None, call):
                result.merge(cell)
        return result

    def flow(self, segments: Iterable[int], workload: str | None = None) -> FlowCell:
        """The flow of a stretch, of all workloads or of one."""
        wanted = set(segments)
        result = FlowCell()
        for (name, segment), cell in self.flows.items():
            if segment in wanted and workload in (None, name):
                result.merge(cell)
        return result

    def served(self, segments: Iterable[int], workload: str | None = None) -> dict[str, ServedCell]:
        """Provider -> its requests in a stretch, of all workloads or of one; empty where none was told.

        The names in brackets (`observe.served`) hold what no provider was named for.
        """
        wanted = set(segments)
        result: dict[str, ServedCell] = {}
        for (name, provider, segment), cell in sorted(self.by_provider.items(), key=itemgetter(0)):
            if segment in wanted and workload in (None, name):
                result.setdefault(provider, ServedCell()).merge(cell)
        return result

    def streams(self, segments: Iterable[int], workload: str | None = None) -> StreamCell:
        """The streams of a stretch, of all workloads or of one."""
        wanted = set(segments)
        return merged_stream_cells(
            cell
            for (name, segment), cell in self.by_stream.items()
            if segment in wanted and workload in (None, name)
        )

    @property
    def total(self) -> int:
        """Arrivals that ended, in the whole run, warm-up included."""
        return sum(cell.total for cell in self.calls.values())

    @property
    def ok(self) -> int:
        """Arrivals that ended ok, in the whole run."""
        return sum(cell.ok for cell in self.calls.values())

    def examples(self) -> Iterator[tuple[Example, Example]]:
        """(first, worst) for each workload, outcome and segment; of ok the slowest, as worst."""
        for key in sorted(self._examples):
            yield self._examples[key]

    def keep(self, early: Example, bad: Example) -> None:
        """Keep these as evidence if they are the first or the worst of their kind."""
        key = (early.workload, outcome.outcome_of(early.outcome), early.segment)
        first, worst = self._examples.get(key, (early, bad))
        self._examples[key] = (earlier(first, early), worse(worst, bad))


def _frozen(cell: CallCell, before: Row | None) -> Row:
    outcomes = dict(cell.outcomes)
    latency = cell.latency
    highest = [latency.maximum]
    if before is not None:
        for label, number in before.outcomes.items():
            outcomes[label] = outcomes.get(label, 0) + number
        highest.append(before.max)
    return Row(
        outcomes=outcomes,
        p50=before.p50 if before is not None else _grained(latency.quantile(0.5)),
        p95=before.p95 if before is not None else _grained(latency.quantile(0.95)),
        max=_grained(max((value for value in highest if value is not None), default=None)),
    )


def _grained(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, ROW_DIGITS)


def merged_cells(cells: Iterable[CallCell]) -> CallCell:
    """One cell of all of them."""
    result = CallCell()
    for cell in cells:
        result.merge(cell)
    return result
