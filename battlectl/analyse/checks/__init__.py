"""The checks that always run, where there is what they are about: one file each, registered by name."""

from __future__ import annotations

from collections.abc import Callable

from battlectl.analyse.checks.accounting import check_accounting
from battlectl.analyse.checks.breaker import check_breaker
from battlectl.analyse.checks.chain import check_chain
from battlectl.analyse.checks.configuration import check_configuration
from battlectl.analyse.checks.consistency import check_consistency
from battlectl.analyse.checks.continuity import check_continuity
from battlectl.analyse.checks.equality import check_equality
from battlectl.analyse.checks.errors import check_errors
from battlectl.analyse.checks.generator import check_generator
from battlectl.analyse.checks.head import check_head
from battlectl.analyse.checks.replies import check_replies
from battlectl.analyse.checks.routing import check_routing
from battlectl.analyse.checks.safety import check_safety
from battlectl.analyse.checks.telemetry import check_leak, check_telemetry
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding

CHECKS: dict[str, tuple[Callable[[Evidence], Finding], str]] = {
    "accounting": (check_accounting, "inconclusive"),
    "generator": (check_generator, "inconclusive"),
    "replies": (check_replies, "note"),
    "continuity": (check_continuity, "note"),
    "head": (check_head, "note"),
    "chain": (check_chain, "note"),
    "consistency": (check_consistency, "note"),
    "equality": (check_equality, "note"),
    "errors": (check_errors, "note"),
    "safety": (check_safety, "note"),
    "routing": (check_routing, "note"),
    "breaker": (check_breaker, "note"),
    "telemetry": (check_telemetry, "note"),
    "leak": (check_leak, "note"),
    "configuration": (check_configuration, "fail"),
}
"""Name -> (check, the level of an adverse finding unless the scenario raises it)."""
