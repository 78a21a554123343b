"""Is the target's configuration as it was before the run?

Rule: only a document that was read before the run and after it, of which something was compared, and which
is the same both times, was left as it was. One that differs at a place that stays as it is then was changed,
by the run or in its time; where it goes on changing nobody can tell. What was changed and put back in between
is not seen.
"""

from __future__ import annotations

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict, merge_verdicts
from battlectl.observe.documents import Look, Watched

MOST_TOLD = 3
NAME = "configuration"
HASTY = "there was too little time to see whether that changes by itself"


def check_configuration(evidence: Evidence) -> Finding:
    """See the rule."""
    judged = [judge_document(document) for document in evidence.documents]
    verdict = merge_verdicts(one for one, _ in judged)
    words = "; ".join(words for one, words in judged if one is verdict)
    return Finding("check", NAME, verdict, words or "no document was named", samples=len(judged))


def judge_document(document: Watched) -> tuple[Verdict, str]:
    """The verdict on one document, and why."""
    name, before, looks = document.name, document.before, document.looks
    if before.why:
        return Verdict.INCONCLUSIVE, f"{name} was not read before the run: {before.why}"
    if not looks:
        return Verdict.INCONCLUSIVE, f"{name} was not read after the run"
    if all(look.is_same for look in looks[-2:]):
        if document.is_all_apart:
            return Verdict.INCONCLUSIVE, f"nothing of {name} was compared: {_left_out(document)} is all of it"
        return Verdict.PASS, f"{name} is as it was{_how(document)}"
    if unread := [look for look in looks[-2:] if look.why and not look.is_gone]:
        return Verdict.INCONCLUSIVE, f"{name} was not read after the run: {unread[-1].why}"
    if len(looks) == 1:
        return Verdict.INCONCLUSIVE, f"{name} differed, and could not be looked at again"
    if not document.differing:
        return Verdict.INCONCLUSIVE, f"{name} changes by itself: it differed at one look and not at the next"
    if document.differing == document.restless:
        return (
            Verdict.INCONCLUSIVE,
            f"{name} changes by itself, now at {_places(document)}{_remedy(document)}",
        )
    if document.is_hasty:
        return Verdict.INCONCLUSIVE, f"{name} differs at {_places(document)}: {HASTY}"
    return Verdict.FAIL, f"{name} is not as it was: {_places(document)}"


def _how(document: Watched) -> str:
    """What a pass does not say by itself."""
    parts = []
    if document.looks[-1].digest != document.before.digest and not document.apart:
        parts.append("the same JSON, written otherwise")
    if document.apart:
        parts.append(f"but for {_left_out(document)}, which nobody compared")
    if len(document.looks) > 1:
        parts.append(f"from look {_first_same(document.looks)} after the run on")
    return f" ({'; '.join(parts)})" if parts else ""


def _left_out(document: Watched) -> str:
    return ", ".join(document.apart)


def _first_same(looks: tuple[Look, ...]) -> int:
    """The number of the look since which it is the same."""
    others = [number for number, look in enumerate(looks, 1) if not look.is_same]
    return max(others, default=0) + 1


def _remedy(document: Watched) -> str:
    """What to leave out: what moves, which may be far less than what differs."""
    told, more = document.moving[:MOST_TOLD], len(document.moving) - MOST_TOLD
    places = ", ".join(told) + (" and more" if more > 0 else "")
    return f": leave {places} out by `except`" if told else ""


def _places(document: Watched) -> str:
    told = [f"{one.at or 'all of it'} ({one.before}, then {one.after})" for one in document.differences]
    more = document.differing - len(told[:MOST_TOLD])
    return ", ".join(told[:MOST_TOLD]) + (f" and {more} more" if more else "")
