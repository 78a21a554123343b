"""report.md: the verdict first, then what it rests on.

Rule: every text that comes from the target or the scenario passes through `in_markdown` or a code block.
"""

from __future__ import annotations

from collections.abc import Callable

from battlectl.report.figures import NOTHING, show_count, show_ms, show_seconds
from battlectl.report.headline import (
    Document,
    Stored,
    describe,
    findings_of,
    has_begun,
    noted,
    show_exit,
    verdict_word,
    weighing,
    why,
)
from battlectl.report.inert import code_block, in_markdown
from battlectl.report.markdown_breakers import show_breakers, show_distribution
from battlectl.report.markdown_configuration import show_configuration
from battlectl.report.markdown_consistency import show_consistency
from battlectl.report.markdown_faults import show_effects, show_faults, show_leftovers
from battlectl.report.markdown_figures import (
    show_generator,
    show_latency_parts,
    show_outcomes,
    show_providers,
    show_windows,
    show_workloads,
)
from battlectl.report.markdown_origin import show_environment, show_notes, show_origin
from battlectl.report.markdown_routing import show_promises, show_routing
from battlectl.report.markdown_streams import show_continuity
from battlectl.report.markdown_telemetry import show_telemetry
from battlectl.report.markdown_truth import show_truth
from battlectl.report.tables import markdown_table
from battlectl.report.timeline import render_timeline

MOST_SEEN = 240
MOST_SENTENCE = 400


def render_markdown(document: Document) -> str:
    """The whole report, what a person must do first. Sections with nothing to say are left out."""
    parts = [part for part in (show_leftovers(document), _verdict(document)) if part]
    for title, section in SECTIONS:
        if body := section(document):
            parts.append(f"## {title}\n\n{body}")
    return "\n\n".join(parts) + "\n"


def _verdict(document: Document) -> str:
    lines = [f"# {verdict_word(document)}: {in_markdown(document['frame']['name'])}", "", _reason(document)]
    adverse = weighing(document)
    if len(adverse) > 1:
        lines += ["", *(f"- {_bold(finding)} {_clause(finding)}" for finding in adverse)]
    return "\n".join(lines)


ENDED = {
    "interrupted": "was interrupted",
    "terminated": "was terminated",
    "killed": "was killed",
    "safety": "was stopped",
    "objective": "was stopped",
}
"""What a sentence says of an ending; the exit code beside it says why."""


def _reason(document: Document) -> str:
    """The sentence on why, how the run ended and with which exit code."""
    ending = document["ending"]
    if not has_begun(document):
        said = in_markdown(" ".join(ending["reason"].split()), MOST_SENTENCE)
        return f"Nothing was sent: {ending['how']}: {said} ({show_exit(document)})"
    ended = f"The run {ENDED.get(ending['how'], ending['how'])} after {show_seconds(ending['at_s'])}"
    return f"Why: {in_markdown(why(document), MOST_SENTENCE)} {ended}, {show_exit(document)}."


def _bold(finding: Stored) -> str:
    return f"**{finding['weighs']}**"


def _clause(finding: Stored) -> str:
    return in_markdown(describe(finding), MOST_SENTENCE)


def _objectives(document: Document) -> str:
    """Every objective, and an example for each that failed."""
    findings = findings_of(document, "objective")
    if not findings:
        return "The scenario has no objectives: there is nothing that a run could pass."
    headers = ("verdict", "objective", "measured", "required", "samples", "summary")
    table = markdown_table(headers, [_objective_row(finding) for finding in findings], "llrrrl")
    return "\n\n".join([table, *_examples(findings)])


def _objective_row(finding: Stored) -> list[str]:
    texts = (finding["name"], finding["measured_text"], finding["expected"] or NOTHING)
    name, measured, expected = (in_markdown(text) for text in texts)
    return [
        finding["verdict"],
        name,
        measured if finding["samples"] else NOTHING,
        expected,
        show_count(finding["samples"]),
        in_markdown(finding["summary"], MOST_SEEN),
    ]


