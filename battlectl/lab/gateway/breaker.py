"""The circuit breaker of one provider and one transport, as a state machine without a clock.

Rule: closed -> open after `failures` in a row; open -> half-open when its time is up; half-open -> closed
after `successes` in a row, and back to open, for longer each time up to a bound, after one failure. While
half-open one request at a time is the trial. What happens while open, by an attempt of last resort, can
only help: a success makes it half-open at once, a failure changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from battlectl.lab.gateway.settings import BreakerSettings

State = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """`failures` and `successes` are in a row; `openings` is how often it opened since it was last closed."""

    state: State = "closed"
    failures: int = 0
    successes: int = 0
    openings: int = 0
    until: float = float("-inf")
    on_trial: bool = False


def at(breaker: Breaker, now: float) -> Breaker:
    """What time alone has made of it."""
    if breaker.state == "open" and now >= breaker.until:
        return replace(breaker, state="half_open", successes=0, on_trial=False)
    return breaker


def begin(breaker: Breaker) -> Breaker:
    """An attempt starts: while half-open, it is the trial."""
    return replace(breaker, on_trial=True) if breaker.state == "half_open" else breaker


def abandon(breaker: Breaker) -> Breaker:
    """The attempt ended without telling anything of the provider."""
    return replace(breaker, on_trial=False) if breaker.on_trial else breaker


def after_success(breaker: Breaker, rules: BreakerSettings) -> Breaker:
    """An attempt was answered well."""
    if breaker.state == "closed":
        return replace(breaker, failures=0) if breaker.failures else breaker
    if breaker.state == "open":
        breaker = replace(breaker, state="half_open", successes=0)
    successes = breaker.successes + 1
    if successes >= rules.successes:
        return Breaker()
    return replace(breaker, successes=successes, on_trial=False)


def after_failure(breaker: Breaker, now: float, rules: BreakerSettings) -> Breaker:
    """An attempt failed in a way that speaks of the provider, not of the request."""
    if breaker.state == "open":
        return breaker
    failures = breaker.failures + 1
    if breaker.state == "closed" and failures < rules.failures:
        return replace(breaker, failures=failures)
    return Breaker("open", openings=breaker.openings + 1, until=now + open_seconds(breaker.openings, rules))


def open_seconds(openings: int, rules: BreakerSettings) -> float:
    """How long it stays open after `openings` earlier ones in a row."""
    # The exponent is bounded: a provider that is dead for days must not overflow a float.
    return float(min(rules.longest_s, rules.open_s * rules.growth ** min(openings, 64)))
