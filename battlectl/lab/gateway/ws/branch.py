"""The branch that clients have been shown: places in a row, the last of them the tip.

Rule: it only ever grows at its tip or is cut back to a fork; of a long one the oldest places are
forgotten, and `is_whole` then says so.
"""

from __future__ import annotations

from collections import deque

from battlectl.lab.gateway.ws.block import Place

WINDOW = 1_024


class Branch:
    """Mutable, for it changes with every block and is asked for membership at every header."""

    def __init__(self, anchor: Place, window: int = WINDOW) -> None:
        self._places = deque([anchor])
        self._numbers = {anchor.hash: anchor.number}
        self._window = window
        self.is_whole = True

    @property
    def start(self) -> Place:
        """The oldest place that is remembered."""
        return self._places[0]

    @property
    def tip(self) -> Place:
        """The newest place."""
        return self._places[-1]

    def has(self, hash_: str) -> bool:
        """Whether this block is on the branch, as far as it is remembered."""
        return hash_ in self._numbers

    def number_of(self, hash_: str) -> int | None:
        """The number of a block that is on the branch, else None."""
        return self._numbers.get(hash_)

    def grow(self, place: Place) -> None:
        """A new tip; the caller has seen to it that it links."""
        self._places.append(place)
        self._numbers[place.hash] = place.number
        if len(self._places) > self._window:
            del self._numbers[self._places.popleft().hash]
            self.is_whole = False

    def cut(self, fork: str) -> tuple[Place, ...]:
        """Drop what lies above the block `fork`, everything if it is not here: newest first."""
        dropped = []
        while self._places and self._places[-1].hash != fork:
            dropped.append(self._places.pop())
            del self._numbers[dropped[-1].hash]
        return tuple(dropped)
