"""The errors that a target told: by what failed, in which shape, and whether they gave anything away.

Rule: one failure has one shape, whichever provider it comes from. What failed is the call, where the scenario
says that it must fail and with which code; else it is the code. Another code than the expected one is held
against the target while no provider is broken, or where no server error could explain it.
"""

from __future__ import annotations

from collections.abc import Callable

from battlectl.observe.consistency import Book, Seen

CHECK = "errors"
SHAPES = "error shapes"
"""The check under which shapes are counted: the kind is the shape, the subject is what failed."""


class ErrorsTold:
    """One workload's. Mutable: the book is. `is_quiet` says whether no fault was in force at a time."""

    def __init__(self, book: Book, workload: str, is_quiet: Callable[[float], bool]) -> None:
        self._book = book
        self._workload = workload
        self._is_quiet = is_quiet

    def shape(self, t: float, failed: str, shape: str, provider: str) -> None:
        """An error of this shape was told of something that failed."""
        self._book.add(t, CHECK, "errors", self._workload)
        self._book.add(t, SHAPES, shape, failed, Seen(t, provider, 1.0, shape))

    def bare(self, t: float, shape: str, provider: str) -> None:
        """An answer came under an error status, and no JSON-RPC error."""
        self._book.add(t, CHECK, "errors", self._workload)
        self._book.add(t, CHECK, "bare", self._workload, Seen(t, provider, 1.0, shape))

    def alarm(self, t: float, shape: str, provider: str) -> None:
        """The caller's own error came under a status by which servers fail."""
        self._book.add(t, CHECK, "alarm", self._workload, Seen(t, provider, 1.0, shape))

    def leak(self, t: float, what: str, provider: str) -> None:
        """An error gave something away."""
        self._book.add(t, CHECK, "leak", self._workload, Seen(t, provider, 1.0, what))

    def recoded(self, t: float, label: str, codes: tuple[int, int], is_excused: bool, provider: str) -> None:
        """Another code came than was expected; `is_excused` where a broken provider may explain it."""
        self._book.add(t, CHECK, "errors", self._workload)
        if is_excused and not self._is_quiet(t):
            return
        words = f"{label}: code {codes[0]} where {codes[1]} is expected"
        self._book.add(t, CHECK, "recoded", self._workload, Seen(t, provider, 1.0, words))
