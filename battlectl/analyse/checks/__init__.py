"""The checks that always run, where there is what they are about: one file each, registered by name."""

from __future__ import annotations

from collections.abc import Callable

from battlectl.analyse.checks.accounting import check_accounting
from battlectl.analyse.checks.continuity import check_continuity
from battlectl.analyse.checks.generator import check_generator
from battlectl.analyse.checks.replies import check_replies
from battlectl.analyse.checks.routing import check_routing
from battlectl.analyse.checks.telemetry import check_leak, check_telemetry
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding

CHECKS: dict[str, tuple[Callable[[Evidence], Finding], str]] = {
    "accounting": (check_accounting, "inconclusive"),
    "generator": (check_generator, "inconclusive"),
    "replies": (check_replies, "note"),
    "continuity": (check_continuity, "note"),
    "routing": (check_routing, "note"),
    "telemetry": (check_telemetry, "note"),
    "leak": (check_leak, "note"),
}
"""Name -> (check, the level of an adverse finding unless the scenario raises it)."""
