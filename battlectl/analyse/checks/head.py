"""Did the head that a client was told ever go back, stay behind the chain, or run ahead of it?

Rule: over the whole run, warm-up included, and over everybody who was told heads: each workload is one
client, and so are the questions beside the load. What a reorg explains is not adverse; what nobody could
settle proves nothing. Where the chain was to be read, most heads must have been compared with it.
"""

from __future__ import annotations

from battlectl.analyse.checks.facts import LEAST_SHARE, Account, account_of
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe.heads_told import CHECK

ADVERSE = {
    "back": "went back for one client",
    "ahead": "ran ahead of the chain",
    "behind": "stayed behind the chain",
}
EXCUSED = {
    "after_reorg": "after a reorg",
    "settled": "shortly before the chain was there",
    "nobody_knew": "behind while every provider was broken",
}


def check_head(evidence: Evidence) -> Finding:
    """See the rule."""
    account = account_of(evidence, CHECK)
    replies = account.number("replies")
    if not replies:
        return account.finding(Verdict.INCONCLUSIVE, "no head was told", 0)
    if adverse := _adverse(evidence, account):
        told = account.tell(adverse)
        return account.finding(Verdict.FAIL, f"of {replies:,} heads, {told}", replies, tuple(adverse))
    if unsettled := account.number("unsettled", "back_unwatched"):
        why = "the chain was not read around them"
        summary = f"{unsettled:,} of {replies:,} heads looked wrong and nobody can tell: {why}"
        return account.finding(Verdict.INCONCLUSIVE, summary, replies, ("unsettled", "back_unwatched"))
    excused = account.tell(EXCUSED)
    also = f"; {excused}: not held against it" if excused else ""
    is_watched, compared = account.number("watched") > 0, account.number("compared")
    if is_watched and compared < LEAST_SHARE * replies:
        summary = f"only {compared:,} of {replies:,} heads could be compared with the chain: it was not read"
        return account.finding(Verdict.INCONCLUSIVE, summary, replies)
    watched = "" if is_watched else " (nobody compared them with the chain)"
    summary = f"each of {replies:,} heads was no lower than those told before{watched}{also}"
    return account.finding(Verdict.PASS, summary, replies)


def _adverse(evidence: Evidence, account: Account) -> dict[str, str]:
    """What counts: where nobody asked for proof, a step back that nobody watched is told as what it is."""
    found = {kind: words for kind, words in ADVERSE.items() if account.number(kind)}
    is_note = evidence.frame.checks.get(CHECK, "note") == "note"
    if is_note and account.number("back_unwatched"):
        found["back_unwatched"] = "went back (nobody looked whether the chain did)"
    return found
