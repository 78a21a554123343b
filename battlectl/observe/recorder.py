"""The recorder: the hot path between the workers and the tally.

Rule: each arrival is issued once and ends once. `issued` counts the first, the cells count the second, and
`unfinished` is their difference: it must be zero when a run ends, which the accounting check asserts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from battlectl.observe import outcome
from battlectl.observe.consistency import Book
from battlectl.observe.example import Example
from battlectl.observe.served import FIRST, OTHERS, OWN_NAMES, Served, ServedCell, ServedKey
from battlectl.observe.streams.cell import StreamCells
from battlectl.observe.tally import CallCell, CallKey, Delta, FlowCell, FlowKey, StreamKey

MOST_CODES = 40
"""Codes in brackets that a workload may have: those that come later are counted under `(other)`, so that
a target which makes up a new one each time fills neither memory nor the report."""
MOST_PROVIDERS = 40
"""Providers that replies may name in a run: those that come later are counted together, likewise."""


class Recorder:
    """Collects one delta at a time; `take` hands it over and begins the next."""

    def __init__(self, cuts: Sequence[float], slice_width: int) -> None:
        self._cuts = tuple(cuts)
        self._width = slice_width
        self._delta = Delta()
        self._calls: dict[tuple[str, str, tuple[int, int]], CallCell] = {}
        self._flows: dict[tuple[str, tuple[int, int]], FlowCell] = {}
        self._served: dict[tuple[str, str, tuple[int, int]], ServedCell] = {}
        self._providers = set(OWN_NAMES)
        self._here, self._from, self._until = (0, 0), 0.0, 0.0
        self._known: dict[tuple[str, str, int], tuple[float, float]] = {}
        self._slowest: dict[tuple[str, int], float] = {}
        self._coded: dict[str, set[str]] = {}
        self._streams: dict[str, StreamCells] = {}
        self.book = Book(cuts)
        self.issued: dict[str, int] = {}
        self.ended: dict[str, int] = {}

    @property
    def unfinished(self) -> int:
        """Arrivals issued and not ended."""
        return sum(self.issued.values()) - sum(self.ended.values())

    @property
    def pending(self) -> Delta:
        """What the next `take` will hand over, so far; without streams."""
        return self._delta

    def issue(self, workload: str, items: int) -> None:
        """So many arrivals of a workload came due and were taken."""
        self.issued[workload] = self.issued.get(workload, 0) + items

    def take(self) -> Delta:
        """What was counted since the last call."""
        delta, self._delta = self._delta, Delta()
        self._calls, self._flows, self._served = {}, {}, {}
        delta.facts = self.book.take()
        for workload, cells in self._streams.items():
            for segment, cell in cells.take().items():
                delta.streams[StreamKey(workload, segment)] = cell
        return delta

    def streams(self, workload: str) -> StreamCells:
        """Where all streams of a workload are counted: the same each time, in the segments of the run."""
        if workload not in self._streams:
            self._streams[workload] = StreamCells(self._cuts[1:-1])
        return self._streams[workload]

    def end(
        self, workload: str, label: str, id_: int, due: float, done: float, ended: str, seen: str | None
    ) -> None:
        """One arrival ended so; times in seconds from the start of the run."""
        cell = self._call_cell(workload, label, due)
        outcomes = cell.outcomes
        if ended not in outcomes and "(" in ended:
            ended = self._bounded(workload, ended)
        outcomes[ended] = outcomes.get(ended, 0) + 1
        self.ended[workload] = self.ended.get(workload, 0) + 1
        latency, segment = done - due, self._here[0]
        if ended == outcome.OK:
            cell.ok_latency.record(latency)
            if latency <= self._slowest.get((workload, segment), -1.0):
                return
            self._slowest[workload, segment] = latency
        kind = outcome.outcome_of(ended)
        if kind in outcome.TIMED and kind != outcome.OK:
            cell.other_latency.record(latency)
        self._keep_example(
            Example(workload, label, id_, ended, due, latency * 1e3, seen or "", segment), kind
        )

    def flow(
        self, workload: str, due: float, taken: float, sent: float, done: float, late: float = 0.0
    ) -> None:
        """The parts of one request's latency; `late` is lag beside it, where latency counts from sending."""
        cell = self._flow_cell(workload, due)
        cell.sent += 1
        cell.lag.record(taken - due + late)
        cell.backlog.record(sent - taken)
        cell.service.record(done - sent)

    def served(
        self,
        workload: str,
        due: float,
        done: float,
        served: Served,
        ended: Sequence[tuple[str, object]],
        before: Served | None = None,
        sent: float | None = None,
    ) -> None:
        """One request ended, and this is who served it; times as in `end`, `ended` has a label per item.

        `before` is what the reply before on the same connection said, where anybody wants to know; `sent` is
        when the request that was answered went out.
        """
        provider, attempts, _, upstream, breaker = served
        where = self._here if self._from <= due < self._until else self._where(due)
        cell = self._served.get((workload, provider, where)) or self._served_cell(workload, provider, where)
        label = ended[0][0]
        is_timed = label == outcome.OK or outcome.outcome_of(label) in outcome.TIMED
        cell.requests += 1
        if before is not None:
            _follow(cell, provider, before)
        if label == outcome.OK and (len(ended) == 1 or all(one == outcome.OK for one, _ in ended)):
            cell.ok += 1
        if is_timed:
            cell.latency.record(done - due)
        if upstream is not None and sent is not None and attempts != 0:
            cell.tell(upstream, done - sent)
        if breaker:
            cell.states[breaker] = cell.states.get(breaker, 0) + 1
        if attempts is not None:
            cell.told += 1
            cell.attempts += attempts
            if attempts > 1:
                cell.extra += attempts - 1
                if served.is_failover:
                    cell.failovers += 1
                    if is_timed:
                        cell.failover_latency.record(done - due)

    def unsent(self, workload: str, due: float, taken: float, done: float) -> None:
        """A request that ended before it got a connection: it has no service."""
        cell = self._flow_cell(workload, due)
        cell.lag.record(taken - due)
        cell.backlog.record(done - taken)

    def lag(self, workload: str, due: float, taken: float) -> None:
        """The lag of a request that was never sent."""
        self._flow_cell(workload, due).lag.record(taken - due)

    def reconnect(self, workload: str, due: float) -> None:
        """A request was sent again on a fresh connection: its pooled one turned out to be closed."""
        self._flow_cell(workload, due).reconnects += 1

    def retry(self, workload: str, due: float) -> None:
        """A request was sent again because the workload asks for it."""
        self._flow_cell(workload, due).retries += 1

    def _call_cell(self, workload: str, label: str, due: float) -> CallCell:
        where = self._where(due)
        cell = self._calls.get((workload, label, where))
        if cell is None:
            cell = self._calls[workload, label, where] = CallCell()
            self._delta.calls[CallKey(workload, label, *where)] = cell
        return cell

    def _flow_cell(self, workload: str, due: float) -> FlowCell:
        where = self._where(due)
        cell = self._flows.get((workload, where))
        if cell is None:
            cell = self._flows[workload, where] = FlowCell()
            self._delta.flows[FlowKey(workload, *where)] = cell
        return cell

    def _served_cell(self, workload: str, provider: str, where: tuple[int, int]) -> ServedCell:
        known = self._bounded_provider(provider)
        cell = self._served.get((workload, known, where))
        if cell is None:
            cell = self._served[workload, known, where] = ServedCell()
            self._delta.served[ServedKey(workload, known, *where)] = cell
        return cell

    def _where(self, due: float) -> tuple[int, int]:
        """(segment, slice) of a due time; neighbours in time share the answer, so the last one is kept."""
        if self._from <= due < self._until:
            return self._here
        last = len(self._cuts) - 2
        segment = min(max(bisect_right(self._cuts, due) - 1, 0), last)
        slice_ = int(due // self._width)
        self._from = max(slice_ * self._width, self._cuts[segment] if segment else 0)
        self._until = min(
            (slice_ + 1) * self._width, self._cuts[segment + 1] if segment < last else float("inf")
        )
        self._here = (segment, slice_)
        return self._here

    def _bounded(self, workload: str, label: str) -> str:
        coded = self._coded.setdefault(workload, set())
        if label not in coded and len(coded) >= MOST_CODES:
            return f"{outcome.outcome_of(label)}(other)"
        coded.add(label)
        return label

    def _bounded_provider(self, provider: str) -> str:
        if provider not in self._providers and len(self._providers) >= MOST_PROVIDERS + len(OWN_NAMES):
            return OTHERS
        self._providers.add(provider)
        return provider

    def _keep_example(self, example: Example, kind: str) -> None:
        """Only an example that may be the first or the worst of its kind is handed on."""
        key = (example.workload, kind, example.segment)
        first, worst = self._known.get(key, (float("inf"), -1.0))
        if example.due_s < first or example.latency_ms > worst:
            self._known[key] = (min(first, example.due_s), max(worst, example.latency_ms))
            self._delta.examples.append(example)


def _follow(cell: ServedCell, provider: str, before: Served) -> None:
    """Whether its connection stays with a provider."""
    if before is FIRST:
        cell.firsts += 1
    else:
        cell.paired += 1
        cell.same += before.provider == provider
