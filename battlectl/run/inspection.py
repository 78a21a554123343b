"""What is looked at in a reply beside its outcome: heads, the first block, errors, the other half of a pair.

Rule: this is in the load path, so only replies of calls that tell something, and errors, are looked into; a
reply that was no right answer tells nothing. What is found goes into the book of the recorder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from battlectl.jsonrpc.error_shape import FINAL_CODES, SERVER_CODES, Secret, leak_in, shape_of
from battlectl.jsonrpc.reply import Judged
from battlectl.jsonrpc.same_json import normal_result
from battlectl.jsonrpc.told import read_told
from battlectl.observe import outcome
from battlectl.observe.errors_told import ErrorsTold
from battlectl.observe.first_block import FirstBlock
from battlectl.observe.heads_told import HeadsTold, Told
from battlectl.observe.pairs import Half, Pairs
from battlectl.observe.served import OWN_NAMES
from battlectl.plan.calls import Item, Request
from battlectl.plan.roles import FIRST_BLOCK
from battlectl.plan.workload import Arrival, PlannedWorkload
from battlectl.transport.base import Exchange, Reply


@dataclass(frozen=True, slots=True)
class Privacy:
    """What no error may give away, and the hosts that a client knows anyway."""

    secrets: Sequence[Secret] = ()
    own_hosts: tuple[str, ...] = ()


class Inspection:
    """Of one workload's replies. Mutable: what it feeds is."""

    def __init__(
        self,
        workload: PlannedWorkload,
        heads: HeadsTold,
        first_block: FirstBlock,
        errors: ErrorsTold,
        privacy: Privacy,
        pairs: Pairs | None = None,
    ) -> None:
        self._name = workload.name
        self._tells = [any(item.role for item in request.items) for request in workload.requests]
        self._fails = [any(_expected(item) is not None for item in r.items) for r in workload.requests]
        self._heads = heads
        self._first_block = first_block
        self._errors = errors
        self._privacy = privacy
        self._pairs = pairs
        self._side = workload.twin_of is not None

    def look(
        self, exchange: Exchange, arrival: Arrival, request: Request, judged: list[Judged], start: float
    ) -> None:
        """A reply was judged; `start` is that of the run, on the clock of the exchange."""
        answer, index = exchange.answer, arrival.request
        if isinstance(answer, Reply):
            label = judged[0][0]
            is_ok = label == outcome.OK and (len(judged) == 1 or all(one == outcome.OK for one, _ in judged))
            if self._tells[index] and is_ok:
                self._hear(exchange, answer, request, arrival.first_id, start)
            if self._fails[index] or not is_ok:
                self._fail(exchange, answer, request, start)
        if self._pairs is not None:
            self._pairs.hear(self._side, arrival.number, self._half(exchange, request, judged[0][0], start))

    def settle(self, t: float, final: bool = False) -> None:
        """Judge what could not be judged at once."""
        self._heads.settle(t, final)
        if self._pairs is not None:
            self._pairs.settle(t, final)

    def _hear(self, exchange: Exchange, reply: Reply, request: Request, first_id: int, start: float) -> None:
        assert exchange.sent is not None, "a reply has been asked for"
        assert exchange.done is not None, "and it has come"
        sent, done, provider = exchange.sent - start, exchange.done - start, _provider(reply)
        for role, value in read_told(reply.body, request.items, first_id, request.is_batch):
            if role == FIRST_BLOCK:
                self._first_block.hear(done, str(value), provider, self._name)
            else:
                self._heads.hear(Told(sent, done, int(value), provider))

    def _fail(self, exchange: Exchange, reply: Reply, request: Request, start: float) -> None:
        assert exchange.done is not None, "a reply has come"
        t, provider, item = exchange.done - start, _provider(reply), request.items[0]
        what = leak_in(reply.body, self._privacy.secrets, self._privacy.own_hosts)
        if what is not None:
            self._errors.leak(t, what, provider)
        shape = shape_of(reply.status, reply.content_type, reply.body)
        if shape is None or request.is_batch:
            return
        if shape.code is None:
            self._errors.bare(t, shape.tell(True), provider)
            return
        if shape.is_alarm:
            self._errors.alarm(t, shape.tell(False), provider)
        expected = _expected(item)
        if expected is None:
            self._errors.shape(t, f"code {shape.code}", shape.tell(False), provider)
        elif shape.code == expected:
            self._errors.shape(t, f"{self._name}/{item.label}", shape.tell(not request.draws), provider)
        else:
            is_excused = shape.code in SERVER_CODES and expected not in SERVER_CODES
            self._errors.recoded(t, item.label, (shape.code, expected), is_excused, provider)

    def _half(self, exchange: Exchange, request: Request, label: str, start: float) -> Half:
        assert exchange.done is not None, "an exchange has ended"
        answer, done = exchange.answer, exchange.done - start
        sent = done if exchange.sent is None else exchange.sent - start
        asked = exchange.body.partition(b',"method":')[2]
        provider = _provider(answer) if isinstance(answer, Reply) else ""
        value = _value(answer, label) if isinstance(answer, Reply) else None
        return Half(sent, done, request.items[0].label, asked, value, provider)


def _expected(item: Item) -> int | None:
    return None if item.rule is None else item.rule.error


def _provider(reply: Reply) -> str:
    """Who served it, "" where nothing says so."""
    name = "" if reply.served is None else reply.served.provider
    return "" if name in OWN_NAMES else name


def _value(reply: Reply, label: str) -> bytes | None:
    """What can be compared of an answer, None when it says nothing about the other side's."""
    if label in (outcome.OK, outcome.WRONG):
        shape = shape_of(reply.status, reply.content_type, reply.body)
        if shape is None:
            try:
                return normal_result(reply.body)
            except ValueError:
                return None
        return _error_value(shape.code)
    if outcome.outcome_of(label) != outcome.RPC_ERROR:
        return None
    shape = shape_of(reply.status, reply.content_type, reply.body)
    return None if shape is None else _error_value(shape.code)


def _error_value(code: int | None) -> bytes | None:
    return b'{"error":%d}' % code if code in FINAL_CODES else None
