"""What objectives can name of the faults of a scenario: the faults themselves, and their windows.

Rule: as long as one fault cannot be read, no name is called unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from battlectl.scenario.chaos_times import (
    BASELINE,
    DURING,
    RECOVERY,
    Span,
    names_of,
    spans_of,
    window_stretches,
)
from battlectl.scenario.draft import Draft
from battlectl.scenario.phases import Edges, run_edges

if TYPE_CHECKING:
    from battlectl.scenario.chaos import Timing


def is_fault_window(window: str) -> bool:
    """Whether a window is one that faults make."""
    return window == BASELINE or window.startswith((DURING, RECOVERY))


def fault_names(draft: Draft) -> tuple[str, ...] | None:
    """The faults and their repeats, None when one cannot be read."""
    entries = _entries(draft)
    return None if entries is None else tuple(_names(entries))


def fault_windows(draft: Draft) -> Mapping[str, tuple[Edges, ...] | None] | None:
    """The windows of the faults and their stretches, as in `window_stretches`; None when one cannot be read.

    The stretches of random faults are None: they are drawn with the plan.
    """
    entries, edges = _entries(draft), draft.edges
    if not draft.chaos:
        return {}
    if entries is None or edges is None or not _is_timed(entries, edges):
        return None
    fixed = [entry for entry in entries if entry.random is None]
    spans: list[Span] = [span for entry in fixed for span in spans_of(entry, edges)]
    windows: dict[str, tuple[Edges, ...] | None] = dict(window_stretches(spans, run_edges(edges)))
    drawn = _names([entry for entry in entries if entry.random is not None])
    windows |= {prefix + name: None for name in drawn for prefix in (DURING, RECOVERY)}
    return windows | ({} if BASELINE in windows else {BASELINE: None})


def _entries(draft: Draft) -> list[Timing] | None:
    found = [entry for _, entry in draft.chaos if entry is not None]
    return found if len(found) == len(draft.chaos) else None


def _is_timed(entries: Iterable[Timing], edges: Mapping[str, Edges]) -> bool:
    return all(entry.random is not None or spans_of(entry, edges) for entry in entries)


def _names(entries: Iterable[Timing]) -> Iterable[str]:
    for entry in entries:
        yield from dict.fromkeys((entry.label, *names_of(entry)))
