"""What objectives can be about: metrics, what they are measured in, and what their brackets name.

Rule: a metric of `METRICS` is measured in every run; those of `FAULT_METRICS` are what faults did to the
target, those of `STREAM_METRICS` what subscribers got. Where nothing measures these, an objective about one
is inconclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Unit = Literal["ratio", "duration", "rate", "count", "factor", "size"]
Scope = Literal["workload", "fault", "provider", "stream", "nothing"]

QUANTILE_STATS = ("p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99")
LATENCY_STATS = (*QUANTILE_STATS, "min", "mean", "max")
OUTCOMES = (
    "ok",
    "rpc_error",
    "http_error",
    "timeout",
    "refused",
    "reset",
    "tls",
    "malformed",
    "wrong",
    "too_large",
    "unresolved",
    "closed",
    "dropped",
    "abandoned",
)


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is measured in, which statistics it has, and whether single calls have it.

    `scope` is what its brackets name; a fault or a provider has to be named, a stream is a workload of
    subscribers. `stat_units` has the statistics that are measured in something else.
    """

    unit: Unit
    stats: tuple[str, ...]
    per_call: bool
    meaning: str
    scope: Scope = "workload"
    stat_units: Mapping[str, Unit] = field(default_factory=dict)

    def unit_of(self, stat: str | None) -> Unit:
        """What a statistic of it is measured in."""
        return self.stat_units.get(stat or "", self.unit)


METRICS: dict[str, Metric] = {
    "success_rate": Metric("ratio", (), True, "ok / all arrivals due"),
    "latency": Metric("duration", LATENCY_STATS, True, "done - due, over answered and timed-out arrivals"),
    "ok_latency": Metric("duration", LATENCY_STATS, True, "done - due, over ok arrivals alone"),
    "service": Metric("duration", LATENCY_STATS, False, "done - sent: the target's own part of latency"),
    "backlog": Metric("duration", LATENCY_STATS, False, "sent - taken: waiting for a free connection"),
    "lag": Metric("duration", LATENCY_STATS, False, "taken - due: the generator's own lateness"),
    "throughput": Metric("rate", (), True, "ok answers per second of the window"),
    "total": Metric("count", (), True, "arrivals due"),
    "failures": Metric("count", (), True, "arrivals that did not end ok"),
    "outcomes": Metric("count", OUTCOMES, True, "arrivals that ended so"),
    "reconnects": Metric("count", (), False, "requests sent again because a pooled connection was closed"),
    "retries": Metric("count", (), False, "requests sent again because the workload asks for retries"),
}

_BREAKER_TIMES: dict[str, Unit] = {"time_to_open": "duration", "time_open": "duration"}
BREAKER_STATS = ("opens", "closes", "half_opens", *_BREAKER_TIMES, "false_trips")
FAULT_METRICS: dict[str, Metric] = {
    "recovery_time": Metric("duration", (), False, "first bad second to five good ones", "fault"),
    "failover_time": Metric("duration", (), False, "injection to the first success elsewhere", "fault"),
    "detection_time": Metric(
        "duration", (), False, "injection to the last attempt before it is left alone", "fault"
    ),
    "unavailability": Metric("duration", (), False, "time outside the objectives, the fault's own", "fault"),
    "failovers": Metric("count", (), False, "requests that needed a second provider", "nothing"),
    "failover_latency": Metric("duration", LATENCY_STATS, False, "latency of those requests", "nothing"),
    "amplification": Metric("factor", (), False, "attempts at providers per request", "nothing"),
    "breaker": Metric("count", BREAKER_STATS, False, "circuit breaker", "provider", _BREAKER_TIMES),
}
"""What faults do to a target; measured as far as there is evidence (`analyse/objectives_faults.py`)."""

STREAM_COUNTS: Mapping[str, str] = MappingProxyType(
    {
        "gaps": "blocks that never came",
        "duplicates": "the same block again",
        "out_of_order": "blocks that came after what follows them",
        "wrong_fork": "blocks that were never on the chain",
        "invented": "of these, blocks that came before the chain had come to their number",
        "reorgs_hidden": "reorgs of which nothing was said",
        "reorgs_partial": "reorgs of which only some blocks came",
        "reorgs_followed": "reorgs of which all came",
        "false_links": "right blocks with another parent or number",
        "back_filled": "blocks that were jumped over and came after all",
        "caught_up": "blocks that came in order, but after the truth had newer ones",
        "skipped": "blocks jumped over where `newest_only` allows it",
        "unremoved": "logs of abandoned blocks that were not taken back",
        "unexpected": "logs that their block does not have",
        "stalls": "silences longer than `stall_after` while the chain went on",
        "silent_ends": "ends that the client had to find out",
        "visible_ends": "ends that the client was told",
        "unresumed": "ends and stalls after which nothing came any more",
        "never_opened": "streams that never got a subscription",
        "unproven": "events that the truth can tell nothing about",
        "events": "notifications that came",
        "blocks": "blocks that came, counted for each stream",
    }
)
STREAM_TIMES: Mapping[str, str] = MappingProxyType(
    {
        "stall": "the longest silence while the chain went on",
        "resume": "from an end, or the first block withheld, to the next new block",
        "first_event": "from the first opening to the first block",
        "delivery_delay": "from the truth's first sight of a block to its event",
        "lateness": "delay of blocks that were caught up or back-filled",
        "catch_up": "from the first block that was late until the stream was level again",
    }
)
STREAM_RATIOS: Mapping[str, str] = MappingProxyType(
    {
        "uptime": "share of the time in which it was open and not silently dead",
        "gap_rate": "missing blocks of those expected",
        "duplicate_rate": "duplicates of events",
    }
)
STREAM_QUANTILES = ("p50", "p95", "p99", "max")
STREAM_UNITS: Mapping[str, Unit] = MappingProxyType(
    {
        **dict.fromkeys(STREAM_RATIOS, "ratio"),
        "stall.max": "duration",
        **{
            f"{name}.{stat}": "duration"
            for name in STREAM_TIMES
            if name != "stall"
            for stat in STREAM_QUANTILES
        },
    }
)
"""The statistics that are no counts."""
STREAM_METRICS: dict[str, Metric] = {
    "subscription": Metric(
        "count", (*STREAM_COUNTS, *STREAM_UNITS), False, "what subscribers got", "stream", STREAM_UNITS
    ),
}
"""Judged by `analyse/objectives_streams.py`; without brackets over all workloads of subscribers."""

TARGET_METRICS: dict[str, Metric] = {
    "memory": Metric("size", ("max", "growth"), False, "memory that the target takes", "nothing"),
}
"""What the target costs, by its processes or by its own word; judged by `analyse/objectives_target.py`."""

EVERY_METRIC = METRICS | FAULT_METRICS | STREAM_METRICS | TARGET_METRICS


def scope_kind(metric: str) -> Scope:
    """What the brackets of a metric name; those of an original name without a source have none."""
    known = EVERY_METRIC.get(metric)
    return known.scope if known else "nothing"
