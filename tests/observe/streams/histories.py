"""Histories small enough to read.

The truth: `1 2 3a | 2b+3b 4b`. A block is its number and its branch, `a` if none is said. One comes each
second, the first at 1.0; `+` joins those that come together; what follows `|` begins a branch (a block after
it has for its parent the block that is there now). `.` is a second without a block. What begins with `~`
comes a quarter of a second after the one before: that is less than the truth may be behind.

The stream: `1 2 2 4`. An event comes a tenth of a second after the truth went over to its block, or with the
event before it if that is later; `4@7.5` says when, `4x<3a` on which block. `end@5`, `die@5`, `open@6`: told
of the end, found out, subscribed again. A block that the truth never had is on a branch of such.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from battlectl.observe.streams.cell import StreamCell, StreamCells
from battlectl.observe.streams.heads import HeadStream
from battlectl.observe.streams.terms import Terms
from battlectl.observe.streams.truth import Truth

TERMS = Terms(settle=0.5, stall_after=2.5)
LOOK = 0.25
UNTOLD = {"events", "wanted_ns", "open_ns", "dead_ns", "streams"}
_TOKEN = re.compile(r"(\d+)([a-z]?)(?:<(\w+))?(?:@([\d.]+))?")
_MARK = re.compile(r"(end|die|open)@([\d.]+)")


@dataclass(frozen=True)
class Seen:
    """One look of the truth at a block."""

    t: float
    number: int
    hash: str
    parent: str


def block(token: str) -> tuple[int, str, float | None, str | None]:
    """(number, hash, time if said, parent if said) of `3b<2a@7.5`."""
    found = _TOKEN.fullmatch(token)
    assert found, token
    number, branch, parent, at = found.groups()
    return int(number), f"{number}{branch or 'a'}", float(at) if at else None, parent


def truth_line(text: str) -> list[Seen]:
    """What the truth sees, in order."""
    chain: dict[int, str] = {}
    seen, t = [], 0.0
    for branch in text.split("|"):
        for together in branch.split():
            t += 0.25 if together.startswith("~") else 1.0
            together = together.removeprefix("~")
            for token in () if together == "." else together.split("+"):
                number, hash_, _, _ = block(token)
                parent = chain.get(number - 1, f"{number - 1}a")
                chain = {n: h for n, h in chain.items() if n < number} | {number: hash_}
                seen.append(Seen(t, number, hash_, parent))
    return seen


def stream_line(text: str, truth: list[Seen]) -> list[tuple[float, str, Any]]:
    """(time, what happens, the block) in order."""
    unused, parents = list(truth), {one.hash: one.parent for one in truth}
    events: list[tuple[float, str, Any]] = []
    t = 0.0
    for token in text.split():
        if mark := _MARK.fullmatch(token):
            t = float(mark[2])
            events.append((t, mark[1], None))
            continue
        number, hash_, at, said = block(token)
        meant = next((one for one in unused if one.hash == hash_), None)
        if meant is not None:
            unused.remove(meant)
            t = max(t, meant.t + 0.1)
        t = t if at is None else at
        branch = hash_.lstrip("0123456789")
        events.append((t, "head", (number, hash_, said or parents.get(hash_, f"{number - 1}{branch}"))))
    return events


class Told:
    """A history that was played: the stream when it is finished, and what was counted."""

    def __init__(self, truth: str, stream: str, **options: Any) -> None:
        terms: Terms = options.get("terms", TERMS)
        lag: float = options.get("lag", 0.0)
        cuts = options.get("cuts", ())
        looks = truth_line(truth)
        events = stream_line(stream, looks)
        last = max([one.t for one in looks] + [t for t, _, _ in events], default=0.0)
        until = options.get("until", last + terms.settle + 1.0)
        self.truth, self.cells = Truth(**options.get("truth", {})), StreamCells(cuts)
        self.stream = HeadStream("s", self.truth, self.cells, terms, 0.0)
        if options.get("opens", True):
            self.stream.opened(0.0)
        steps = [(one.t + lag, 0, one) for one in looks if one.t + lag <= until]
        steps += [(t, 1, (what, body)) for t, what, body in events if t <= until]
        steps += [(n * LOOK, 2, None) for n in range(int(until / LOOK) + 1)]
        for t, kind, given in sorted(steps, key=lambda step: (step[0], step[1])):
            self._play(t, kind, given)
        self.finished = self.stream.finish(until)
        self.by_segment = self.cells.take()
        self.cell = StreamCell()
        for cell in self.by_segment.values():
            self.cell.merge(cell)

    def _play(self, t: float, kind: int, given: Any) -> None:
        if kind == 0:
            self.truth.see(t, given.number, given.hash, given.parent)
        elif kind == 2:
            head = self.truth.head
            if head is not None:
                self.truth.see(t, head.number, head.hash, head.parent)
        elif given[0] == "head":
            number, hash_, parent = given[1]
            self.stream.head(t, number, hash_, parent, t - 0.5)
        elif given[0] == "open":
            self.stream.resubscribed(t)
        else:
            self.stream.ended(t, given[0] == "end", "1006" if given[0] == "end" else "silent")

    @property
    def findings(self) -> dict[str, int]:
        """What was counted, but for time and plain totals."""
        return {name: n for name, n in sorted(self.cell.counts.items()) if n and name not in UNTOLD}


def expected(text: str) -> dict[str, int]:
    """`observed 5, gaps 1` as a mapping."""
    pairs = (one.split() for one in text.split(",")) if text else ()
    return {name: int(number) for name, number in sorted(pairs)}
