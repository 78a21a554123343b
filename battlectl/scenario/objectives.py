"""The grammar of objectives: `METRIC[(SCOPE)][.STAT] OP VALUE [in WINDOW]`.

Rule: what an objective may say is in the tables of `scenario/metrics.py`; its value carries the unit of its
metric.

    success_rate >= 99.5%              latency.p95 < 300ms in battle
    latency(reads).p99 < 1s            success_rate(reads/eth_call) >= 99%
    outcomes.timeout == 0              throughput >= 100/s
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from battlectl.quantities import parse_duration, parse_rate, parse_ratio, parse_size
from battlectl.scenario.metrics import EVERY_METRIC, TARGET_METRICS, Metric, Unit

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Objective:
    """What must hold; `value` is in base units. The metric may have no source yet."""

    text: str
    metric: str
    scope: str | None
    stat: str | None
    op: str
    value: float
    unit: Unit
    window: str = "run"
    min_samples: int | None = None
    abort_on_fail: bool = False
    grace: float = 0.0

    def holds(self, measured: float) -> bool:
        """Whether a measured value keeps the promise."""
        return OPERATORS[self.op](measured, self.value)


_OBJECTIVE = re.compile(
    r"\s*(?P<metric>[A-Za-z_]+)(?:\((?P<scope>[^()]*)\))?(?:\.(?P<stat>[A-Za-z0-9_.]+?))?"
    r"\s*(?P<op>>=|<=|==|!=|>|<|=)\s*(?P<value>[^\s=<>]\S*?)(?:\s+in\s+(?P<window>\S+))?\s*"
)


def parse_objective(text: str) -> Objective:
    """One line of the grammar; raises `ValueError` saying what is wrong and what to try."""
    match = _OBJECTIVE.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not METRIC OP VALUE [in WINDOW], try "success_rate >= 99.5%"')
    metric = EVERY_METRIC.get(match["metric"])
    if metric is None:
        raise ValueError(f'unknown metric "{match["metric"]}"{_nearest(match["metric"], EVERY_METRIC)}')
    if match["op"] == "=":
        raise ValueError('"=" is not a comparison, try "=="')
    _check_stat(match["metric"], metric, match["stat"])
    if metric.scope == "fault" and match["window"]:
        raise ValueError(f'"{match["metric"]}" is about one fault: leave "in {match["window"]}" away')
    unit = metric.unit_of(match["stat"])
    return Objective(
        text=" ".join(text.split()),
        metric=match["metric"],
        scope=_read_scope(match["metric"], metric, match["scope"]),
        stat=match["stat"],
        op=match["op"],
        value=_read_value(unit, match["value"]),
        unit=unit,
        window=match["window"] or "run",
    )


def _check_stat(name: str, metric: Metric, stat: str | None) -> None:
    if stat is None and metric.stats:
        example = _STATS.get(name) or metric.stats[min(3, len(metric.stats) - 1)]
        raise ValueError(f'"{name}" needs a statistic, try "{name}.{example}"')
    if stat is not None and not metric.stats:
        raise ValueError(f'"{name}" has no statistics, leave ".{stat}" away')
    if stat is not None and stat not in metric.stats:
        raise ValueError(f'"{name}" has no statistic "{stat}"{_nearest(stat, metric.stats)}')


_STATS = {"outcomes": "timeout", "subscription": "gaps", "memory": "max"}
_EXAMPLES = {"fault": "kill-provider_a", "provider": "provider_a"}


def _read_scope(name: str, metric: Metric, scope: str | None) -> str | None:
    if metric.scope in _EXAMPLES and not (scope or "").strip():
        raise ValueError(f'"{name}" is about one {metric.scope}, try "{name}({_EXAMPLES[metric.scope]})"')
    if metric.scope == "nothing" and scope is not None:
        what = "of the target" if name in TARGET_METRICS else "for all requests together only"
        raise ValueError(f'"{name}" is known {what}: leave "({scope})" away')
    if scope is None:
        return None
    if metric.scope == "stream" and not scope.strip():
        raise ValueError(f'the brackets of "{name}()" name a workload of subscribers')
    if metric.scope != "workload":
        return scope.strip()
    if not scope.strip():
        raise ValueError(f'the brackets of "{name}()" name a workload or workload/call')
    if "/" in scope and not metric.per_call:
        raise ValueError(f'"{name}" is known per workload only: leave "/{scope.split("/", 1)[1]}" away')
    return scope.strip()


def _read_value(unit: Unit, written: str) -> float:
    if unit == "duration":
        return parse_duration(written)
    if unit == "rate":
        return parse_rate(written)
    if unit == "ratio":
        return parse_ratio(written)
    if unit == "factor":
        return _read_factor(written)
    if unit == "size":
        return float(parse_size(written))
    if not re.fullmatch(r"\d+", written):
        raise ValueError(f'"{written}" is not a count, try a whole number')
    return float(written)


def _read_factor(written: str) -> float:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,9})?", written):
        raise ValueError(f'"{written}" is not a plain number, try 1.5')
    return float(written)


def _nearest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(word, names, 1)
    return f', did you mean "{near[0]}"?' if near else f", known are {', '.join(names)}"


@dataclass(frozen=True, slots=True)
class OriginalName:
    """A name of the original framework: it carries its unit, so bare numbers are right here."""

    metric: str
    stat: str | None
    op: str
    unit: Unit
    scale: float


ORIGINAL_NAMES: dict[str, OriginalName] = {
    "success_rate": OriginalName("success_rate", None, ">=", "ratio", 1.0),
    "p95_latency_ms": OriginalName("latency", "p95", "<=", "duration", 1e-3),
    "p99_latency_ms": OriginalName("latency", "p99", "<=", "duration", 1e-3),
    "max_failover_latency_ms": OriginalName("failover_latency", "max", "<=", "duration", 1e-3),
    "max_memory_mb": OriginalName("memory", "max", "<=", "size", 1e6),
    "subscription_uptime": OriginalName("subscription", "uptime", ">=", "ratio", 1.0),
    "max_duplicate_rate": OriginalName("subscription", "duplicate_rate", "<=", "ratio", 1.0),
    "max_gap_rate": OriginalName("subscription", "gap_rate", "<=", "ratio", 1.0),
    "backfill_completion_ms": OriginalName("subscription", "catch_up.max", "<=", "duration", 1e-3),
}
"""Those whose metric is not in `METRICS` have no source yet and are judged inconclusive, never passed."""


def original_objective(name: str, number: float) -> Objective:
    """An objective in the original mapping form; raises `ValueError` for an unknown name or a bad number."""
    original = ORIGINAL_NAMES.get(name)
    if original is None:
        raise ValueError(f'unknown objective "{name}"{_nearest(name, ORIGINAL_NAMES)}')
    if isinstance(number, bool) or not isinstance(number, (int, float)) or number < 0:
        raise ValueError(f'"{number}" is not a number of zero or more')
    if original.unit == "ratio" and number > 1:
        raise ValueError(f"{number} is more than 1: this name takes a ratio, try 0.99")
    return Objective(
        text=f"{name}: {number:g}",
        metric=original.metric,
        scope=None,
        stat=original.stat,
        op=original.op,
        value=number * original.scale,
        unit=original.unit,
    )