def _checks(document: Document) -> str:
    findings = findings_of(document, "check")
    rows = [
        [
            finding["verdict"],
            in_markdown(finding["name"]),
            "" if finding["verdict"] == "pass" else f"counts as {finding['level']}",
            in_markdown(finding["summary"], MOST_SENTENCE),
        ]
        for finding in findings
    ]
    table = markdown_table(("verdict", "check", "level", "summary"), rows, "llll")
    return "\n\n".join([table, *_notes_hint(document), *_examples(findings)]) if rows else ""


def _notes_hint(document: Document) -> list[str]:
    if not noted(document):
        return []
    return ["What counts as a note is shown and does not weigh; `checks: {NAME: fail}` raises it."]


def _examples(findings: list[Stored]) -> list[str]:
    """First and worst example of each finding that has them, as one list."""
    lines = [
        line
        for finding in findings
        if finding["first"] is not None
        for line in _pair(finding["first"], finding["worst"], f" for {in_markdown(finding['name'])}")
    ]
    return ["Examples:\n\n" + "\n".join(lines)] if lines else []


def _pair(first: Stored, worst: Stored, about: str = "") -> list[str]:
    """The first and the worst, as one where they are the same."""
    if first == worst:
        return [f"- first and worst{about}: {show_example(first)}"]
    return [f"- first{about}: {show_example(first)}", f"- worst{about}: {show_example(worst)}"]


def show_example(example: Stored) -> str:
    """One arrival as evidence."""
    call = in_markdown(f"{example['workload']}/{example['label']}")
    what = in_markdown(example["outcome"])
    seen = in_markdown(example["seen"], MOST_SEEN)
    took = show_ms(example["latency_ms"])
    where = f"id {example['id']}, {call}, due at {example['due_s']:.3f}s"
    return f"{where}, **{what}** after {took}: {seen or 'nothing was seen'}"


def _timeline(document: Document) -> str:
    return code_block(render_timeline(document))


def _outcomes(document: Document) -> str:
    """Every outcome with what it means, then an example of each that is not ok."""
    lines = [line for pair in _by_kind(document["examples"]) for line in _pair(*pair)]
    examples = ["First and worst example of each:\n\n" + "\n".join(lines)] if lines else []
    return "\n\n".join([show_outcomes(document), *examples])


def _by_kind(pairs: list[list[Stored]]) -> list[tuple[Stored, Stored]]:
    """(first, worst) of each workload and outcome but ok, whatever stretch of the run they are from."""
    kinds: dict[tuple[str, str], list[list[Stored]]] = {}
    for pair in pairs:
        kind = pair[0]["outcome"].partition("(")[0]
        if kind != "ok":
            kinds.setdefault((pair[0]["workload"], kind), []).append(pair)
    return [
        (min((p[0] for p in group), key=_due), max((p[1] for p in group), key=_took))
        for group in kinds.values()
    ]


def _due(example: Stored) -> float:
    return float(example["due_s"])


def _took(example: Stored) -> float:
    return float(example["latency_ms"])


SECTIONS: tuple[tuple[str, Callable[[Document], str]], ...] = (
    ("Objectives", _objectives),
    ("Checks", _checks),
    ("Faults", show_faults),
    ("Timeline", _timeline),
    ("Continuity", show_continuity),
    ("What each fault did", show_effects),
    ("Breakers", show_breakers),
    ("What breakers promised", show_promises),
    ("Who served in each window", show_distribution),
    ("Routing", show_routing),
    ("Windows side by side", show_windows),
    ("Workloads and their calls", show_workloads),
    ("Who served the requests", show_providers),
    ("Telemetry", show_telemetry),
    ("Consistency", show_consistency),
    ("The target's configuration", show_configuration),
    ("Ground truth", show_truth),
    ("Where the latency came from", show_latency_parts),
    ("Outcomes", _outcomes),
    ("The generator itself", show_generator),
    ("How to reproduce", show_origin),
    ("Environment", show_environment),
    ("Notes", show_notes),
)
"""Title -> what it says; a new section touches its own function and one line here."""
