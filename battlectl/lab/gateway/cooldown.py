"""Whether a provider is worth asking: the place of the circuit breaker, in its simplest form.

Rule: a provider that failed is asked last for COOLDOWN_SECONDS; one success makes it as good as new. It
is never ruled out: when all others fail, a doubtful provider is better than a certain error. All times
come from outside.
"""

from __future__ import annotations

from dataclasses import dataclass

COOLDOWN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Health:
    """`cooling_until` is on the caller's clock; `last_failure` says why, for people."""

    cooling_until: float = float("-inf")
    last_failure: str | None = None


def after_failure(now: float, reason: str) -> Health:
    """Asked last until COOLDOWN_SECONDS after `now`, whatever was known of it before."""
    return Health(now + COOLDOWN_SECONDS, reason)


def after_success(health: Health) -> Health:
    """As good as new; the last reason stays readable."""
    return Health(last_failure=health.last_failure)


def is_cooling(health: Health, now: float) -> bool:
    """Whether the provider should be asked last at `now`."""
    return now < health.cooling_until
