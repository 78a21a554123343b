"""Which trials there are on each ground, and their moments.

Rule: a run is known by the seed, the ground and its number, so that one that went wrong can be done again.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.torture.grounds import GROUNDS, LEASELESS
from tests.torture.moments import draw_moment
from tests.torture.trials import Seen, interrupt, kill, live

EMBEDDED_SHARE = 10
"""One in so many SIGKILLs on labs is on an embedded one."""


@dataclass(frozen=True, slots=True)
class Order:
    """So many runs on one ground."""

    ground: str
    kills: int
    signals: int


def orders(kills: int, signals: int, leaseless: int, only: Sequence[str] = ()) -> list[Order]:
    """How many runs on which ground; half of the signals on the lab, the rest shared by the others."""
    embedded = kills // EMBEDDED_SHARE
    killed = {"lab": kills - embedded, "embedded": embedded, **dict.fromkeys(LEASELESS, leaseless)}
    others = [name for name in GROUNDS if name != "lab"]
    share, rest = divmod(signals // 2, len(others))
    signalled = {name: share + (number < rest) for number, name in enumerate(others)}
    signalled["lab"] = signals - sum(signalled.values())
    asked = [Order(name, killed[name], signalled[name]) for name in only or GROUNDS]
    return [order for order in asked if order.kills or order.signals]


def carry_out(order: Order, seed: int, folder: Path, tell: Callable[[str], None]) -> Iterator[Seen]:
    """Each trial in turn; an undisturbed run before them and one after them."""
    with GROUNDS[order.ground](folder) as ground:
        life = live(ground, seed)
        tell(f"{ground.name}: undisturbed {life.seconds:.1f} s, {life.lines} lines of faults.jsonl")
        for number in range(order.kills + order.signals):
            is_kill = number < order.kills
            moment = draw_moment(seed, ground.name, number, life)
            trial = seed * 1_000 + number
            if is_kill:
                seen = kill(ground, trial, moment)
            else:
                seen = interrupt(ground, trial, moment, *_signal(seed, ground.name, number))
            tell(f"{number:>4} {seen}")
            yield seen
        live(ground, seed, is_last=True)


def _signal(seed: int, name: str, number: int) -> tuple[signal.Signals, float | None]:
    """Which one, and after how many seconds once more, if it is sent twice: every third is."""
    chance = random.Random(f"{seed}/{name}/{number}/signal")
    signum = (signal.SIGINT, signal.SIGTERM)[number % 2]
    return signum, chance.uniform(0, 1) if number % 3 == 0 else None
