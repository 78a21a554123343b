"""Random chaos on the reference gateway: every figure against the gateway's own record.

`make truth` fights 20 seeds and prints the table; BATTLECTL_TRUTH_SEEDS names others ("3 7 16").
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest
import trio

from tests.real.truth_battle import Battle, fight
from tests.real.truth_chaos import chaos_of
from tests.real.truth_compare import Row, compare
from tests.real.truth_record import truth_of
from tests.real.truth_table import told, truth_table

pytestmark = [pytest.mark.real, pytest.mark.quiet]

SEEDS = [int(seed) for seed in os.environ.get("BATTLECTL_TRUTH_SEEDS", "9").split()]
AT_ONCE = 2
TRIES = 3
DISTURBED = 0.1
"""Seconds that the machine may hold up a request or a look: beyond it a battle is fought again, and no figure
bent."""

EXACT_BY_METADATA = (
    "arrivals",
    "ok",
    "success rate",
    "failovers",
    "amplification",
    "failover latency p50",
    "failover latency p95",
    "failover latency max",
    "served",
    "provider success",
)
UNSEEN_WITHOUT = ("failover latency p50", "failover latency p95", "failover latency max")


async def _fight_calmly(seed: int, is_attributed: bool, folder: Path) -> list[Row]:
    for number in range(1, TRIES + 1):
        battle: Battle = await fight(
            chaos_of(seed), is_attributed, folder / f"{seed}-{is_attributed}-{number}"
        )
        truth = truth_of(battle)
        if truth.disturbed <= DISTURBED:
            break
    return compare(truth, battle.evidence, is_attributed)


async def test_every_figure_agrees_with_what_the_gateway_recorded(tmp_path: Path) -> None:
    """Counts exactly, times within 100 ms, ranges around the truth; what cannot be seen says so."""
    found: dict[tuple[int, bool], list[Row]] = {}
    room = trio.CapacityLimiter(AT_ONCE)

    async def one(seed: int, is_attributed: bool) -> None:
        async with room:
            found[seed, is_attributed] = await _fight_calmly(seed, is_attributed, tmp_path)

    async with trio.open_nursery() as nursery:
        for seed in SEEDS:
            for is_attributed in (True, False):
                nursery.start_soon(one, seed, is_attributed)
    by_way: dict[bool, list[Row]] = defaultdict(list)
    for (_, is_attributed), rows in sorted(found.items()):
        by_way[is_attributed] += rows
    tables = "\n\n".join(
        f"{len(SEEDS)} seeds {how}:\n\n{truth_table(by_way[is_attributed])}"
        for is_attributed, how in ((True, "with metadata"), (False, "without metadata"))
    )
    print(f"\n{tables}")
    wrong = [told(r, *battle) for battle, rows in sorted(found.items()) for r in rows if r.verdict == "WRONG"]
    assert not wrong, "\n".join([*wrong, "", tables])
    exact = {row.verdict for row in by_way[True] if row.name in EXACT_BY_METADATA}
    assert exact <= {"equal", "nothing"}, tables
    unseen = {row.verdict for row in by_way[False] if row.name in UNSEEN_WITHOUT}
    assert unseen <= {"unseen", "nothing"}, tables
