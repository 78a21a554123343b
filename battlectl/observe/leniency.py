"""What is not held against a target because it could not know better.

Rule: a target may take `notice` seconds to find out that a provider was broken, and that it was healed, from
when that was done, not from when it was planned. Where every provider is broken it has nobody to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from battlectl.observe.faults import Deed


class _Change(NamedTuple):
    """One action at one provider: from when it was begun until it was done; `breaks` or heals."""

    provider: str
    breaks: bool
    begun: float
    done: float


class Leniency:
    """See the rule; times in seconds from the start. `deeds` are what was done so far, in order of time."""

    def __init__(
        self, deeds: Callable[[], Sequence[Deed]], providers: Collection[str], notice: float
    ) -> None:
        self._deeds = deeds
        self._providers = frozenset(providers)
        self._notice = notice

    def is_new(self, t: float) -> bool:
        """Whether a fault began or ended so shortly before t that the target need not know."""
        return any(change.begun <= t <= change.done + self._notice for change in self._changes())

    def is_quiet(self, t: float) -> bool:
        """Whether no fault was in force at t, nor shortly before."""
        return not self._broken(t)

    def none_left(self, t: float) -> bool:
        """Whether every provider was broken at t, or shortly before."""
        return bool(self._providers) and self._providers <= self._broken(t)

    def _broken(self, t: float) -> set[str]:
        broken: dict[str, int] = {}
        for change in self._changes():
            if change.breaks and change.begun <= t:
                broken[change.provider] = broken.get(change.provider, 0) + 1
            elif not change.breaks and change.done + self._notice < t:
                broken[change.provider] = broken.get(change.provider, 0) - 1
        return {provider for provider, faults in broken.items() if faults > 0}

    def _changes(self) -> Iterator[_Change]:
        begun: dict[tuple[str, str, str], Deed] = {}
        for deed in self._deeds():
            key = (deed.fault, deed.provider, deed.action)
            if deed.stage == "begin":
                begun.setdefault(key, deed)
            elif key in begun and deed.stage == "done":
                first = begun.pop(key)
                yield _Change(deed.provider, deed.action == "inject", first.t, deed.t)
        for deed in begun.values():
            yield _Change(deed.provider, deed.action == "inject", deed.t, float("inf"))
