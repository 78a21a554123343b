"""The part of a report about heads, chain, blocks, pairs and errors that do or do not go together."""

from __future__ import annotations

from typing import Any

from battlectl.report.figures import show_count
from battlectl.report.headline import Document
from battlectl.report.inert import in_markdown
from battlectl.report.tables import markdown_table

KINDS = {
    ("head", "back"): "went back for one client",
    ("head", "back_unwatched"): "went back, and nobody read the chain",
    ("head", "ahead"): "ahead of the chain",
    ("head", "behind"): "behind the chain for long",
    ("head", "unsettled"): "could not be settled",
    ("head", "after_reorg"): "went back by a reorg (excused)",
    ("head", "nobody_knew"): "behind while every provider was broken (excused)",
    ("chain", "wrong"): "another first block",
    ("chain", "not_noticed_yet"): "another first block just after a change (excused)",
    ("consistency", "logs"): "logs that do not agree",
    ("consistency", "receipts"): "receipts that do not agree",
    ("consistency", "block"): "two answers about one block",
    ("consistency", "withheld"): "shown and then denied",
    ("consistency", "denied"): "head shown and then denied",
    ("consistency", "mixed"): "`latest` from another view",
    ("consistency", "off_chain"): "not the chain's block",
    ("consistency", "unsettled"): "did not agree, and could not be settled",
    ("consistency", "after_reorg"): "explained by a reorg (excused)",
    ("consistency", "not_noticed_yet"): "just after a change (excused)",
    ("equality", "different"): "different answers",
    ("equality", "unsettled"): "different, and could not be settled",
    ("equality", "unwatched"): "different, and nobody read the chain",
    ("equality", "after_reorg"): "different by a reorg (excused)",
    ("equality", "not_noticed_yet"): "different just after a change (excused)",
    ("watch", "unanswered"): "questions without an answer",
    ("errors", "leak"): "gave something away",
    ("errors", "recoded"): "another code than expected",
    ("errors", "bare"): "no JSON-RPC error",
    ("errors", "alarm"): "a caller's error as a failure of the server",
}
"""(check, kind) -> words, of what has examples."""


def show_consistency(document: Document) -> str:
    """What did not go together, the first and the worst of each; nothing where nothing was found."""
    found = [row for row in document.get("consistency", ()) if (row["check"], row["kind"]) in KINDS]
    asked = _asked(document)
    if not found:
        return asked
    rows = [
        [
            in_markdown(row["check"]),
            in_markdown(row["subject"]),
            KINDS[row["check"], row["kind"]],
            show_count(row["count"]),
            _example(row["first"]),
            "the same" if row["worst"] == row["first"] else _example(row["worst"]),
        ]
        for row in found
    ]
    table = markdown_table(("check", "whose", "what", "times", "first", "worst"), rows, "lllrll")
    return "\n\n".join(part for part in (table, asked) if part)


def _asked(document: Document) -> str:
    watch = document["meta"].get("watch")
    if not watch:
        return ""
    asked, unanswered = show_count(watch["asked"]), show_count(watch["unanswered"])
    chain = in_markdown(watch["chain"])
    counts = f"{asked} calls, {unanswered} without an answer"
    route = ", ".join(f"{word} {in_markdown(value)}" for word, value in watch.get("route", {}).items())
    where = f" by {route}" if route else ""
    return f"Asked beside the load{where}: {counts}. The chain was read at: {chain}."


def _example(seen: dict[str, Any] | None) -> str:
    if seen is None:
        return "-"
    by = f", {in_markdown(seen['provider'])}" if seen["provider"] else ""
    return f"{seen['at_s']:.2f}s{by}: {in_markdown(seen['words'])}"
