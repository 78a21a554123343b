"""One workload in motion: arrivals in, exchanges out, observations recorded.

Rule: every arrival that is taken ends once: dropped here, or finished by the client. Latency counts from
due; a batch is one arrival an item and they share their times. A due time stays the plan's own number: one
that is subtracted back from a clock has lost its last digits, and with them the window it belongs to.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

import trio

from battlectl.jsonrpc.reply import Judged, judge_reply
from battlectl.observe import outcome
from battlectl.observe.consistency import Seen
from battlectl.observe.recorder import Recorder
from battlectl.observe.served import Served
from battlectl.observe.unasked import shown
from battlectl.plan.calls import Request
from battlectl.plan.workload import Arrival, PlannedWorkload
from battlectl.transport.base import Client, Exchange, Head, Reply

RETRIED = frozenset(
    {
        outcome.HTTP_ERROR,
        outcome.TIMEOUT,
        outcome.REFUSED,
        outcome.RESET,
        outcome.TLS,
        outcome.MALFORMED,
        outcome.UNRESOLVED,
        outcome.CLOSED,
    }
)
"""What `retries` sends again: no valid answer came. A JSON-RPC error and a wrong result are answers."""


Inspect = Callable[[Exchange, Arrival, Request, list[Judged], float], None]
"""Looks into a reply that was judged; the last is the start of the run. See `run.inspection`."""

_UNTOLD = Served()
CHECK = "replies"
"""Under which the book has what answers nothing."""


class Sent(NamedTuple):
    """What an exchange is about; `taken` is in seconds from the start, as `arrival.due` is."""

    arrival: Arrival
    request: Request
    taken: float
    retries_left: int
    ended: Callable[[], None] | None
    late: float


class Flow:
    """See the rule above. Mutable: it counts what is in flight."""

    def __init__(
        self,
        workload: PlannedWorkload,
        client: Client,
        recorder: Recorder,
        run_id: str,
        start: float,
        head: Head,
        inspect: Inspect | None = None,
    ) -> None:
        self.workload = workload
        self._inspect = inspect
        self.start = start
        self.in_flight = 0
        self._stopped = False
        self._client = client
        self._recorder = recorder
        self._prefix = f"{run_id}-{workload.name}-"
        self._head = head
        self._is_routed = workload.routing is not None

    def take(
        self, arrival: Arrival, now: float, ended: Callable[[], None] | None = None, late: float = 0.0
    ) -> None:
        """Send an arrival that came due and was noticed at `now` (trio's clock).

        `ended` is called when it is over; `late` is how late a user woke, whose arrivals are due when sent.
        """
        request = self.workload.requests[arrival.request]
        taken = now - self.start
        self._recorder.issue(self.workload.name, len(request.items))
        if self.in_flight >= self.workload.max_in_flight:
            self._client.settle()
        if self.in_flight >= self.workload.max_in_flight:
            seen = f"{self.in_flight} requests were under way (max_in_flight)"
            self._recorder.lag(self.workload.name, arrival.due, taken)
            self._record(arrival, request, taken, [(outcome.DROPPED, seen)] * len(request.items))
            return
        self.in_flight += 1
        self._submit(Sent(arrival, request, taken, self.workload.retries, ended, late))

    def abandon(self) -> None:
        """End what is under way, now."""
        self._stopped = True
        self._client.abandon()

    def reconnected(self, exchange: Exchange) -> None:
        """The client resent an exchange because its pooled connection was closed."""
        self._recorder.reconnect(self.workload.name, exchange.context.arrival.due)

    def unasked(self, kind: str, message: bytes) -> None:
        """A message came that answers nothing."""
        t = max(0.0, trio.current_time() - self.start) if self.start else 0.0
        self._recorder.book.add(t, CHECK, kind, self.workload.name, Seen(t, "", 1.0, shown(message)))

    def _submit(self, sent: Sent) -> None:
        arrival = sent.arrival
        self._client.submit(
            Exchange(
                body=sent.request.render(arrival.first_id, arrival.draws, self._head.number),
                request_id=f"{self._prefix}{arrival.first_id}",
                taken=self.start + sent.taken,
                deadline=self.start + arrival.due + self.workload.timeout,
                finish=self._finish,
                context=sent,
            )
        )

    def _finish(self, exchange: Exchange) -> None:
        sent: Sent = exchange.context
        judged = _judge(exchange, sent)
        assert exchange.done is not None
        if (
            sent.retries_left
            and not self._stopped
            and _worth_retrying(judged)
            and exchange.done < exchange.deadline
        ):
            self._recorder.retry(self.workload.name, sent.arrival.due)
            self._submit(sent._replace(retries_left=sent.retries_left - 1))
            return
        self.in_flight -= 1
        if self._inspect is not None:
            self._inspect(exchange, sent.arrival, sent.request, judged, self.start)
        done = exchange.done - self.start
        name, due = self.workload.name, sent.arrival.due
        if exchange.sent is None:
            self._recorder.unsent(name, due, sent.taken, done)
        else:
            self._recorder.flow(name, due, sent.taken, exchange.sent - self.start, done, sent.late)
        if self._client.attributed and exchange.answer is not None:
            before = exchange.before if self._is_routed else None
            sent_at = None if exchange.sent is None else exchange.sent - self.start
            served = exchange.answer.served or _UNTOLD
            self._recorder.served(name, due, done, served, judged, before, sent_at)
        self._record(sent.arrival, sent.request, done, judged)
        if sent.ended is not None:
            sent.ended()

    def _record(self, arrival: Arrival, request: Request, done: float, judged: list[Judged]) -> None:
        id_ = arrival.first_id
        for item, (label, seen) in zip(request.items, judged, strict=True):
            self._recorder.end(self.workload.name, item.label, id_, arrival.due, done, label, seen)
            id_ += 1


def _judge(exchange: Exchange, sent: Sent) -> list[Judged]:
    answer = exchange.answer
    request = sent.request
    if isinstance(answer, Reply):
        return judge_reply(
            answer.status,
            answer.content_type,
            answer.body,
            request.items,
            sent.arrival.first_id,
            request.is_batch,
            request.has_text_ids,
        )
    assert answer is not None
    return [(answer.outcome, answer.seen)] * len(request.items)


def _worth_retrying(judged: list[Judged]) -> bool:
    return any(outcome.outcome_of(label) in RETRIED for label, _ in judged)


Linger = Callable[[float], None]
"""Serve what comes until then, without leaving the task: see `transport.poller`."""

MOST_AT_ONCE = 32
"""Arrivals taken in one go when late: replies are read between such goes."""
SLICE = 0.002
"""Most seconds of lingering before other tasks get their turn."""


async def pace(flows: Sequence[Flow], linger: Linger | None) -> None:
    """Take every arrival of the open workloads when it is due; never waits for an earlier one."""
    turn_ends = trio.current_time() + SLICE
    taken = 0
    for due, flow, arrival in _in_order(flows):
        now = trio.current_time()
        while now < due:
            if linger is not None and due < turn_ends:
                linger(due)
            else:
                await _sleep_nearly_until(due, now, linger)
                turn_ends = trio.current_time() + SLICE
            now, taken = trio.current_time(), 0
        flow.take(arrival, now)
        taken += 1
        if taken % MOST_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()


async def _sleep_nearly_until(due: float, now: float, linger: Linger | None) -> None:
    """Sleep on trio's clock, which wakes late: the last stretch is left to lingering where there is such."""
    if linger is None:
        await trio.sleep_until(due)
    elif due - now > SLICE:
        await trio.sleep_until(due - SLICE / 2)
    else:
        await trio.lowlevel.checkpoint()


def _in_order(flows: Sequence[Flow]) -> Iterator[tuple[float, Flow, Arrival]]:
    """(due on trio's clock, flow, arrival) of all workloads by due time."""
    streams = [_due(flow) for flow in flows]
    return streams[0] if len(streams) == 1 else heapq.merge(*streams, key=itemgetter(0))


def _due(flow: Flow) -> Iterator[tuple[float, Flow, Arrival]]:
    for arrival in flow.workload.arrivals():
        yield flow.start + arrival.due, flow, arrival


async def live_as_user(flow: Flow, user: int) -> None:
    """One user of the closed model: send, wait for the answer, think, until the workload's window ends."""
    think = getattr(flow.workload.pacing, "think", 0.0)
    end = flow.start + flow.workload.window.end
    wakes = flow.start + flow.workload.window.start
    await trio.sleep_until(wakes)
    for arrival in flow.workload.arrivals_of_user(user):
        now = trio.current_time()
        if now >= end:
            return
        ended = trio.Event()
        flow.take(arrival._replace(due=now - flow.start), now, ended.set, now - wakes)
        await ended.wait()
        wakes = min(trio.current_time() + think, end)
        await trio.sleep_until(wakes)
