"""Was the generator itself the bottleneck?

Rule: it was when it dropped arrivals, when its own lag at p99 is above `generator.max_lag`, or when it ran
out of processor. Then what it measured is partly itself, and the finding says what rate it did hold. The lag
of streams has a limit of its own, `generator.max_stream_lag`: all subscribers hear of a block at once and are
read one after another. Lag that nobody measured may have been any.
"""

from __future__ import annotations

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe import outcome
from battlectl.observe.sketch import Sketch
from battlectl.quantities import format_duration

BUSY = 0.95
"""Share of a processor above which a second counts as saturated."""


def check_generator(evidence: Evidence) -> Finding:
    """See the rule; judged over the whole run after warm-up."""
    segments = evidence.frame.segments(evidence.frame.run)
    flow = evidence.tally.flow(segments)
    cell = evidence.tally.cell(segments)
    of_streams = stream_lag(evidence)
    lag = (flow.lag if evidence.frame.workloads else of_streams).quantile(0.99)
    if unmeasured := _unmeasured(evidence, flow.lag, of_streams):
        return Finding("check", "generator", Verdict.INCONCLUSIVE, unmeasured, samples=0)
    assert lag is not None
    samples = flow.lag.count + of_streams.count
    reasons = []
    if drops := cell.outcomes.get(outcome.DROPPED, 0):
        reasons.append(f"{drops:,} of {cell.total:,} arrivals were dropped")
    if evidence.frame.workloads and lag > evidence.frame.max_lag:
        reasons.append(f"lag p99 {format_duration(lag)} is above {format_duration(evidence.frame.max_lag)}")
    reasons += [reason for reason in (_late_streams(evidence), _busy(evidence)) if reason]
    shown = f"{_shown(evidence, lag, of_streams)}, longest stall {format_duration(longest_stall(evidence))}"
    if not reasons:
        return Finding(
            "check", "generator", Verdict.PASS, shown, measured=lag, unit="duration", samples=samples
        )
    summary = f"{'; '.join(reasons)}{_held(evidence)}"
    return Finding(
        "check",
        "generator",
        Verdict.INCONCLUSIVE,
        summary,
        measured=lag,
        unit="duration",
        samples=samples,
    )


def is_fit_for_streams(evidence: Evidence) -> bool:
    """Whether the times of streams were the target's: what is late about requests does not touch them."""
    return bool(stream_lag(evidence).count) and not _late_streams(evidence) and not _busy(evidence)


def _late_streams(evidence: Evidence) -> str:
    lag, limit = stream_lag(evidence).quantile(0.99), evidence.frame.max_stream_lag
    if lag is None or lag <= limit:
        return ""
    return f"lag p99 of streams {format_duration(lag)} is above {format_duration(limit)}"


def _busy(evidence: Evidence) -> str:
    busy, seconds = busy_seconds(evidence), len(_shares(evidence))
    return f"{busy} of {seconds} seconds used up a processor" if busy > seconds / 2 else ""


def stream_lag(evidence: Evidence) -> Sketch:
    """How late streams were connected and read by our own doing, after warm-up; empty without any."""
    cell = evidence.tally.streams(evidence.frame.segments(evidence.frame.run))
    return cell.sketches.get("lag") or Sketch()


def _unmeasured(evidence: Evidence, of_requests: Sketch, of_streams: Sketch) -> str:
    frame = evidence.frame
    if not of_requests.count and (frame.workloads or not frame.streams):
        return "nothing was sent"
    return "nobody measured how late streams were read" if frame.streams and not of_streams.count else ""


def _shown(evidence: Evidence, lag: float, of_streams: Sketch) -> str:
    streams = of_streams.quantile(0.99)
    told = [f"lag p99 {format_duration(lag)}"] if evidence.frame.workloads else []
    return ", ".join(
        [*told, *([] if streams is None else [f"lag p99 of streams {format_duration(streams)}"])]
    )


def longest_stall(evidence: Evidence) -> float:
    """The longest time the loop was busy with one thing, in seconds."""
    return max((health.get("stall_ms", 0.0) for _, health in evidence.health), default=0.0) / 1e3


def busy_seconds(evidence: Evidence) -> int:
    """Seconds of load in which the generator used up a processor."""
    return sum(share > BUSY for share in _shares(evidence))


def _shares(evidence: Evidence) -> list[float]:
    """The share of a processor used in each second of load after warm-up."""
    run = evidence.frame.run
    seconds = (health for at, health in evidence.health if run.start < at <= run.end + 0.5)
    return [health["cpu_ratio"] for health in seconds if "cpu_ratio" in health]


def held_rate(evidence: Evidence) -> float | None:
    """Arrivals that ended in a second, the median of the seconds in which any did; None without such."""
    rates = sorted(rate for _, health in evidence.health if (rate := health.get("ended_per_s", 0.0)))
    return rates[len(rates) // 2] if rates else None


def _held(evidence: Evidence) -> str:
    rate = held_rate(evidence)
    return "" if rate is None else f"; in half of the seconds at most {rate:,.0f} arrivals/s came to an end"
