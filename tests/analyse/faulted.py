"""Literal campaigns, small enough to read, and the evidence that they make.

faulted(KILL, deeds="inject@20-20.1 heal@30-30.1", probes="new:ok@19 new:refused@20.2-29 new:ok@30.2",
counts="a:50@0-20 a:0@20-30 a:50@30-40"): what was done to provider_a, how our probes of it ended (`/300` is
300 ms, `kept` a connection from before), and the load calls per second that it and others (`b:`) counted.
A stretch `@20-29` is once a second, its end excluded; `hits="12@20.1-30"` a count of hits that grows evenly,
`refused="5@20.1-20.3 5@24-24.2"` one of connections that were ended unread, which stays.
served="a:10@0-20 b:2x2/80@20-30 -:1@20-30" are replies that name their provider, ten a second by a, two by b
after two attempts and 80 ms, and one that never came; `x?` does not say how many attempts, and `/80~8` says
that the provider took 8 ms of the 80; `/80!half_open` tells the state of its breaker.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from battlectl.analyse.evidence import Evidence
from battlectl.observe.faults import Campaign, Count, Deed, LeaseLost, Probe
from battlectl.observe.served import UNANSWERED, ServedCell, ServedKey
from battlectl.observe.tally import Delta
from battlectl.plan.injection import Injection
from tests.analyse.histories import evidence_of

PHASES = {"steady": "20s", "battle": "20s"}
LOAD = "20*ok@0-40"
LOOK_EVERY = 0.25
_PROBE = re.compile(r"(?:(\w+)/)?(new|kept):([a-z_]+(?:\(-?\w+\))?)(?:/([\d.]+))?@([\d.]+)(?:-([\d.]+))?")
_DEED = re.compile(r"(?:(\w+)/)?(inject|heal)@([\d.]+)(?:-([\d.]+))?(?:!(\S+))?")
_SERVED = re.compile(r"(\w+|-):(\d+)(?:x(\d+|\?))?(?:/([\d.]+))?(?:~([\d.]+))?(?:!([\w:]+))?@([\d.]+)")
_COUNT = re.compile(r"(\w+):([\d.]+)(?:\+([\d.]+))?@([\d.]+)-([\d.]+)(?:#(\d+))?")


def injection(
    kind: str = "kill",
    at: float = 20.0,
    until: float = 30.0,
    providers: Sequence[str] = ("a",),
    name: str = "",
    repeat_of: str | None = None,
    **attributes: Any,
) -> Injection:
    """A fault at provider a, from 20 s to 30 s."""
    name = name or f"{kind}-{'+'.join(providers)}"
    return Injection(name, kind, kind, tuple(providers), attributes, at, until, repeat_of, kind == "kill")


def spread(text: str) -> str:
    """`ok@3-6` as `ok@3 ok@4 ok@5`."""
    return " ".join(_spread(text.split()))


def _spread(tokens: Sequence[str]) -> Iterator[str]:
    for token in tokens:
        what, _, when = token.rpartition("@")
        start, dash, end = when.partition("-")
        if not dash:
            yield token
        else:
            yield from (f"{what}@{second}" for second in range(int(start), int(end)))


def faulted(
    *injections: Injection,
    reads: str = LOAD,
    deeds: str = "inject@20-20.1 heal@30-30.1",
    probes: str = "",
    counts: str = "",
    hits: str = "",
    refused: str = "",
    lost: str = "",
    driver: str = "toxiproxy",
    leftovers: Sequence[str] = (),
    served: str = "",
    ended_at: float = 40.0,
    **more: Any,
) -> Evidence:
    """See above; deeds, probes and hits without a name are of the first fault and provider a."""
    evidence = evidence_of(
        spread(reads), injections=injections, ended_at=ended_at, **{"phases": PHASES, **more}
    )
    _serve(evidence, served)
    first = injections[0].name if injections else ""
    campaign = Campaign(
        driver=driver,
        deeds=tuple(_deeds(deeds, first)),
        probes=tuple(_probes(probes)),
        counts=tuple(_refuse(_counts(counts, dict(_hits(hits, first))), refused)),
        lost=tuple(LeaseLost(float(t), "the lab does not know it") for t in lost.split()),
        leftovers=tuple(leftovers),
    )
    return replace(evidence, campaign=campaign)


def _serve(evidence: Evidence, text: str) -> None:
    delta, cuts = Delta(), evidence.frame.cuts
    for token in spread(text).split():
        match = _SERVED.fullmatch(token)
        assert match is not None, token
        provider, number, attempts, latency, upstream, state, due = match.groups()
        name = UNANSWERED if provider == "-" else provider
        told = None if attempts == "?" or provider == "-" else int(attempts or 1)
        segment = min(max(bisect_right(cuts, float(due)) - 1, 0), len(cuts) - 2)
        key = ServedKey("reads", name, segment, int(float(due) // evidence.frame.slice_width))
        cell = delta.served.setdefault(key, ServedCell())
        for _ in range(int(number)):
            _count_served(cell, told, float(latency or 10) / 1e3, provider != "-")
            if state:
                cell.states[state] = cell.states.get(state, 0) + 1
            if upstream:
                cell.tell(float(upstream) / 1e3, float(latency or 10) / 1e3)
    evidence.tally.merge(delta)


def _count_served(cell: ServedCell, told: int | None, latency: float, is_ok: bool) -> None:
    cell.requests += 1
    cell.ok += is_ok
    cell.latency.record(latency)
    if told is not None:
        cell.told += 1
        cell.attempts += told
        cell.extra += told - 1
    if told is not None and told > 1:
        cell.failovers += 1
        cell.failover_latency.record(latency)


def _deeds(text: str, first: str) -> Iterator[Deed]:
    """`inject@20-20.1`, `inject@20!refused`, `inject@20` (no answer), `b/inject@..`, `FAULT|b/inject@..`."""
    for token in text.split():
        fault, _, rest = token.rpartition("|")
        match = _DEED.fullmatch(rest)
        assert match is not None, token
        provider, action, begin, end, failed = match.groups()
        who = (fault or first, provider or "a", action)
        yield Deed(float(begin), *who, "begin")  # type: ignore[arg-type]
        if failed:
            yield Deed(float(end or begin), *who, "failed", note=failed)  # type: ignore[arg-type]
        elif end:
            yield Deed(float(end), *who, "done")  # type: ignore[arg-type]


def _probes(text: str) -> Iterator[Probe]:
    for token in text.split():
        match = _PROBE.fullmatch(token)
        assert match is not None, token
        provider, connection, outcome, latency, start, end = match.groups()
        t = float(start)
        while t < float(end or float(start) + 0.5):
            yield Probe(t, provider or "a", connection, outcome, float(latency or 2) / 1e3)  # type: ignore[arg-type]
            t = round(t + 1, 6)


def _hits(text: str, first: str) -> Iterator[tuple[str, tuple[int, float, float]]]:
    """`12@20.1-30`, or `FAULT=12@20.1-30`."""
    for token in text.split():
        fault, _, rest = token.rpartition("=")
        number, _, when = rest.partition("@")
        start, _, end = when.partition("-")
        yield fault or first, (int(number), float(start), float(end))


def _refuse(counts: Iterable[Count], text: str) -> Iterator[Count]:
    """Provider a refuses connections evenly over each stretch."""
    bursts = [burst for token in text.split() for _, burst in _hits(token, "")]
    for count in counts:
        parts = ((n, (count.t - start) / (end - start)) for n, start, end in bursts)
        number = sum(round(n * min(1.0, max(0.0, part))) for n, part in parts)
        yield replace(count, refused=number) if count.provider == "a" else count


def _counts(text: str, hits: dict[str, tuple[int, float, float]]) -> Iterator[Count]:
    """`a:50@0-20` is 50 load calls a second, `a:50+4@0-20` with four probes of ours, `#2` generation 2."""
    stretches: dict[str, list[tuple[float, float, float, float, int]]] = {}
    for token in text.split():
        match = _COUNT.fullmatch(token)
        assert match is not None, token
        name, rate, ours, start, end, generation = match.groups()
        stretches.setdefault(name, []).append(
            (float(start), float(end), float(rate), float(ours or 0), int(generation or 1))
        )
    for name, own in stretches.items():
        yield from _looks(name, own, hits if name == "a" else {})


def _looks(
    name: str,
    stretches: Sequence[tuple[float, float, float, float, int]],
    hits: dict[str, tuple[int, float, float]],
) -> Iterator[Count]:
    calls, probes, generation = 0.0, 0.0, stretches[0][4]
    for number, (start, end, rate, ours, now) in enumerate(stretches):
        if now != generation:
            calls, probes, generation = 0.0, 0.0, now
        steps = round((end - start) / LOOK_EVERY)
        for step in range(steps + (number == len(stretches) - 1)):
            t, since = start + step * LOOK_EVERY, step * LOOK_EVERY
            load, own = int(calls + rate * since), int(probes + ours * since)
            yield Count(t, name, generation, 1, load + own, own, dict(_hits_at(t, hits)))
        calls, probes = calls + rate * (end - start), probes + ours * (end - start)


def _hits_at(t: float, hits: dict[str, tuple[int, float, float]]) -> Iterator[tuple[str, int]]:
    for fault, (number, start, end) in hits.items():
        if start <= t <= end:
            yield fault, int(number * (t - start) / (end - start))


def proven(*injections: Injection) -> dict[str, str]:
    """Deeds, probes and counts of kills at provider a, one after another, that prove each of them."""
    deeds, probes, counts, free = [], [], [], 0.0
    for one in injections:
        deeds.append(
            f"{one.name}|inject@{one.at}-{one.at + 0.1} {one.name}|heal@{one.until}-{one.until + 0.1}"
        )
        before = f"new:ok@{one.at - 1}" if one.at >= 1 else "new:ok/0@0"
        probes.append(f"{before} new:refused@{one.at + 0.2}-{one.until} new:ok@{one.until + 0.2}")
        counts += [f"a:10@{free}-{one.at}", f"a:0@{one.at}-{one.until}"]
        free = one.until
    counts.append(f"a:10@{free}-40 b:10@0-40")
    return {"deeds": " ".join(deeds), "probes": " ".join(probes), "counts": " ".join(counts)}
