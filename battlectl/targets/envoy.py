"""Envoy: addressed by its URL, told by headers, two of which its configuration has to ask for.

Rule: `x-envoy-attempt-count` counts attempts, the first included; `x-envoy-upstream-service-time`, which
comes without being asked for, is what they took, in whole milliseconds. Envoy has no name for an upstream, so
`x-upstream` is its address (%UPSTREAM_REMOTE_ADDRESS%), and becomes the id of the provider with that `url`.
"""

from __future__ import annotations

from battlectl.scenario.target import Target
from battlectl.targets.adapter import Adapter, addresses_of, refuse_words
from battlectl.transport.attribution import Attribution, Reader

PROVIDER, ATTEMPTS = "x-upstream", "x-envoy-attempt-count"
TOOK = "x-envoy-upstream-service-time"
UNSEEN = (
    "breakers: Envoy ejects hosts by its outlier detection, of which no header tells",
    "who served a call over WebSocket: Envoy passes frames on without a word",
    "an attempt that failed by name: the header says how many there were",
)


def _attribution(target: Target) -> Reader:
    return Attribution(PROVIDER, ATTEMPTS, names=addresses_of(target), upstream_ms=TOOK)


ENVOY = Adapter(
    kind="envoy",
    address=refuse_words,
    attribution=_attribution,
    unseen=lambda _target: UNSEEN,
)
