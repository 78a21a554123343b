"""What catches the defects of heads, chains, consistency, equality and caches, and leaks.

Rule: as in trials_load: a check is raised, nothing is made easier to pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.matrix.trial import Trial

CONSISTENCY = "checks.consistency=fail"
LOAD = "nothing-but-load"
VIEWS = Trial("consistency")

TRIALS: Mapping[str, Trial] = {
    # heads
    "head-goes-back": VIEWS,
    "head-jumps": VIEWS,
    "head-from-memory": VIEWS,
    "head-of-the-slowest": VIEWS,
    "null-for-a-shown-block": Trial("near-the-tip"),
    "latest-from-mixed-views": Trial("one-behind"),
    "fork-not-noticed": Trial("one-fork"),
    # caches
    "cache-outlives-reorg": Trial("incidents/proxyd-reorg-bans-all", (CONSISTENCY,)),
    "cache-keeps-nulls": VIEWS,
    "cache-ignores-block": VIEWS,
    "latest-block-from-memory": VIEWS,
    # leaks
    "memory-leak": Trial(LOAD),
    "tasks-leak": Trial(LOAD, ("objectives.1=memory.max < 39MB",)),
    "upstream-connections-leak": Trial(LOAD, ("checks.leak=fail",)),
    # chains
    "wrong-chain-accepted": Trial("wrong-chain"),
}
