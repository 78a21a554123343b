"""The handlers of /proxies/{p}/toxics.

Rule: checks come in Toxiproxy's order: proxy, JSON, stream, type, name, attributes. Attributes of its own
toxics are whole numbers, changed one by one; a bad one keeps those that stand before it in the request.
"""

from __future__ import annotations

from typing import Any

import msgspec

from battlectl.lab.admin.documents import answer, toxic_document, toxic_documents
from battlectl.lab.admin.errors import INVALID_STREAM, INVALID_TYPE, TOXIC_EXISTS, ApiError
from battlectl.lab.admin.faults import change_fault, create_fault
from battlectl.lab.admin.reading import Pairs, read_fields, read_object, read_value
from battlectl.lab.admin.slips import refuse_misspelt_lease, refuse_unknown
from battlectl.lab.admin.state import LEASE_FIELDS, Admin
from battlectl.lab.faults.scope import Fault
from battlectl.lab.faults.table import KINDS
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.proxies.proxy import Proxy
from battlectl.lab.toxics.table import TOXICS
from battlectl.lab.toxics.toxic import Toxic, ToxicKind

CHANGES: dict[str, type] = {"attributes": object, "toxicity": float} | dict(LEASE_FIELDS)
FIELDS = CHANGES | {"name": str, "type": str, "stream": str}


async def list_toxics(admin: Admin, request: Request, name: str) -> Response:
    """GET /proxies/{p}/toxics."""
    return answer(200, toxic_documents(admin.proxy(name), admin.leases))


async def create_toxic(admin: Admin, request: Request, name: str) -> Response:
    """POST /proxies/{p}/toxics, for both families."""
    proxy = admin.proxy(name)
    pairs = _read_pairs(request)
    fields = read_fields(pairs, FIELDS)
    if fields.get("stream", "downstream").lower() not in ("upstream", "downstream"):
        raise ApiError(*INVALID_STREAM)
    type_ = fields.get("type", "")
    if type_ not in TOXICS and type_ not in KINDS:
        raise ApiError(*INVALID_TYPE)
    if type_ in KINDS:
        refuse_unknown(pairs, FIELDS)
    async with proxy.lock:
        if type_ in TOXICS:
            item: Toxic | Fault = _create(admin, proxy, TOXICS[type_], fields)
        else:
            item = await create_fault(admin, proxy, KINDS[type_], fields)
    return answer(200, toxic_document(item, admin.leases))


def _create(admin: Admin, proxy: Proxy, kind: ToxicKind, fields: dict[str, Any]) -> Toxic:
    stream = fields.get("stream", "downstream")
    name = fields.get("name") or f"{kind.name}_{stream}"
    if proxy.find(name) is not None:
        raise ApiError(*TOXIC_EXISTS)
    toxic = Toxic(name, kind, stream, fields.get("toxicity", 1.0), kind.attributes())
    _change_attributes(toxic, fields)
    lease = admin.lease_for(fields, f"{proxy.name}/{name}")
    proxy.add_toxic(toxic)
    admin.leases.hold(toxic, lease)
    return toxic


async def show_toxic(admin: Admin, request: Request, name: str, toxic_name: str) -> Response:
    """GET /proxies/{p}/toxics/{t}."""
    return answer(200, toxic_document(admin.toxic(admin.proxy(name), toxic_name), admin.leases))


async def update_toxic(admin: Admin, request: Request, name: str, toxic_name: str) -> Response:
    """PATCH or POST /proxies/{p}/toxics/{t}."""
    proxy = admin.proxy(name)
    admin.toxic(proxy, toxic_name)
    pairs = _read_pairs(request)
    fields = read_fields(pairs, CHANGES)
    async with proxy.lock:
        item = admin.toxic(proxy, toxic_name)
        if isinstance(item, Fault):
            refuse_unknown(pairs, FIELDS)
            item = await change_fault(admin, proxy, item, fields)
        else:
            _change(admin, proxy, item, fields)
    return answer(200, toxic_document(item, admin.leases))


def _change(admin: Admin, proxy: Proxy, toxic: Toxic, fields: dict[str, Any]) -> None:
    _change_attributes(toxic, fields)
    lease = admin.lease_for(fields, f"{proxy.name}/{toxic.name}")
    toxic.toxicity = fields.get("toxicity", toxic.toxicity)
    if lease is not None:
        admin.leases.hold(toxic, lease)
    proxy.change_toxic(toxic)


async def delete_toxic(admin: Admin, request: Request, name: str, toxic_name: str) -> Response:
    """DELETE /proxies/{p}/toxics/{t}: answers when connections that nothing can save have ended."""
    proxy = admin.proxy(name)
    async with proxy.lock:
        doomed = await admin.heal(proxy, admin.toxic(proxy, toxic_name))
    for stage in doomed:
        await stage.finished.wait()
    return Response(204)


def _read_pairs(request: Request) -> Pairs:
    """The request's object, with no slip about when it heals."""
    pairs = read_object(read_value(request.body), "a toxic")
    refuse_misspelt_lease(pairs)
    return pairs


def _change_attributes(toxic: Toxic, fields: dict[str, Any]) -> None:
    names: dict[str, type] = dict.fromkeys(msgspec.structs.asdict(toxic.attributes), int)
    value = fields.get("attributes")
    for pair in read_object(value, "the attributes").pairs:
        changes = read_fields(Pairs([pair]), names)
        toxic.attributes = msgspec.structs.replace(toxic.attributes, **changes)
