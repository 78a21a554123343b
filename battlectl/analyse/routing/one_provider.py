"""A workload that names one provider: everything goes there, whatever state it is in, and nothing elsewhere.

Rule: one request that another provider served refutes it. What nobody served is nothing for or against it.
"""

from __future__ import annotations

from battlectl.analyse.routing.case import Case, Claims
from battlectl.analyse.routing.claim import Claim

CLEARLY = 0.95


def claim_one_provider(case: Case) -> Claims:
    """See the rule."""
    assert case.expected.provider is not None, "a workload that leaves no choice names its provider"
    among = tuple(sorted({*case.providers, case.expected.provider}))
    return (Claim((case.expected.provider,), among, least=1.0, clearly_low=CLEARLY),)
