"""What catches the defects of routing, breakers, telemetry and metadata.

Rule: as in trials_load: a check is raised, nothing is made easier to pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.matrix.trial import Trial

TELEMETRY = "checks.telemetry=fail"
FAILING = Trial("breaker-failing")
HANGING = Trial("breaker-down")
EVEN = Trial("routing-even")
BY_METHOD = Trial("routing-by-method")
FASTEST = Trial(
    "routing-fastest",
    (
        "phases.steady=9s",
        "chaos.0.for=15s",
        "chaos.1.for=15s",
    ),  # A share is told by the seconds that are seen.
)
TOLD = Trial("routing-even", (TELEMETRY,))
HANGING_TOLD = Trial("breaker-down", (TELEMETRY,))

TRIALS: Mapping[str, Trial] = {
    # breakers
    "breaker-never-opens": FAILING,
    "breaker-ignores-hangs": HANGING,
    "breaker-ignores-refusals": Trial("breaker-refused"),
    "breaker-opens-on-reverts": Trial("breaker-innocent"),
    "breaker-opens-on-rate-limits": Trial("breaker-limited"),
    "breaker-opens-too-early": FAILING,
    "breaker-open-too-short": FAILING,
    "breaker-never-closes": Trial(
        "breaker-failing",
        ("phases.battle=4s", "chaos.0.for=3500ms", "phases.recovery=8s"),
    ),
    "breaker-half-open-flood": HANGING,
    "breaker-shared": FAILING,
    "breaker-closed-by-health-check": FAILING,
    # routing
    "fastest-ignores-latency": FASTEST,
    "ranking-frozen": FASTEST,
    "sticky-to-first": EVEN,
    "round-robin-skewed": EVEN,
    "priority-inverted": Trial("routing-priority"),
    "cheapest-prefers-paid": Trial("routing-cheapest"),
    "weights-ignored": Trial(
        "routing-weighted",
        ("checks.routing=fail", "chaos.1.degrade.latency=600ms"),
    ),
    "override-ignored": EVEN,
    "method-failure-bans-provider": BY_METHOD,
    "method-failure-not-learned": BY_METHOD,
    # telemetry
    "telemetry-zero-counters": TOLD,
    "telemetry-counts-twice": TOLD,
    "telemetry-stale": TOLD,
    "telemetry-wrong-provider": Trial("routing-priority", (TELEMETRY,)),
    "telemetry-breakers-closed": Trial("routing-priority", (TELEMETRY,)),
    "telemetry-failures-hidden": Trial("total-outage", (TELEMETRY,)),
    "telemetry-memory-constant": Trial("routing-weighted", (TELEMETRY,)),
    # metadata
    "metadata-names-first-provider": HANGING_TOLD,
    "metadata-names-another": Trial("slow-in-turn"),
    "metadata-one-attempt": HANGING_TOLD,
    "metadata-missing-after-failover": HANGING_TOLD,
    "metadata-latency-invented": Trial("slow-and-told"),
}
