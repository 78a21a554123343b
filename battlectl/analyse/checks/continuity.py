"""Did every subscriber get every block, once, in order, on the right branch?

Rule: adverse is what was missing, doubled, out of order, wrong, hidden or silently dead, in the whole run,
warm-up included; what a client was honestly told is not. So is what came and answered nothing
(`observe.unasked`): a notification under another's id is somebody's block. Without anything adverse it holds
only where all of it was expected, watched and followed to the end.
"""

from __future__ import annotations

from battlectl.analyse.checks.facts import account_of
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.streams.doubts import doubts
from battlectl.analyse.streams.figures import count_of
from battlectl.analyse.streams.words import SEEN_AS, first_and_worst, tell_sighting
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe.unasked import FAULTS

ADVERSE = {
    "gaps": "missing",
    "duplicates": "doubled",
    "out_of_order": "out of order",
    "wrong_fork": "never on the chain",
    "invented": "of these invented",
    "false_links": "with false links",
    "reorgs_hidden": "reorgs hidden",
    "reorgs_partial": "reorgs told in part",
    "unremoved": "not taken back",
    "unexpected": "unexpected",
    "stalls": "stalls",
    "silent_ends": "silent ends",
    "unresumed": "ends without a resume",
    "never_opened": "streams never opened",
}


def check_continuity(evidence: Evidence) -> Finding:
    """See the rule."""
    segments = evidence.frame.all_segments
    cell = evidence.tally.streams(segments)
    blocks = cell.blocks_expected
    found = {name: count_of(cell, name) for name in ADVERSE}
    account = account_of(evidence, "continuity")
    unasked = account.tell(FAULTS)
    if any(found.values()):
        told = ", ".join(f"{number:,} {ADVERSE[name]}" for name, number in found.items() if number)
        seen = first_and_worst(cell, [kind for name in ADVERSE for kind in SEEN_AS.get(name, (name,))])
        first = f"; first: {tell_sighting(seen[0])}" if seen else ""
        also = f"; nobody asked for {unasked}" if unasked else ""
        summary = f"of {blocks:,} blocks: {told}{first}{also}"
        return Finding("check", "continuity", Verdict.FAIL, summary, samples=blocks)
    if unasked:
        return account.finding(Verdict.FAIL, f"nobody asked for {unasked}", blocks, FAULTS)
    if doubt := next(doubts(evidence, segments), None):
        return Finding("check", "continuity", Verdict.INCONCLUSIVE, doubt, samples=blocks)
    summary = f"each of {blocks:,} blocks came once and in order, to {cell.count('streams'):,} streams"
    return account.finding(Verdict.PASS, summary, blocks)
