"""What each trial of the matrix comes to, in one row.

Rule: a defect is caught when a finding of the kind that it declared beforehand accuses the target. Accused of
something else alone it is caught for the wrong reason; without any accusation it is missed, whether the run
passed or could not tell. A sound gateway is a false alarm as soon as anything accuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from battlectl.scenario.objectives import parse_objective
from tests.matrix.kinds import accusations, kinds_of
from tests.matrix.places import tell_when, when_of, who_of
from tests.matrix.trial import Ran

Fate = Literal["caught", "wrong reason", "missed", "broken", "sound", "unsure", "false alarm"]
FAILURES: frozenset[Fate] = frozenset({"wrong reason", "missed", "broken", "false alarm"})
LONGEST_SUMMARY = 150


@dataclass(frozen=True, slots=True)
class Row:
    """`subject` is a defect or a scenario; `by` the finding that decided, `margin` how near that was.

    `who` and `when` are the provider and the moment that it names.
    """

    subject: str
    scenario: str
    wanted: str
    fate: Fate
    by: str = ""
    margin: str = ""
    others: str = ""
    who: str = ""
    when: str = ""


def row_of_defect(defect: str, wanted: str, scenario: str, ran: Ran) -> Row:
    """Whether a planted defect was named."""
    if ran.report is None:
        return Row(defect, scenario, wanted, "broken", ran.said.strip()[-LONGEST_SUMMARY:])
    accused = accusations(ran.report)
    right = [finding for finding in accused if wanted in kinds_of(finding)]
    others = ", ".join(sorted({kind for finding in accused for kind in kinds_of(finding)} - {wanted}))
    if right:
        who, when = who_of(right[0], ran.report), tell_when(when_of(right[0]))
        return Row(defect, scenario, wanted, "caught", tell(right[0]), margin_of(right[0]), others, who, when)
    if accused:
        return Row(defect, scenario, wanted, "wrong reason", tell(accused[0]), "", others)
    return Row(defect, scenario, wanted, "missed", f"{ran.report['verdict']}{_doubts(ran.report)}")


def row_of_sound(scenario: str, seed: int, ran: Ran) -> Row:
    """Whether a sound gateway was accused."""
    subject = f"sound, seed {seed}"
    if ran.report is None:
        return Row(subject, scenario, "nothing", "broken", ran.said.strip()[-LONGEST_SUMMARY:])
    accused = accusations(ran.report)
    if accused:
        return Row(subject, scenario, "nothing", "false alarm", tell(accused[0]), margin_of(accused[0]))
    if ran.report["verdict"] != "pass":
        return Row(subject, scenario, "nothing", "unsure", _doubts(ran.report).strip(": "))
    return Row(subject, scenario, "nothing", "sound", "", nearest(ran.report))


def tell(finding: dict[str, Any]) -> str:
    """A finding in few words."""
    text = f"{finding['name']}: {finding['summary']}"
    return text if len(text) <= LONGEST_SUMMARY else f"{text[: LONGEST_SUMMARY - 3]}..."


def margin_of(finding: dict[str, Any]) -> str:
    """What was measured beside what was wanted, where a threshold decided."""
    if finding["kind"] != "objective" or finding["measured"] is None:
        return ""
    return f"{finding['measured_text']} (wanted {finding['expected']})"


def nearest(report: dict[str, Any]) -> str:
    """The objective of a passed run that came nearest to its limit."""
    shares = [
        (abs(1 - finding["measured"] / limit), finding)
        for finding in report["findings"]
        if finding["kind"] == "objective" and finding["measured"] is not None and (limit := _limit(finding))
    ]
    return margin_of(min(shares, key=lambda one: one[0])[1]) if shares else ""


def _limit(finding: dict[str, Any]) -> float | None:
    """The threshold of an inequality, in base units; None for an equality."""
    objective = parse_objective(finding["name"])
    return None if objective.op in {"==", "!="} else objective.value


def _doubts(report: dict[str, Any]) -> str:
    found = [tell(finding) for finding in report["findings"] if finding["weighs"] == "inconclusive"]
    return f": {found[0]}" if found else ""
