"""What catches the defects of requests: failover, batches, ids, timeouts, errors.

Rule: a trial is a scenario in its short form; what is set besides raises a check to a failure or asks for
what the defect declared. It makes nothing easier to pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.matrix.trial import Trial

REPLIES = "checks.replies=fail"

BATCHES = Trial("batches")
ERRORS = Trial("error-normalisation")

TRIALS: Mapping[str, Trial] = {
    # failover
    "failover-by-http-status": Trial("incidents/walletconnect-2023-rate-limit-in-200"),
    "body-not-read": Trial("incidents/walletconnect-2023-wrong-content-type"),
    "timeouts-not-retried": Trial("incidents/erpc-1130-hang"),
    "refusals-not-retried": Trial("provider-failover"),
    "retries-same-provider": Trial(
        "provider-failover", ("objectives.0=success_rate == 100% in during:kill-provider_a",)
    ),
    "gives-up-after-one": Trial("provider-failover"),
    "reverts-fail-over": Trial("deterministic-errors"),
    "sent-transaction-reported-failed": Trial("writes", ("objectives.1=outcomes(raw).rpc_error == 0",)),
    "writes-repeated": Trial("writes"),
    "retry-storm": Trial("incidents/maxx-833-amplification"),
    "failover-waits": Trial("provider-failover", ("objectives.2=failover_latency.max < 1500ms",)),
    "retry-after-ignored": Trial("rate-limit-storm"),
    # batches
    "batch-items-lost": Trial("incidents/viem-3680-rate-limit-in-batch"),
    "batch-items-doubled": Trial("incidents/viem-3680-rate-limit-in-batch"),
    "batch-ids-mixed": Trial("incidents/viem-3680-rate-limit-in-batch"),
    "batch-matched-by-position": BATCHES,
    "batch-fails-whole": BATCHES,
    "batch-part-passed-on": BATCHES,
    # ids
    "string-ids-become-numbers": BATCHES,
    "replies-sent-twice": Trial("subscription-mixed", (REPLIES,)),
    # chain
    "reorg-bans-everybody": Trial("incidents/proxyd-reorg-bans-all"),
    # timeouts
    "no-deadline-for-bodies": Trial("slow-bodies"),
    "deadline-beyond-clients": Trial("incidents/erpc-1130-hang", ("load.reads.timeout=5s",)),
    "hangs-when-all-are-dead": Trial("total-outage"),
    # errors
    "errors-as-html": ERRORS,
    "errors-as-500": ERRORS,
    "error-shape-varies": ERRORS,
    "error-code-changed": ERRORS,
    "provider-error-lost": Trial("provider-errors"),
    "upstream-address-in-errors": ERRORS,
    "error-without-id": ERRORS,
}
