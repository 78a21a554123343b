"""The part of report.md that says what became of the target's configuration."""

from __future__ import annotations

from battlectl.report.figures import NOTHING, show_count
from battlectl.report.headline import Document, Stored
from battlectl.report.inert import in_markdown
from battlectl.report.tables import markdown_table

SEEN = (
    "Documents of the target's configuration, read before the load and again after every fault was healed. "
    "What was changed and put back in between is not seen. Texts are not shown, they may be keys."
)


def show_configuration(document: Document) -> str:
    """What was compared, and each place that differs; nothing where no document was watched."""
    watched = document.get("configuration", ())
    if not watched:
        return ""
    rows = [[one["verdict"], in_markdown(one["document"]), *_sizes(one)] for one in watched]
    table = markdown_table(("verdict", "document", "bytes before", "bytes after", "differs"), rows, "llrrr")
    return "\n\n".join([SEEN, table, *(_places(one) for one in watched if one["differences"])])


def _sizes(one: Stored) -> list[str]:
    looks = [one["before"], *one["after"][-1:]]
    shown = [NOTHING if look["why"] else show_count(look["size_bytes"]) for look in looks]
    return [*shown, *[NOTHING] * (2 - len(shown)), show_count(one["differing"])]


def _places(one: Stored) -> str:
    lines = [
        f"- {in_markdown(place['at'] or 'all of it')}: {in_markdown(place['before'])}, "
        f"then {in_markdown(place['after'])}"
        for place in one["differences"]
    ]
    more = one["differing"] - len(lines)
    return "\n".join(
        [f"{in_markdown(one['document'])}:\n", *lines, *([f"- and {more:,} more"] if more else [])]
    )
