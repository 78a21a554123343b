"""Which provider keeps a filter: its id means something there and nowhere else.

Rule: a filter is asked after where it was made. When that provider is gone the others say that they know no
such filter, which is the truth. The newest MOST_FILTERS are remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from battlectl.lab.rpc.envelope import Call

MOST_FILTERS = 10_000
MAKING = frozenset({"eth_newFilter", "eth_newBlockFilter", "eth_newPendingTransactionFilter"})
ASKING = frozenset({"eth_getFilterChanges", "eth_getFilterLogs", "eth_uninstallFilter"})

Homes = OrderedDict[str, str]
"""Filter id -> provider id, the oldest first."""


def home_of(homes: Homes, calls: tuple[Call, ...]) -> str | None:
    """The provider that keeps the filter which the first of these calls to name one asks after."""
    for call in calls:
        if call.method in ASKING and isinstance(call.params, list) and call.params:
            return homes.get(str(call.params[0]))
    return None


def remember(homes: Homes, calls: tuple[Call, ...], items: list[dict[str, Any]], provider: str) -> None:
    """Take down the filters that a provider has just made; `items` are the objects of its reply."""
    makers = {repr(call.id) for call in calls if call.method in MAKING}
    for item in items if makers else ():
        if repr(item["id"]) in makers and isinstance(item.get("result"), str):
            homes[item["result"]] = provider
            if len(homes) > MOST_FILTERS:
                homes.popitem(last=False)
