"""Histories of logs: the truth as in `histories`, each block with the logs 0 and 1 unless said otherwise.

The stream: `1.0 1.1 2.0 2.1`: block and index; `-2.0` is taken back, `2b.0` lies on branch b.
"""

from __future__ import annotations

import re
from typing import Any

from battlectl.observe.streams.cell import StreamCell, StreamCells
from battlectl.observe.streams.log_truth import LogTruth
from battlectl.observe.streams.logs import LogStream
from battlectl.observe.streams.truth import Truth
from tests.observe.streams.histories import LOOK, TERMS, UNTOLD, truth_line

_LOG = re.compile(r"(-?)(\d+)([a-z]?)\.(\d+)(?:@([\d.]+))?")
_MARK = re.compile(r"(end|die|open)@([\d.]+)")


def log_line(text: str, truth: list[Any]) -> list[tuple[float, str, Any]]:
    """(time, what happens, the log)."""
    events: list[tuple[float, str, Any]] = []
    entries = {one.hash: one.t for one in reversed(truth)}
    t = 0.0
    for token in text.split():
        if mark := _MARK.fullmatch(token):
            t = float(mark[2])
            events.append((t, mark[1], None))
            continue
        found = _LOG.fullmatch(token)
        assert found, token
        minus, number, branch, index, at = found.groups()
        hash_ = f"{number}{branch or 'a'}"
        if not minus:
            t = max(t, entries.get(hash_, 0.0) + 0.1)
        t = t if at is None else float(at)
        events.append((t, "log", (int(number), hash_, int(index), bool(minus))))
    return events


def findings(
    truth: str, stream: str, lag: float = 0.0, logs: dict[str, Any] | None = None, after: float = 1.5
) -> dict[str, int]:
    """What is found, but for time and plain totals; `logs` are the indices of some blocks, None: unknown.

    The stream is finished so many seconds `after` the last that happens.
    """
    looks, known, cells = truth_line(truth), Truth(), StreamCells()
    log_truth = LogTruth(known)
    judged = LogStream("s", log_truth, cells, TERMS, 0.0)
    judged.opened(0.0)
    events = log_line(stream, looks)
    until = max([one.t for one in looks] + [t for t, _, _ in events], default=0.0) + after
    steps = [(one.t + lag, 0, one) for one in looks]
    steps += [(t, 1, (what, body)) for t, what, body in events]
    steps += [(n * LOOK, 2, None) for n in range(int(until / LOOK) + 1)]
    for t, kind, given in sorted(steps, key=lambda step: (step[0], step[1])):
        if kind == 0:
            known.see(t, given.number, given.hash, given.parent)
            indices = (logs or {}).get(given.hash, (0, 1))
            if indices is not None:
                log_truth.see(given.hash, indices)
        elif kind == 2 and known.head is not None:
            known.see(t, known.head.number, known.head.hash, known.head.parent)
            judged.look(t)
        elif kind == 1 and given[0] == "log":
            judged.log(t, *given[1])
        elif kind == 1 and given[0] == "open":
            judged.resubscribed(t)
        elif kind == 1:
            judged.ended(t, given[0] == "end", given[0])
    judged.finish(until)
    cell = StreamCell.from_json(cells.total().to_json())
    return {name: n for name, n in sorted(cell.counts.items()) if n and name not in UNTOLD}
