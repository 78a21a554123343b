"""proxyd (Optimism's RPC proxy): addressed by its URL, told by `X-Served-By`.

Rule: as its documentation and source have it; no proxyd was at hand to be asked. The header holds
`group/backend`; a batch that several backends answered has a list of them, and is given to none.
"""

from __future__ import annotations

from battlectl.scenario.target import Target
from battlectl.targets.adapter import Adapter, refuse_words
from battlectl.transport.attribution import Attribution, Reader

UNSEEN = (
    "how many attempts a request took: no header tells it",
    "breakers: proxyd takes backends out by their error rates, and no header tells which",
    "who served a call over WebSocket: there are no headers",
)


def _attribution(_target: Target) -> Reader:
    return Attribution("X-Served-By", None, after="/")


PROXYD = Adapter(
    kind="proxyd",
    address=refuse_words,
    attribution=_attribution,
    unseen=lambda _target: UNSEEN,
)
