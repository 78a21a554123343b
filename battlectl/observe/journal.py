"""The journal: one JSON line a second, enough to rebuild the report of a run that was killed.

Rule: a line is a delta of the tally, at most `MOST_BYTES` long. When a delta would be longer, its sketches
lose bits of mantissa until it fits, at last all of them (`COUNTS_ONLY`), and the line says so in `coarse`;
counts are always exact. The sketches of who served come first, and their cells say what they lost. Examples
go before counts do; at the very last the slices of a segment are counted together, providers too, and
outcomes without their codes. Streams lose what those who served lose (see `journal_streams`); where not even
their counts fit, further lines of the same second have them; facts (see `consistency`) lose their examples,
and go there too.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from battlectl.observe.consistency import facts_json, read_facts
from battlectl.observe.example import Example, earlier, example_json, worse
from battlectl.observe.journal_streams import (
    counts_alone,
    in_parts,
    read_streams,
    stream_json,
    without_sketches,
)
from battlectl.observe.outcome import outcome_of
from battlectl.observe.served import OTHERS, SKETCHES_GONE, ServedCell, ServedKey
from battlectl.observe.sketch import MANTISSA_BITS, Sketch
from battlectl.observe.tally import CallCell, CallKey, Delta, FlowCell, FlowKey

MOST_BYTES = 16 * 1024
EXAMPLES = (64, 12)
"""Most examples of a line: the second number when the first does not fit."""
MOST_SEEN = 240
"""Bytes of JSON that an example may spend on what was seen."""
COUNTS_ONLY = 99
BITS = (0, 2, 3, 4, 5, 6, MANTISSA_BITS)
SERVED_BITS = (0, 3, 5, MANTISSA_BITS, SKETCHES_GONE)
LEAST_SKETCHED = 120
"""Bytes that a cell of who served takes with any sketch at all."""
ROOM_OF_A_PART = 15 * 1024
"""Bytes that a line which has streams alone spends on them."""
ALL_LABELS = "(all)"


@dataclass(frozen=True, slots=True)
class Line:
    """One second of a run: `t` is its end in seconds from the start, `issued` counts from the start on."""

    t: float
    delta: Delta
    issued: dict[str, int]
    health: dict[str, float] = field(default_factory=dict)
    coarse: int = 0


def encode_line(line: Line) -> bytes:
    """The line with its newline, as fine as fits into `MOST_BYTES`; several, at the very last."""
    for stored in _ever_coarser(line):
        data: bytes = msgspec.json.encode(stored) + b"\n"
        if len(data) <= MOST_BYTES:
            return data
    return _split(line) if line.delta.streams or line.delta.facts else data


def _split(line: Line) -> bytes:
    rest = replace(line, delta=replace(line.delta, streams={}, facts={}))
    parts = [Line(line.t, Delta(streams=p), {}) for p in in_parts(line.delta.streams, ROOM_OF_A_PART)]
    facts = _line_json(Line(line.t, Delta(facts=line.delta.facts), {}), COUNTS_ONLY, 0, 0)
    own = [msgspec.json.encode({**facts, "coarse": 0}) + b"\n"] if line.delta.facts else []
    return b"".join((*map(encode_line, (rest, *parts)), *own))


def _ever_coarser(line: Line) -> Iterator[dict[str, Any]]:
    for most, served_bits in _finest(line):
        yield _line_json(line, 0, served_bits, most)
    streams = {key: without_sketches(cell) for key, cell in line.delta.streams.items()}
    lighter = replace(line, delta=replace(line.delta, served=_served_counts(line.delta), streams=streams))
    for bits in BITS[1:]:
        yield _line_json(lighter, bits, 0, EXAMPLES[1])
    for delta in _ever_smaller(lighter.delta):
        yield _line_json(replace(line, delta=delta), COUNTS_ONLY, 0, EXAMPLES[1])


def _finest(line: Line) -> list[tuple[int, int]]:
    """(examples, bits that sketches of who served and of streams lose), while no other has to lose any."""
    served, streams = line.delta.served.values(), line.delta.streams
    if sum(cell.latency.count > 0 for cell in served) * LEAST_SKETCHED > MOST_BYTES:
        return [(EXAMPLES[1], SKETCHES_GONE)]  # Sparing the trial: a crowd of cells takes long to pack.
    return [(EXAMPLES[0], 0), *((EXAMPLES[1], bits) for bits in SERVED_BITS if served or streams or not bits)]


def encode_in_steps(line: Line) -> Generator[None, None, bytes]:
    """The bytes of `encode_line`, made in steps of a fraction of a millisecond: others get their turn."""
    calls, flows = [], []
    for key, cell in line.delta.calls.items():
        calls.append(_call_json(key, cell, 0))
        yield
    for flow_key, flow in line.delta.flows.items():
        flows.append(_flow_json(flow_key, flow, 0))
        yield
    bare = replace(line, delta=Delta(examples=line.delta.examples, facts=line.delta.facts))
    for most, served_bits in _finest(line):
        served = []
        for served_key, who in line.delta.served.items():
            served.append(_served_json(served_key, who, served_bits))
            yield
        streams = []
        for stream_key, cells in line.delta.streams.items():
            streams.append(stream_json(stream_key, cells, served_bits))
            yield
        stored = {**_line_json(bare, 0, 0, most), "calls": calls, "flows": flows}
        stored |= _if_any(served=served, streams=streams)
        data: bytes = msgspec.json.encode(stored) + b"\n"
        if len(data) <= MOST_BYTES:
            return data
        yield
    return encode_line(line)


def decode_lines(data: bytes) -> Iterator[Line]:
    """Every whole line; a last one that was cut short by a kill is left out."""
    for raw in data.split(b"\n")[:-1]:
        yield _read_line(msgspec.json.decode(raw))


def _line_json(line: Line, bits: int, served_bits: int, most: int) -> dict[str, Any]:
    served = [_served_json(key, cell, served_bits) for key, cell in line.delta.served.items()]
    streams = [stream_json(key, cell, served_bits) for key, cell in line.delta.streams.items()]
    return {
        "t": line.t,
        "issued": line.issued,
        "health": line.health,
        "coarse": bits,
        "calls": [_call_json(key, cell, bits) for key, cell in line.delta.calls.items()],
        "flows": [_flow_json(key, cell, bits) for key, cell in line.delta.flows.items()],
        "examples": [_short(example_json(example)) for example in _few(line.delta.examples)[:most]],
        **_if_any(served=served, streams=streams, facts=facts_json(line.delta.facts, bits == 0)),
    }


def _if_any(**lists: list[Any]) -> dict[str, list[Any]]:
    return {name: values for name, values in lists.items() if values}


def _ever_smaller(delta: Delta) -> Iterator[Delta]:
    counts = _counts_only(delta)
    yield counts
    streams = {key: counts_alone(cell) for key, cell in delta.streams.items()}
    few = replace(counts, examples=[], streams=streams)
    yield few
    yield replace(few, served=_served_by_segment(counts, {}))
    by_segment = _by_segment(counts)
    yield by_segment
    yield replace(by_segment, served=_served_by_segment(by_segment, {}, OTHERS))


def _by_segment(counts: Delta) -> Delta:
    result = Delta()
    slices: dict[tuple[str, int], int] = {}
    for key, cell in counts.calls.items():
        plain = CallCell()
        for label, number in cell.outcomes.items():
            plain.outcomes[outcome_of(label)] = plain.outcomes.get(outcome_of(label), 0) + number
        slice_ = slices.setdefault((key.workload, key.segment), key.slice)
        result.calls.setdefault(key._replace(slice=slice_), CallCell()).merge(plain)
    for flow_key, flow in counts.flows.items():
        slice_ = slices.setdefault((flow_key.workload, flow_key.segment), flow_key.slice)
        result.flows.setdefault(flow_key._replace(slice=slice_), FlowCell()).merge(flow)
    served = _served_by_segment(counts, slices)
    return replace(result, served=served, streams=counts.streams, facts=counts.facts)


def _served_by_segment(
    counts: Delta, slices: dict[tuple[str, int], int], provider: str | None = None
) -> dict[ServedKey, ServedCell]:
    """All slices of a segment as one; with `provider`, all providers under that name."""
    result: dict[ServedKey, ServedCell] = {}
    for key, cell in counts.served.items():
        slice_ = slices.setdefault((key.workload, key.segment), key.slice)
        merged_key = key._replace(slice=slice_, provider=provider or key.provider)
        result.setdefault(merged_key, ServedCell()).merge(cell)
    return result


def _counts_only(delta: Delta) -> Delta:
    """Outcomes by workload and slice alone."""
    result = Delta(examples=list(delta.examples), facts=delta.facts)
    for key, cell in delta.calls.items():
        counts = CallCell()
        counts.outcomes = cell.outcomes
        result.calls.setdefault(key._replace(label=ALL_LABELS), CallCell()).merge(counts)
    for flow_key, flow in delta.flows.items():
        numbers = result.flows.setdefault(flow_key, FlowCell())
        numbers.sent, numbers.reconnects, numbers.retries = flow.sent, flow.reconnects, flow.retries
    return replace(result, served=_served_counts(delta), streams=delta.streams)


def _served_counts(delta: Delta) -> dict[ServedKey, ServedCell]:
    return {key: cell.coarser(SKETCHES_GONE) for key, cell in delta.served.items()}


def _call_json(key: CallKey, cell: CallCell, bits: int) -> list[Any]:
    return [list(key), cell.outcomes, [_packed(s, bits) for s in (cell.ok_latency, cell.other_latency)]]


def _flow_json(key: FlowKey, cell: FlowCell, bits: int) -> list[Any]:
    sketches = [_packed(sketch, bits) for sketch in (cell.lag, cell.backlog, cell.service)]
    return [list(key), [cell.sent, cell.reconnects, cell.retries], sketches]


def _served_json(key: ServedKey, cell: ServedCell, bits: int) -> list[Any]:
    return [list(key), *cell.coarser(bits).to_json()]


def _packed(sketch: Sketch, bits: int) -> dict[str, Any]:
    return (sketch.coarser(bits) if 0 < bits < COUNTS_ONLY else sketch).to_json()


def _few(examples: list[Example]) -> list[Example]:
    """The first and the worst of each kind: all that the tally would keep."""
    first: dict[tuple[str, str, int], Example] = {}
    worst: dict[tuple[str, str, int], Example] = {}
    for example in examples:
        kind = (example.workload, outcome_of(example.outcome), example.segment)
        first[kind] = earlier(first.get(kind, example), example)
        worst[kind] = worse(worst.get(kind, example), example)
    return list(dict.fromkeys((*first.values(), *worst.values())))


def _short(example: dict[str, Any]) -> dict[str, Any]:
    seen = example["seen"][:MOST_SEEN]
    while len(msgspec.json.encode(seen)) > MOST_SEEN + 2:
        seen = seen[: len(seen) * 3 // 4]
    return {**example, "seen": seen}


def _read_line(stored: dict[str, Any]) -> Line:
    delta = Delta(examples=[Example(**example) for example in stored["examples"]])
    for key, outcomes, sketches in stored["calls"]:
        cell = CallCell()
        cell.outcomes = outcomes
        cell.ok_latency, cell.other_latency = (Sketch.from_json(sketch) for sketch in sketches)
        delta.calls[CallKey(*key)] = cell
    for key, (sent, reconnects, retries), sketches in stored["flows"]:
        flow = FlowCell()
        flow.sent, flow.reconnects, flow.retries = sent, reconnects, retries
        flow.lag, flow.backlog, flow.service = (Sketch.from_json(sketch) for sketch in sketches)
        delta.flows[FlowKey(*key)] = flow
    for key, *served in stored.get("served", ()):
        delta.served[ServedKey(*key)] = ServedCell.from_json(served)
    delta.streams = read_streams(stored.get("streams", []))
    delta.facts = read_facts(stored.get("facts", []))
    return Line(stored["t"], delta, stored["issued"], stored["health"], stored["coarse"])
