"""battlectl's figures beside those of the gateway's own record, one row for each.

Rule: a count that is told as a value must be the very number, a time must be within WITHIN of it; what is
told as a range must contain the truth (a time: with WITHIN to spare), and what is "not observable" is counted
as unseen, never as right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import Literal

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.amplification import amplification
from battlectl.analyse.faults.breaker_account import breaker_accounts
from battlectl.analyse.faults.distribution import distributions
from battlectl.analyse.faults.expect import expected_of
from battlectl.analyse.faults.failover import (
    detection_time,
    failover_latency,
    failover_time,
    failovers,
)
from battlectl.analyse.faults.figure import Figure, exact, not_observable
from battlectl.analyse.faults.known import know
from battlectl.analyse.faults.recovery import recovery_time, unavailability
from battlectl.analyse.faults.windows import fault_windows, figures_of
from battlectl.plan.injection import Injection
from tests.real import truth_figures as figures
from tests.real.truth_chaos import PROVIDERS
from tests.real.truth_record import Truth

WITHIN = 0.1
NEARLY, FEW = 0.75, 0.25
"""The part of a silence that may count as one, as it is told by looks that are apart; and of the usual calls,
those in it that may count as probes."""
BLUR = 0.03
"""Seconds by which the gateway's view of a latency and the client's may differ at a limit."""

Kind = Literal["count", "ratio", "time"]
Verdict = Literal["equal", "in range", "open range", "unseen", "nothing", "WRONG"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: `true` is None where there is nothing to be measured, inf for "never"."""

    name: str
    of: str
    kind: Kind
    true: float | None
    said: Figure

    @property
    def verdict(self) -> Verdict:
        """See the rule."""
        said = self.said
        if not said.is_observable or said.least is None:
            return "nothing" if self.true is None else "unseen"
        if self.true is None:
            return "WRONG"
        slack = WITHIN if self.kind == "time" else 1e-9
        if not said.least - slack <= self.true <= said.most + slack:
            return "WRONG"
        if said.least == said.most:
            return "equal"
        return "open range" if isinf(said.most) and not isinf(self.true) else "in range"

    @property
    def off(self) -> float:
        """How far what is told is from the truth: of a range the nearer end, 0 inside."""
        if self.true is None or self.said.least is None or isinf(self.true):
            return 0.0
        return max(self.said.least - self.true, self.true - self.said.most, 0.0)

    @property
    def width(self) -> float:
        """How far apart the ends of what is told are."""
        return 0.0 if self.said.least is None else self.said.most - self.said.least


def compare(truth: Truth, evidence: Evidence, is_attributed: bool) -> list[Row]:
    """Every figure."""
    return [
        *_windows(truth, evidence),
        *_failovers(truth, evidence),
        *_spread(truth, evidence, is_attributed),
        *_faults(truth, evidence),
        *_breakers(truth, evidence),
    ]


def _known(value: float | None) -> Figure:
    return not_observable("nothing was due") if value is None else exact(value, 1, "client")


def _windows(truth: Truth, evidence: Evidence) -> Iterator[Row]:
    for window in fault_windows(evidence):
        said, own = figures_of(window, evidence), truth.within(window)
        ok, count, seconds = sum(r.is_ok for r in own), len(own), window.length
        rate = ok / count if count else None
        yield Row("arrivals", said.name, "count", count, _known(said.arrivals))
        yield Row("ok", said.name, "count", ok, _known(said.ok))
        yield Row("success rate", said.name, "ratio", rate, _known(said.success_rate))
        yield Row("arrivals/s", said.name, "ratio", count / seconds, _known(said.arrivals_per_s))
        yield Row("ok/s", said.name, "ratio", ok / seconds, _known(said.ok_per_s))
        for stat, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            true = figures.nearest_rank([r.latency for r in own], share)
            yield Row(f"latency {stat}", said.name, "time", true, _known(getattr(said, stat)))


def _failovers(truth: Truth, evidence: Evidence) -> Iterator[Row]:
    for window in (evidence.frame.run, *fault_windows(evidence)):
        own = truth.within(window)
        moved = figures.failed_over(own)
        yield Row("failovers", window.name, "count", len(moved), failovers(evidence, window))
        yield Row(
            "amplification",
            window.name,
            "ratio",
            figures.amplification(own),
            amplification(evidence, window),
        )
        for stat, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0)):
            true = figures.nearest_rank([r.latency for r in moved], share)
            said = failover_latency(evidence, window, stat)
            yield Row(f"failover latency {stat}", window.name, "time", true, said)


