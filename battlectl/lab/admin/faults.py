"""The lab's own toxics: faults that understand JSON-RPC, under the resources of Toxiproxy's.

Rule: a type that Toxiproxy has is Toxiproxy's. A fault has the whole connection, so no stream, and a
`probability` in place of toxicity. Changing one heals it and begins another of the same name.
"""

from __future__ import annotations

from typing import Any

import msgspec

from battlectl.lab.admin.errors import (
    LEASE_NOT_FOUND,
    NO_TOXICITY,
    TOXIC_EXISTS,
    ApiError,
    bad_request,
    node_is_silent,
)
from battlectl.lab.admin.leases import Lease
from battlectl.lab.admin.reading import plain, read_object
from battlectl.lab.admin.state import Admin
from battlectl.lab.faults.kind import BadAttributes, Kind, Parameters, read_parameters
from battlectl.lab.faults.scope import Fault, make_fault
from battlectl.lab.provider.backend import Unreachable
from battlectl.lab.proxies.behind import Behind
from battlectl.lab.proxies.proxy import Proxy

PLACES = {"node": "a simulated node", "relay": "a relay", None: "a plain TCP proxy"}


async def create_fault(admin: Admin, proxy: Proxy, kind: Kind, fields: dict[str, Any]) -> Fault:
    """Read it, begin it, and hold it by its lease; `proxy.lock` must be held."""
    check_place(kind, proxy.behind)
    name = fields.get("name") or kind.name
    if proxy.find(name) is not None:
        raise ApiError(*TOXIC_EXISTS)
    _check_toxicity(fields)
    parameters = _read(kind, _attributes(fields))
    lease = admin.lease_for(fields, f"{proxy.name}/{name}")
    return await _begin(admin, proxy, make_fault(name, kind, parameters, proxy.last_connection), lease)


async def change_fault(admin: Admin, proxy: Proxy, fault: Fault, fields: dict[str, Any]) -> Fault:
    """The same with some attributes replaced; `proxy.lock` must be held."""
    _check_toxicity(fields)
    parameters = _read(fault.kind, msgspec.to_builtins(fault.parameters) | _attributes(fields))
    lease = admin.lease_for(fields, f"{proxy.name}/{fault.name}") or admin.leases.held.get(fault)
    changed = make_fault(fault.name, fault.kind, parameters, proxy.last_connection)
    await admin.heal(proxy, fault)
    return await _begin(admin, proxy, changed, lease)


async def move_faults(admin: Admin, proxy: Proxy, faults: list[Fault]) -> None:
    """Begin faults anew, with their leases, when something else stands behind their proxy."""
    for fault in faults:
        lease = admin.leases.held.get(fault)
        admin.leases.release(fault)
        moved = make_fault(fault.name, fault.kind, fault.parameters, proxy.last_connection)
        await _begin(admin, proxy, moved, lease)


def check_place(kind: Kind, behind: Behind) -> None:
    """ApiError 400 where such a fault cannot be."""
    if behind.where not in kind.where:
        works = " or ".join(PLACES[place] for place in sorted(kind.where))
        raise bad_request(f"{kind.name} works on {works}, and this is {PLACES[behind.where]}")


async def _begin(admin: Admin, proxy: Proxy, fault: Fault, lease: Lease | None) -> Fault:
    try:
        await proxy.behind.add_fault(fault)
        if lease is not None and lease.id not in admin.leases.by_id and not lease.is_for_one:
            await proxy.behind.remove_fault(fault)
            raise ApiError(*LEASE_NOT_FOUND)
    except BaseException as error:
        if lease is not None and lease.is_for_one:
            admin.leases.drop(lease)
        if isinstance(error, Unreachable):
            raise node_is_silent() from None
        raise
    admin.leases.hold(fault, lease)
    return fault


def _read(kind: Kind, attributes: dict[str, Any]) -> Parameters:
    try:
        return read_parameters(kind, attributes)
    except BadAttributes as error:
        raise ApiError(400, str(error)) from None


def _attributes(fields: dict[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = plain(read_object(fields.get("attributes"), "the attributes"))
    return attributes


def _check_toxicity(fields: dict[str, Any]) -> None:
    if fields.get("toxicity", 1) != 1:
        raise ApiError(*NO_TOXICITY)
