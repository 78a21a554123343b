"""Any JSON-RPC endpoint: addressed by its URL, nothing known about its inside but what its config says."""

from __future__ import annotations

from battlectl.scenario.target import Target
from battlectl.targets.adapter import Adapter, refuse_words

UNTOLD = (
    "who served a request, and in how many attempts: no reply tells unless `attribution` says where; what "
    "providers count stands in for it as far as it goes"
)


def _unseen(target: Target) -> tuple[str, ...]:
    tells = target.attribution is not None and target.attribution.tells
    return () if tells else (UNTOLD,)


GENERIC = Adapter(kind="generic", address=refuse_words, unseen=_unseen)