def _spread(truth: Truth, evidence: Evidence, is_attributed: bool) -> Iterator[Row]:
    windows = {window.name: window for window in fault_windows(evidence)}
    for told in distributions(evidence):
        window = windows[told.window]
        shares = {share.provider: share for share in told.shares}
        served = figures.parts(truth.within(window))
        for provider in PROVIDERS:
            share, of = shares.get(provider), f"{provider} in {told.window}"
            if not is_attributed:
                said = not_observable(told.words)
                if share is not None:
                    said = Figure(share.requests, share.most, 1, told.source, told.words)
                least, most = figures.asked_between(truth, provider, window)
                nearest = min(max(least, said.least or 0.0), most)
                yield Row("attempts at provider", of, "count", nearest, said)
                continue
            part = served.get(provider, figures.Part(0, 0, 0.0, 0.0))
            total = sum(one.requests for one in served.values())
            yield Row("served", of, "count", part.requests, _known(0 if share is None else share.requests))
            if share is None or not part.requests:
                continue
            yield Row("share", of, "ratio", part.requests / total, _known(share.share))
            yield Row("provider success", of, "ratio", part.ok / part.requests, _known(share.success_rate))
            yield Row("provider mean", of, "time", part.mean, _known(share.mean))
            yield Row("provider p95", of, "time", part.p95, _known(share.p95))


def _faults(truth: Truth, evidence: Evidence) -> Iterator[Row]:
    slow, fast = (figures.seconds_of(truth, slowest=figures.SLOWEST + d) for d in (-BLUR, BLUR))
    for name in dict.fromkeys(injection.fault for injection in evidence.frame.injections):
        own = [injection for injection in evidence.frame.injections if injection.fault == name]
        moved = [figures.failover_time(truth, injection) for injection in own]
        yield Row("failover time", name, "time", _longest(moved), failover_time(evidence, name))
        yield _detected(truth, name, own, detection_time(evidence, name))
        recovered = [_recovery(truth, own, seconds) for seconds in (slow, fast)]
        said = recovery_time(evidence, name, True)
        yield from _either("recovery time", name, recovered, said)
        bad = [figures.unavailable_seconds(truth, own, seconds) for seconds in (slow, fast)]
        yield from _either("unavailability", name, bad, unavailability(evidence, name, True))


def _either(name: str, of: str, both: Sequence[float], said: Figure) -> Iterator[Row]:
    """Where a latency lies at the limit the truth is either of two, and what is told must be one of them."""
    rows = [Row(name, of, "count", true, said) for true in both]
    yield next((row for row in rows if row.verdict != "WRONG"), rows[0])


def _longest(times: Iterable[float | None]) -> float | None:
    known = list(times)
    return None if None in known or not known else max(time for time in known if time is not None)


def _detected(truth: Truth, name: str, own: list[Injection], said: Figure) -> Row:
    """Left alone may mean without any attempt, or with few beside the target's own probes: not to be told
    from them. What is told must be of the one, of the other, or in between."""
    last, first = (_detection(truth, own, part, few) for part, few in ((1.0, 0.0), (NEARLY, FEW)))
    if last is None or first is None or said.least is None:
        return Row("detection time", name, "time", last, said)
    nearest = min(max(first, said.least), max(first, last))
    return Row("detection time", name, "time", nearest, said)


def _detection(truth: Truth, own: list[Injection], part: float, few: float) -> float | None:
    """Silence is a second, or as long as ten attempts usually take."""
    times = []
    for injection in own:
        for provider in injection.providers:
            rate = figures.usual_rate(truth, provider)
            silence = max(1.0, 10 / rate) if rate else inf
            spare = few * rate * silence
            times.append(figures.left_alone(truth, injection, provider, part * silence, spare))
    return _longest(times)


def _recovery(truth: Truth, own: list[Injection], seconds: list[figures.Second]) -> float:
    """inf for a fault, or one of its repeats, after which it did not recover."""
    found = [figures.recovery_time(truth, injection, seconds) for injection in own]
    return max(length if ended else inf for length, ended in found)


def _breakers(truth: Truth, evidence: Evidence) -> Iterator[Row]:
    run = evidence.frame.run
    said = {account.provider: account.figures for account in breaker_accounts(know(evidence))}
    for provider in PROVIDERS:
        turns = {
            "opens": figures.openings(truth, provider),
            "closes": figures.closings(truth, provider),
            "half_opens": figures.half_openings(truth, provider),
            "false_trips": figures.false_trips(truth, provider),
        }
        times = {
            "time_open": figures.time_open(truth, provider, run, run.end),
            "time_to_open": figures.time_to_open(truth, provider, _trips),
        }
        asked = {
            "probes": figures.trials(truth, provider),
            "requests_while_open": figures.last_resorts(truth, provider),
        }
        own = said.get(provider, {})
        missing = not_observable("nothing is said of this provider")
        for stat, found in turns.items():
            count = figures.within(found, run)
            yield Row(f"breaker {stat}", provider, "count", count, own.get(stat, missing))
        for stat, time in times.items():
            yield Row(f"breaker {stat}", provider, "time", time, own.get(stat, missing))
        for stat, attempts in asked.items():
            yield Row(f"breaker {stat}", provider, "count", len(attempts), own.get(stat, missing))


def _trips(injection: Injection) -> bool:
    """Faults by which every request at the provider fails as the provider's own failure."""
    expected = expected_of(injection, "toxiproxy")
    limits = ("http_429", "rate_limit_in_body", "revert")
    return (
        bool(expected.labels)
        and injection.toxic not in limits
        and expected.probability >= 1
        and not injection.attributes.get("methods")
        and expected.must_show
    )
