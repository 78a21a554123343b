"""eth_getLogs: which logs of which blocks.

Rule: an address list matches any of its members; a topic position matches null, one value, or any of a
list; positions beyond the filter are free, positions beyond the log never match. Blocks past the head
are no error, they are empty; a range of more than RANGE_LIMIT blocks is -32602.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from battlectl.lab.chain.chain import View, find_block
from battlectl.lab.chain.documents import Document, logs_of_block
from battlectl.lab.rpc import params as p
from battlectl.lab.rpc.envelope import INVALID_PARAMS, SERVER_ERROR, RpcError

RANGE_LIMIT = 1_000
MOST_TOPICS = 4

Topics = tuple[frozenset[str] | None, ...]


@dataclass(frozen=True, slots=True)
class LogFilter:
    """`addresses` None means any; a None among `topics` means anything in that position."""

    addresses: frozenset[str] | None
    topics: Topics


def find_logs(view: View, params: list[Any]) -> list[Document]:
    """The result of eth_getLogs, in the order of the chain; RpcError for a bad filter or an unknown block."""
    query = p.mapping(p.argument(params, 0), 0)
    wanted = read_filter(query)
    return [
        log
        for number in _blocks(view, query)
        for log in logs_of_block(view.chain, number)
        if matches(wanted, log)
    ]


def read_filter(query: dict[str, Any]) -> LogFilter:
    """The filter in an eth_getLogs or eth_subscribe object; its block range is read elsewhere."""
    listed = query.get("address")
    addresses = [listed] if isinstance(listed, str) else listed
    topics = query.get("topics") or []
    if not isinstance(addresses, list | None) or not isinstance(topics, list) or len(topics) > MOST_TOPICS:
        raise p.bad(0, f"address is one or a list, topics is a list of at most {MOST_TOPICS}")
    known = frozenset(p.address(item, 0) for item in addresses) if addresses else None
    return LogFilter(known, tuple(_topic(item) for item in topics))


def matches(wanted: LogFilter, log: Document) -> bool:
    """Whether a log passes; `log` is a document, so its address and topics are in lower case."""
    if wanted.addresses is not None and log["address"] not in wanted.addresses:
        return False
    found: list[str] = log["topics"]
    return len(found) >= len(wanted.topics) and all(
        choice is None or topic in choice for choice, topic in zip(wanted.topics, found, strict=False)
    )


def _topic(value: Any) -> frozenset[str] | None:
    if value is None or value == []:
        return None
    choices = value if isinstance(value, list) else [value]
    if None in choices:
        return None
    return frozenset(p.hash32(choice, 0) for choice in choices)


def _blocks(view: View, query: dict[str, Any]) -> range:
    if query.get("blockHash") is not None:
        return _one_block(view, query)
    first = p.block_number(view, query.get("fromBlock") or "latest", 0)
    last = p.block_number(view, query.get("toBlock") or "latest", 0)
    if first > last:
        raise RpcError(INVALID_PARAMS, "invalid block range: fromBlock is after toBlock")
    if last - first >= RANGE_LIMIT:
        raise RpcError(
            INVALID_PARAMS, f"block range too large: ask for at most {RANGE_LIMIT} blocks at a time"
        )
    return range(first, min(last, view.head) + 1)


def _one_block(view: View, query: dict[str, Any]) -> range:
    if query.get("fromBlock") is not None or query.get("toBlock") is not None:
        raise RpcError(INVALID_PARAMS, "blockHash excludes fromBlock and toBlock")
    number = find_block(view, p.hash32(query["blockHash"], 0))
    if number is None:
        raise RpcError(SERVER_ERROR, "unknown block")
    return range(number, number + 1)
