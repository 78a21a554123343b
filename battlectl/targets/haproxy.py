"""HAProxy: addressed by its URL, told by two headers that its configuration has to set.

Rule: `X-Served-By` is the name of a server (%[srv_name]), which is to be the id of the provider; `X-Retries`
are the retries (%rc), with a plus where the request went to another server in the end.
"""

from __future__ import annotations

from battlectl.scenario.target import Target
from battlectl.targets.adapter import Adapter, addresses_of, refuse_words
from battlectl.transport.attribution import Attribution, Reader

PROVIDER, RETRIES = "X-Served-By", "X-Retries"
UNSEEN = (
    "breakers: HAProxy takes servers out by its checks, of which no header tells",
    "who served a call over WebSocket: HAProxy passes frames on without a word",
    "an attempt that failed by name: the header says how many there were",
)


def _attribution(target: Target) -> Reader:
    return Attribution(PROVIDER, None, RETRIES, names=addresses_of(target))


HAPROXY = Adapter(
    kind="haproxy",
    address=refuse_words,
    attribution=_attribution,
    unseen=lambda _target: UNSEEN,
)
