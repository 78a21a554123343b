"""What was seen of a target's consistency: facts that are counted, with the first and the worst of each.

Rule: a fact is counted under what it is about (`check`), what it is (`kind`), whose it is (`subject`: a
workload, an error, "" for all) and when (`segment`). Counts merge by adding, examples by being earlier or
worse, so that the live run and a rebuilt one come to the same. Names of a check beyond `MOST_NAMES` are
counted as one: a target that makes up new ones fills neither memory nor the report, and hides no other check.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

MOST_NAMES = 32
MOST_NAME = 80
"""Characters of a kind or a subject."""
MOST_WORDS = 200
"""Characters of an example."""
OTHERS = "(other)"
WATCH, ASKED, UNANSWERED, ROUNDS, PLANNED = "watch", "asked", "unanswered", "rounds", "planned"
"""The check and the kinds under which questions beside the load are counted: they are calls like others, and
come in rounds, of which so many were planned."""


def never(_t: float) -> bool:
    """At no time: of what excuses nothing."""
    return False


class Fact(NamedTuple):
    """Where something is counted."""

    check: str
    kind: str
    subject: str
    segment: int


class Seen(NamedTuple):
    """One example: when, from whom as far as known, how bad (in the kind's own unit), in words."""

    t: float
    provider: str
    size: float
    words: str


@dataclass(frozen=True, slots=True)
class Count:
    """How often, and the first and the worst that are kept of it."""

    number: int
    first: Seen | None = None
    worst: Seen | None = None

    def plus(self, other: Count) -> Count:
        """Both together."""
        firsts = [one for one in (self.first, other.first) if one is not None]
        worsts = [one for one in (self.worst, other.worst) if one is not None]
        return Count(
            self.number + other.number,
            min(firsts, default=None),
            max(worsts, key=lambda one: (one.size, -one.t, *one[1:]), default=None),
        )


Facts = Mapping[Fact, Count]


def merge_facts(into: dict[Fact, Count], more: Facts) -> None:
    """Add all of `more`."""
    for fact, count in more.items():
        known = into.get(fact)
        into[fact] = count if known is None else known.plus(count)


def counted(facts: Facts, check: str, kind: str, segments: Collection[int] | None = None) -> Count:
    """All of one kind, of every subject."""
    return _sum(
        count
        for fact, count in facts.items()
        if fact.check == check and fact.kind == kind and (segments is None or fact.segment in segments)
    )


def by_subject(facts: Facts, check: str) -> dict[str, dict[str, Count]]:
    """Subject -> kind -> count, of a whole run, in order of their names."""
    result: dict[str, dict[str, Count]] = {}
    for fact, count in sorted(facts.items(), key=lambda item: item[0]):
        if fact.check == check:
            kinds = result.setdefault(fact.subject, {})
            kinds[fact.kind] = kinds.get(fact.kind, Count(0)).plus(count)
    return result


def _sum(counts: Iterable[Count]) -> Count:
    result = Count(0)
    for count in counts:
        result = result.plus(count)
    return result


class Book:
    """Where facts are entered during a run. Mutable: `take` hands over what is new and begins again."""

    def __init__(self, cuts: Sequence[float]) -> None:
        self._cuts = tuple(cuts[1:-1])
        self._new: dict[Fact, Count] = {}
        self._names: set[tuple[str, str, str]] = set()
        self._worst: dict[tuple[str, str, str], float] = {}
        self._ticks: dict[tuple[str, str, str], int] = {}
        self._from = self._until = 0.0

    def tick(self, t: float, name: tuple[str, str, str]) -> None:
        """The same as `add` of what has no example, and cheap: for what happens with every reply."""
        if not self._from <= t < self._until:
            self._turn(t)
        self._ticks[name] = self._ticks.get(name, 0) + 1

    def _turn(self, t: float) -> None:
        """To the segment of t; what was ticked belongs to the one before."""
        ticks, self._ticks = self._ticks, {}
        for name, number in ticks.items():
            self.add(self._from, *name, number=number)
        edges = (float("-inf"), *self._cuts, float("inf"))
        place = bisect_right(edges, t) - 1
        self._from, self._until = edges[place], edges[place + 1]

    def add(
        self,
        t: float,
        check: str,
        kind: str,
        subject: str = "",
        seen: Seen | None = None,
        number: int = 1,
    ) -> None:
        """This happened, at t seconds from the start; an example is kept where it may be first or worst."""
        name = (check, kind[:MOST_NAME], subject[:MOST_NAME])
        if name not in self._names:
            name = self._bounded(name)
        fact = Fact(*name, bisect_right(self._cuts, t))
        told = seen if seen is not None and self._is_news(name, seen) else None
        if told is not None:
            told = told._replace(words=told.words[:MOST_WORDS])
        known = self._new.get(fact)
        if known is None:
            self._new[fact] = Count(number, told, told)
        elif told is None:
            self._new[fact] = replace(known, number=known.number + number)
        else:
            self._new[fact] = known.plus(Count(number, told, told))

    def take(self) -> dict[Fact, Count]:
        """What was entered since the last call."""
        if self._ticks:
            self._turn(self._from)
        new, self._new = self._new, {}
        return new

    def _is_news(self, name: tuple[str, str, str], seen: Seen) -> bool:
        if seen.size <= self._worst.get(name, float("-inf")):
            return False
        self._worst[name] = seen.size
        return True

    def _bounded(self, name: tuple[str, str, str]) -> tuple[str, str, str]:
        if sum(one[0] == name[0] for one in self._names) >= MOST_NAMES:
            return (name[0], OTHERS, OTHERS)
        self._names.add(name)
        return name


def facts_json(facts: Facts, with_examples: bool = True) -> list[list[Any]]:
    """Facts as they are stored."""
    return [
        [*fact, count.number, *(_seen_json(one) for one in (count.first, count.worst) if with_examples)]
        for fact, count in sorted(facts.items(), key=lambda item: item[0])
    ]


def read_facts(stored: Iterable[Sequence[Any]]) -> dict[Fact, Count]:
    """The facts that `facts_json` wrote."""
    result: dict[Fact, Count] = {}
    for check, kind, subject, segment, number, *examples in stored:
        seen = [None if one is None else Seen(*one) for one in examples] or [None, None]
        result[Fact(check, kind, subject, segment)] = Count(number, *seen)
    return result


def _seen_json(seen: Seen | None) -> list[Any] | None:
    return None if seen is None else [round(seen.t, 6), *seen[1:]]
