"""The report shows what did not go together, with its first and worst, and what was asked beside the load."""

from battlectl.analyse.evidence import Evidence
from battlectl.observe.consistency import Book, Seen
from battlectl.report.document_consistency import consistency_json
from battlectl.report.markdown_consistency import show_consistency
from tests.analyse.histories import evidence_of

WATCH = {"rate_per_s": 1.0, "asked": 1234, "unanswered": 2, "chain": "provider_c, asked itself"}


def seen_of(*facts: tuple[float, str, str, str, float]) -> Evidence:
    evidence = evidence_of("10*ok@6", objectives=["success_rate >= 99%"])
    book = Book(evidence.frame.cuts)
    for t, check, kind, provider, size in facts:
        book.add(t, check, kind, "reads", Seen(t, provider, size, f"<b> at {t}"))
    evidence.tally.facts.update(book.take())
    return evidence


def test_the_first_and_the_worst_are_shown_with_their_providers():
    evidence = seen_of((6.0, "head", "back", "provider_a", 1), (7.0, "head", "back", "provider_b", 5))
    rows = consistency_json(evidence)
    assert [(row["check"], row["kind"], row["count"]) for row in rows] == [("head", "back", 2)]
    assert (rows[0]["first"]["at_s"], rows[0]["worst"]["provider"]) == (6.0, "provider_b")
    text = show_consistency({"consistency": rows, "meta": {"watch": WATCH}})
    assert "went back for one client" in text
    assert "7.00s, provider" in text
    assert "<b>" not in text
    assert "1,234 calls, 2 without an answer" in text


def test_where_the_questions_went_is_told_where_the_scenario_says_so():
    told = show_consistency(
        {"consistency": [], "meta": {"watch": {**WATCH, "route": {"strategy": "fast|est"}}}}
    )
    assert "Asked beside the load by strategy fast\\|est: 1,234 calls" in told


def test_where_nothing_was_found_and_nobody_asked_there_is_no_section():
    assert show_consistency({"consistency": [], "meta": {}}) == ""
    assert show_consistency({"meta": {}}) == ""
    quiet = consistency_json(seen_of((6.0, "head", "replies", "", 0)))
    assert show_consistency({"consistency": quiet, "meta": {}}) == ""
