"""Who served the load, as the target's own replies say.

Rule: only what a reply said is known. An arrival without such a reply (timed out, refused) is in no figure
here, and how many of these there were is said beside every figure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from battlectl.analyse.evidence import Evidence
from battlectl.observe.sketch import Sketch


@dataclass(frozen=True, slots=True)
class Served:
    """What one provider served: `extra_attempts` and `failovers` are None where replies do not tell."""

    requests: int
    ok: int
    failovers: int | None
    extra_attempts: int | None
    latency: Sketch = field(default_factory=Sketch)
    failover_latency: Sketch = field(default_factory=Sketch)


def served_by(
    evidence: Evidence, segments: Collection[int], workload: str | None = None
) -> Mapping[str, Served]:
    """By provider; empty where the replies name none."""
    return {}
