"""What catches the defects of subscriptions.

Rule: whatever is planted here, continuity is to be what fails.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.matrix.trial import Trial

CONTINUITY = ("checks.continuity=fail",)
FAILOVER = Trial("subscription-failover", CONTINUITY)
STALL = Trial("subscription-silent-stall", CONTINUITY)
CHURN = Trial("subscription-churn", CONTINUITY)
REORG = Trial("subscription-reorg-of-all")

TRIALS: Mapping[str, Trial] = {
    "gap-not-filled": FAILOVER,
    "duplicates-after-resume": FAILOVER,
    "silent-after-failover": FAILOVER,
    "cut-without-close": FAILOVER,
    "new-subscription-id": FAILOVER,
    "events-to-another-client": FAILOVER,
    "backfill-out-of-order": STALL,
    "stall-not-noticed": STALL,
    "logs-from-one-witness": Trial("incidents/lasso-11-inconsistent-logs", CONTINUITY),
    "subscribe-refused-after-failover": CHURN,
    "subscriptions-never-released": CHURN,
    "reorg-not-announced": REORG,
    "reorg-announced-as-before": REORG,
    "removed-logs-lost": REORG,
    "slow-reader-blocks-others": Trial("subscription-slow-reader"),
    "stream-loses-blocks": Trial("subscription-failover", CONTINUITY, (("block_time", "200ms"),)),
}
