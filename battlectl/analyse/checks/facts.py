"""A check's own facts, and the finding that is made of them.

Rule: what was too much to be kept apart may have been anything, so with it nothing is a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe.consistency import (
    ASKED,
    OTHERS,
    PLANNED,
    ROUNDS,
    UNANSWERED,
    WATCH,
    Count,
    Seen,
    by_subject,
    counted,
)
from battlectl.observe.example import Example

NOBODY = Count(0)
LEAST_SHARE = 0.5
"""Of the rounds of questions that were planned, for a pass."""


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that was entered for one check: subject -> kind -> count."""

    check: str
    subjects: Mapping[str, Mapping[str, Count]]

    def count(self, *kinds: str) -> Count:
        """All of these kinds, of every subject."""
        result = NOBODY
        for counts in self.subjects.values():
            for kind in kinds:
                result = result.plus(counts.get(kind, NOBODY))
        return result

    def number(self, *kinds: str) -> int:
        """How often."""
        return self.count(*kinds).number

    def tell(self, kinds: Mapping[str, str]) -> str:
        """ "3 went back (first: ...), 2 ran ahead (first: ...)"; "" without any."""
        return ", ".join(
            f"{count.number:,} {words}{_first(count)}"
            for kind, words in kinds.items()
            if (count := self.count(kind)).number
        )

    def finding(
        self, verdict: Verdict, summary: str, samples: int, kinds: Iterable[str] = (), name: str = ""
    ) -> Finding:
        """With the first and the worst example of these kinds; `name` where another check finds it."""
        count = self.count(*kinds)
        if verdict is Verdict.PASS and (lost := self.number(OTHERS)):
            verdict, summary = Verdict.INCONCLUSIVE, f"{lost:,} facts were too many to be told apart"
        return Finding(
            "check",
            name or self.check,
            verdict,
            summary,
            samples=samples,
            first=_example(self.check, count.first),
            worst=_example(self.check, count.worst),
        )


def account_of(evidence: Evidence, check: str) -> Account:
    """The account of a check, over the whole run."""
    return Account(check, by_subject(evidence.tally.facts, check))


def asked_too_little(evidence: Evidence) -> str:
    """Why too few questions were asked for anything to be proven, "" where there were enough."""
    rounds = counted(evidence.tally.facts, WATCH, ROUNDS).number
    planned = counted(evidence.tally.facts, WATCH, PLANNED).number
    if rounds >= LEAST_SHARE * planned:
        return ""
    return f"only {rounds:,} of {planned:,} rounds of questions could be asked: answers took too long"


def unheard(evidence: Evidence, otherwise: str) -> str:
    """That no question beside the load was answered; `otherwise` where one was, or none was asked."""
    asked = counted(evidence.tally.facts, WATCH, ASKED).number
    unanswered = counted(evidence.tally.facts, WATCH, UNANSWERED)
    if not asked or unanswered.number < asked:
        return otherwise
    return f"none of {asked:,} questions beside the load was answered{_first(unanswered)}"


def tell_seen(seen: Seen) -> str:
    """An example in a sentence."""
    by = f", by {seen.provider}" if seen.provider else ""
    return f"at {seen.t:.2f}s{by}: {seen.words}"


def _first(count: Count) -> str:
    return "" if count.first is None else f" (first {tell_seen(count.first)})"


def _example(check: str, seen: Seen | None) -> Example | None:
    """As every report knows how to show it."""
    if seen is None:
        return None
    words = f"{seen.words} [{seen.provider}]" if seen.provider else seen.words
    return Example("", check, 0, "seen", seen.t, 0.0, words)
