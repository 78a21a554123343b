"""The sections of report.md about routing and about what breakers promised.

Rule: a row for each claim; a stretch without any says why. Both are empty where nothing was expected.
"""

from __future__ import annotations

from collections.abc import Iterator

from battlectl.report.figures import NOTHING, show_count, show_ratio, show_seconds
from battlectl.report.headline import Document, Stored, has_begun
from battlectl.report.inert import in_markdown
from battlectl.report.tables import markdown_table

MOST_TEXT = 400
MOST_ROWS = 120
HOLDS = {True: "holds", False: "**broken**", None: "not known"}
HEADERS = ("workload", "strategy", "from", "to", "who", "wanted", "got", "requests", "there after", "verdict")


def show_routing(document: Document) -> str:
    """Who was to serve how much, and who did; then why nothing is said of a stretch."""
    stretches = document.get("routing", ())
    if not stretches or not has_begun(document):
        return ""
    rows = [row for stretch in stretches for row in _rows(stretch)]
    silent = [
        f"- {in_markdown(one['workload'])} {_times(one)}: {in_markdown(one['words'], MOST_TEXT)}"
        for one in stretches
        if one["words"]
    ]
    table = markdown_table(HEADERS, rows[:MOST_ROWS], "llrrlrrrrl")
    return "\n\n".join(part for part in (table, "\n".join(silent[:MOST_ROWS])) if part)


def _rows(stretch: Stored) -> Iterator[list[str]]:
    for claim in stretch["claims"] if stretch["judged_from_s"] is not None else ():
        yield [
            in_markdown(stretch["workload"]),
            in_markdown(stretch["strategy"]),
            show_seconds(stretch["judged_from_s"]),
            show_seconds(stretch["to_s"]),
            in_markdown(" and ".join(claim["who"]), MOST_TEXT),
            _wanted(claim),
            show_ratio(claim["share_ratio"]),
            show_count(claim["requests"]),
            _settled(stretch),
            HOLDS[claim["holds"]],
        ]


def _wanted(claim: Stored) -> str:
    least, most = claim["least_ratio"], claim["most_ratio"]
    ends = ("" if least is None else show_ratio(least), "" if most is None else show_ratio(most))
    return " to ".join(end for end in ends if end) if most is not None else f"at least {ends[0]}"


def _settled(stretch: Stored) -> str:
    after = stretch["settled_after_requests"]
    return NOTHING if after is None else f"{after[0]:,} to {after[1]:,}"


def _times(stretch: Stored) -> str:
    return f"from {show_seconds(stretch['from_s'])} to {show_seconds(stretch['to_s'])}"


def show_promises(document: Document) -> str:
    """What the config promises of breakers, under each fault."""
    points = document.get("breaker_promises", ())
    if not points or not has_begun(document):
        return ""
    rows = [
        [
            in_markdown(point["provider"]),
            in_markdown(point["fault"]),
            point["promise"],
            HOLDS[point["holds"]],
            in_markdown(point["words"], MOST_TEXT),
        ]
        for point in points[:MOST_ROWS]
    ]
    return markdown_table(("provider", "fault", "promise", "verdict", "seen"), rows, "lllll")
