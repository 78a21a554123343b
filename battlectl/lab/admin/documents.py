"""What the admin API answers with: the documents and their bytes.

Rule: objects look as Toxiproxy's do, in its order of fields, `"Logger":{}` included; what the lab adds comes
after that. JSON has no spaces, and <, > and & are escaped.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from battlectl.lab.admin.errors import ApiError
from battlectl.lab.admin.leases import Lease, Leases
from battlectl.lab.admin.routes import plain_text
from battlectl.lab.faults.scope import Fault
from battlectl.lab.net.wire import Response
from battlectl.lab.proxies.proxy import Proxy
from battlectl.lab.proxies.table import ProxyTable
from battlectl.lab.toxics.toxic import Toxic

Document = dict[str, Any]

_ESCAPES = str.maketrans(
    {"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"}
)


def encode(document: Any) -> bytes:
    """The bytes of a JSON document."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPES).encode()


def answer(status: int, document: Any) -> Response:
    """A success with a body."""
    return Response(status, ((b"content-type", b"application/json"),), encode(document))


def error_answer(error: ApiError) -> Response:
    """An error as Toxiproxy writes it: JSON that calls itself text."""
    return plain_text(error.status, encode({"error": error.text, "status": error.status}) + b"\n")


def proxy_document(proxy: Proxy, leases: Leases) -> Document:
    """One proxy with its toxics."""
    return {
        "name": proxy.name,
        "listen": proxy.listen,
        "upstream": proxy.upstream,
        "enabled": proxy.enabled,
        "Logger": {},
        "toxics": toxic_documents(proxy, leases),
    } | _lease_of(proxy, leases)


def toxic_documents(proxy: Proxy, leases: Leases) -> list[Document]:
    """Upstream ones, downstream ones, the lab's own; each in order of creation."""
    upstream_first = sorted(proxy.injected, key=_is_not_upstream)
    return [toxic_document(item, leases) for item in upstream_first]


def _is_not_upstream(item: Toxic | Fault) -> bool:
    return not (isinstance(item, Toxic) and item.direction == "upstream")


def toxic_document(item: Toxic | Fault, leases: Leases) -> Document:
    """One toxic, of either family."""
    document = _fault_document(item) if isinstance(item, Fault) else _bytes_document(item)
    return document | _lease_of(item, leases)


def _bytes_document(toxic: Toxic) -> Document:
    whole = toxic.toxicity.is_integer()
    return {
        "attributes": msgspec.to_builtins(toxic.attributes),
        "name": toxic.name,
        "type": toxic.kind.name,
        "stream": toxic.stream,
        "toxicity": int(toxic.toxicity) if whole else toxic.toxicity,
    }


def _fault_document(fault: Fault) -> Document:
    return {
        "attributes": msgspec.to_builtins(fault.parameters),
        "name": fault.name,
        "type": fault.kind.name,
        "stream": "downstream",
        "toxicity": 1,
        "hits": fault.hits,
    }


def _lease_of(item: Toxic | Fault | Proxy, leases: Leases) -> Document:
    lease = leases.held.get(item)
    return {} if lease is None else {"lease": lease.id}


def lease_document(lease: Lease, leases: Leases, table: ProxyTable, now: float) -> Document:
    """One lease with what it holds; a `toxic` of null is the proxy itself, disabled."""
    held: list[Document] = []
    for proxy in table.proxies.values():
        if leases.held.get(proxy) is lease:
            held.append({"proxy": proxy.name, "toxic": None})
        items = [item for item in proxy.injected if leases.held.get(item) is lease]
        held += [{"proxy": proxy.name, "toxic": item.name} for item in items]
    return {
        "id": lease.id,
        "holder": lease.holder,
        "ttl_ms": lease.ttl_ms,
        "remaining_ms": max(round((lease.deadline - now) * 1000), 0),
        "faults": held,
    }


def provider_document(proxy: Proxy) -> Document:
    """What one provider has seen, beside what it is."""
    counters, address = proxy.behind.counters, proxy.address
    scheme = "http" if proxy.behind.where else "tcp"
    return {
        "name": proxy.name,
        "kind": proxy.behind.where or "tcp",
        "url": f"{scheme}://{address}" if address else None,
        "ws_url": f"ws://{address}" if address and proxy.behind.where else None,
        "generation": counters.generation,
        "enabled": proxy.enabled,
        "up": proxy.is_listening,
        "connections": counters.connections,
        "refused_by_fault": counters.refused_by_fault,
        "open_sockets": counters.open_sockets,
        "open_websockets": counters.open_websockets,
        "requests": dict(sorted(counters.calls.items())),
        "messages_http": counters.messages_http,
        "messages_ws": counters.messages_ws,
        "faulted_messages": counters.faulted_messages,
        "faults": {fault.name: fault.hits for fault in proxy.behind.faults},
        "subscriptions": counters.subscriptions,
        "open_subscriptions": counters.open_subscriptions,
        "events": counters.events,
        "bytes_in": counters.bytes_in,
        "bytes_out": counters.bytes_out,
        "last_seen": counters.last_seen,
    }
