"""What each arrival asks: calls compiled to byte templates, and the seeded choice among them.

Rule: a request body is one `%` of a template prepared beforehand. Draws (ranges, feeds) are made here from
the seed and are part of the plan; block numbers relative to the head stay symbols until the request is sent.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any

import msgspec

from battlectl.plan.roles import role_of
from battlectl.scenario.calls import BatchCall, Call, Expect
from battlectl.scenario.params import BlockTemplate, FeedTemplate, RandomTemplate, Template, find_template

Feeds = Mapping[str, Sequence[Any]]
NUMBER, TEXT = "number", "text"
"""What ids are sent as."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a right answer to one item is; all None accepts any result. See `scenario.calls.Expect`."""

    error: int | None = None
    compares_result: bool = False
    result: Any = None
    pattern: re.Pattern[str] | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One JSON-RPC call of a request: an arrival of its own. `role` is what it tells (`plan.roles`)."""

    label: str
    method: str
    rule: Rule | None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A single call or a batch. `body` is a bytes template; `holes` say what fills it, in order:
    an int is the number of the item whose id goes there, a `Template` is drawn or looked up.

    Ids are numbers, or with `has_text_ids` the same numbers as text.
    """

    items: tuple[Item, ...]
    is_batch: bool
    weight: float
    body: bytes
    holes: tuple[int | Template, ...]
    has_text_ids: bool = False

    @property
    def draws(self) -> tuple[RandomTemplate | FeedTemplate, ...]:
        """The holes that the seed fills."""
        return tuple(hole for hole in self.holes if isinstance(hole, RandomTemplate | FeedTemplate))

    @property
    def needs_head(self) -> bool:
        """Whether a block number relative to the head has to be known when it is sent."""
        return any(isinstance(hole, BlockTemplate) for hole in self.holes)

    def render(self, first_id: int, draws: tuple[bytes, ...], head: int | None) -> bytes:
        """The body: `first_id` is the JSON-RPC id of the first item, the others count on from it."""
        if len(self.holes) == 1:
            return self.body % first_id
        return self.body % tuple(self._fillings(first_id, draws, lambda block: _block_number(block, head)))

    def show(self, first_id: int, draws: tuple[bytes, ...]) -> str:
        """The body for a person: block numbers relative to the head are shown as the symbols they are."""
        return (self.body % tuple(self._fillings(first_id, draws, _block_symbol))).decode()

    def _fillings(
        self, first_id: int, draws: tuple[bytes, ...], fill_block: Callable[[BlockTemplate], bytes]
    ) -> Iterator[int | bytes]:
        drawn = iter(draws)
        for hole in self.holes:
            if isinstance(hole, int):
                yield first_id + hole
            elif isinstance(hole, BlockTemplate):
                yield fill_block(hole)
            else:
                yield next(drawn)


def compile_request(call: Call | BatchCall, default: Expect | None, ids: str = NUMBER) -> Request:
    """A call of the scenario as a request; `default` is the workload's own `expect`."""
    calls = call.batch if isinstance(call, BatchCall) else (call,)
    holes: list[int | Template] = []
    place = b'"%d"' if ids == TEXT else b"%d"
    bodies = [_compile_body(number, item, holes, place) for number, item in enumerate(calls)]
    is_batch = isinstance(call, BatchCall)
    return Request(
        items=tuple(
            Item(c.label, c.method, _compile_rule(c.expect or default), role_of(c.method, c.params))
            for c in calls
        ),
        is_batch=is_batch,
        weight=call.weight,
        body=b"[" + b",".join(bodies) + b"]" if is_batch else bodies[0],
        holes=tuple(holes),
        has_text_ids=ids == TEXT,
    )


def choose_requests(
    requests: Sequence[Request], seed: str, feeds: Feeds
) -> Iterator[tuple[int, tuple[bytes, ...]]]:
    """An endless stream of (index into `requests`, drawn values), weighted and seeded."""
    draw = Random(seed)
    edges = list(accumulate(request.weight for request in requests))
    draws = [request.draws for request in requests]
    positions = dict.fromkeys(feeds, 0)
    while True:
        index = bisect_right(edges, draw.random() * edges[-1], hi=len(edges) - 1)
        yield index, tuple(_draw_value(template, draw, feeds, positions) for template in draws[index])


def _compile_rule(expect: Expect | None) -> Rule | None:
    if expect is None:
        return None
    return Rule(
        error=expect.error,
        compares_result=expect.compares_result,
        result=expect.result,
        pattern=re.compile(expect.pattern) if expect.pattern is not None else None,
        kind=expect.kind,
    )


def _compile_body(number: int, call: Call, holes: list[int | Template], place: bytes) -> bytes:
    holes.append(number)
    method = msgspec.json.encode(call.method).replace(b"%", b"%%")
    params = _compile_value(call.params, holes)
    return b'{"jsonrpc":"2.0","id":%b,"method":%b,"params":%b}' % (place, method, params)


def _compile_value(value: Any, holes: list[int | Template]) -> bytes:
    template = find_template(value)
    if template is not None:
        holes.append(template)
        return b"%b"
    if isinstance(value, Mapping):
        keys = (msgspec.json.encode(key).replace(b"%", b"%%") for key in value)
        pairs = (
            key + b":" + _compile_value(child, holes) for key, child in zip(keys, value.values(), strict=True)
        )
        return b"{" + b",".join(pairs) + b"}"
    if isinstance(value, list | tuple):
        return b"[" + b",".join(_compile_value(child, holes) for child in value) + b"]"
    return msgspec.json.encode(value).replace(b"%", b"%%")


def _block_number(block: BlockTemplate, head: int | None) -> bytes:
    if head is None:
        raise ValueError("a block relative to the head was asked for before the head was known")
    return b'"%#x"' % max(0, head + block.offset)


def _block_symbol(block: BlockTemplate) -> bytes:
    return b'"latest%+d"' % block.offset if block.offset else b'"latest"'


def _draw_value(
    template: RandomTemplate | FeedTemplate, draw: Random, feeds: Feeds, positions: dict[str, int]
) -> bytes:
    if isinstance(template, RandomTemplate):
        number = draw.randint(template.low, template.high)
        forms = {"hex": f'"{number:#x}"', "number": str(number), "decimal": f'"{number}"'}
        return forms[template.form].encode()
    feed = feeds[template.feed]
    if isinstance(feed, Sequential):
        entry = feed[positions[template.feed] % len(feed)]
        positions[template.feed] += 1
    else:
        entry = feed[draw.randrange(len(feed))]
    return msgspec.json.encode(entry[template.field] if template.field is not None else entry)


class Sequential(tuple[Any, ...]):
    """A feed that is read in order, from the start again when it ends."""

    __slots__ = ()
