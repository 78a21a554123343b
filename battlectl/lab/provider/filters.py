"""Filters: what web3 clients poll where there is no WebSocket (eth_newFilter and its kin).

Rule: a filter belongs to the node, not to a connection, and a restart forgets it. There are at most
MOST_FILTERS: the one that was not asked for longest makes room for a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from battlectl.lab.chain.chain import View
from battlectl.lab.provider.subscriptions import (
    NEW_HASHES,
    Announcements,
    Topic,
    logs_topic,
    pending_topic,
)
from battlectl.lab.rpc import params as p
from battlectl.lab.rpc.envelope import INVALID_PARAMS, SERVER_ERROR, RpcError
from battlectl.lab.rpc.log_filter import find_logs, read_filter

MOST_FILTERS = 1_000
MOST_CHANGES = 10_000


@dataclass(frozen=True, slots=True)
class Filter:
    """`query` is what eth_newFilter was given; None for filters of other things than logs."""

    announcements: Announcements
    query: dict[str, Any] | None = None


class Filters:
    """The filters of one node, by id; `ids` never gives the same twice."""

    def __init__(self, ids: Iterator[str]) -> None:
        self._ids = ids
        self._filters: dict[str, Filter] = {}

    def call(self, method: str, view: View, params: list[Any]) -> Any:
        """The result of one of METHODS, or RpcError."""
        if len(params) > 1:
            raise RpcError(INVALID_PARAMS, "too many arguments, want at most 1")
        return METHODS[method](self, view, params)

    def new_for_logs(self, view: View, params: list[Any]) -> str:
        """The block range bounds eth_getFilterLogs; changes are always those from now on."""
        query = p.mapping(p.argument(params, 0), 0)
        return self._add(view, logs_topic(read_filter(query)), query)

    def new_for_blocks(self, view: View, params: list[Any]) -> str:
        """Changes are block hashes."""
        return self._add(view, NEW_HASHES, None)

    def new_for_transactions(self, view: View, params: list[Any]) -> str:
        """Changes are transaction hashes, or whole transactions when `true` is given."""
        return self._add(view, pending_topic(p.boolean(p.argument(params, 0, False), 0)), None)

    def changes(self, view: View, params: list[Any]) -> list[Any]:
        """What is new since the last call; the oldest MOST_CHANGES of it, the rest at the next call."""
        announcements = self._find(params).announcements
        return list(islice(iter(lambda: announcements.next(view), None), MOST_CHANGES))

    def logs(self, view: View, params: list[Any]) -> list[Any]:
        """As eth_getLogs with the filter's own query."""
        query = self._find(params).query
        if query is None:
            raise RpcError(SERVER_ERROR, "filter not found")
        return find_logs(view, [query])

    def uninstall(self, view: View, params: list[Any]) -> bool:
        """Whether there was such a filter."""
        return self._filters.pop(_id(params), None) is not None

    def _add(self, view: View, topic: Topic, query: dict[str, Any] | None) -> str:
        if len(self._filters) >= MOST_FILTERS:
            self._filters.pop(next(iter(self._filters)))
        id_ = next(self._ids)
        self._filters[id_] = Filter(Announcements(topic, view), query)
        return id_

    def _find(self, params: list[Any]) -> Filter:
        id_ = _id(params)
        if id_ not in self._filters:
            raise RpcError(SERVER_ERROR, "filter not found")
        self._filters[id_] = self._filters.pop(id_)  # to the end: asked for last
        return self._filters[id_]


def _id(params: list[Any]) -> str:
    value = p.argument(params, 0)
    if not isinstance(value, str):
        raise p.bad(0, "a filter's id is a string")
    return value


METHODS: dict[str, Callable[[Filters, View, list[Any]], Any]] = {
    "eth_newFilter": Filters.new_for_logs,
    "eth_newBlockFilter": Filters.new_for_blocks,
    "eth_newPendingTransactionFilter": Filters.new_for_transactions,
    "eth_getFilterChanges": Filters.changes,
    "eth_getFilterLogs": Filters.logs,
    "eth_uninstallFilter": Filters.uninstall,
}
