"""What a defect is: a name, what a client suffers from it, what must be said of it, and how it is planted.

Rule: `finding` is declared here, before anybody has looked whether it is found, and by what an observer
outside would call it. A defect is wrong in a way in which aggregators have been wrong in production; one
that shows only now and then, or only under certain faults, says so in `when`. Chance comes from the
gateway's own source. A defect changes what the gateway does, and never the record that it keeps of what it
did (/lab/truth).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from battlectl.lab.gateway.state import Gateway

Area = Literal[
    "failover",
    "breaker",
    "routing",
    "batching",
    "metadata",
    "telemetry",
    "head",
    "subscriptions",
    "timeouts",
    "leaks",
    "errors",
    "caching",
    "chain",
    "ids",
]
FindingKind = Literal[
    "availability",
    "latency",
    "amplification",
    "failover",
    "breaker",
    "routing",
    "replies",
    "errors",
    "equality",
    "consistency",
    "head",
    "chain",
    "telemetry",
    "metadata",
    "continuity",
    "memory",
    "safety",
]

Plant = Callable[[Gateway], None]
"""Called once, before the gateway has providers; what it remembers belongs to that one gateway."""


@dataclass(frozen=True, slots=True)
class Defect:
    """`summary` is what a client suffers, `when` what brings it out, `finding` the kind that must name it."""

    name: str
    area: Area
    summary: str
    when: str
    finding: FindingKind
    plant: Plant
