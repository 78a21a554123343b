"""The handlers of /leases."""

from __future__ import annotations

from typing import Any

import trio

from battlectl.lab.admin.documents import answer, lease_document
from battlectl.lab.admin.errors import LEASE_UNKNOWN, ApiError, bad_request
from battlectl.lab.admin.leases import Lease
from battlectl.lab.admin.reading import read_fields, read_object, read_value
from battlectl.lab.admin.state import Admin, check_ttl
from battlectl.lab.net.wire import Request, Response

FIELDS: dict[str, type] = {"ttl_ms": int, "holder": str}


async def list_leases(admin: Admin, request: Request) -> Response:
    """GET /leases: those in force."""
    return answer(200, [_document(admin, lease) for lease in admin.leases.by_id.values()])


async def grant_lease(admin: Admin, request: Request) -> Response:
    """POST /leases."""
    fields = _read(request)
    if "ttl_ms" not in fields:
        raise bad_request("missing required field: ttl_ms")
    lease = admin.leases.grant(check_ttl(fields["ttl_ms"]), fields.get("holder", ""))
    return answer(201, _document(admin, lease))


async def show_lease(admin: Admin, request: Request, id_: str) -> Response:
    """GET /leases/{id}."""
    return answer(200, _document(admin, _find(admin, id_)))


async def renew_lease(admin: Admin, request: Request, id_: str) -> Response:
    """PUT /leases/{id}: the heartbeat; a body may change the time to live."""
    lease = _find(admin, id_)
    fields = _read(request) if request.body.strip() else {}
    admin.leases.renew(lease, check_ttl(fields.get("ttl_ms", lease.ttl_ms)))
    return answer(200, _document(admin, lease))


async def end_lease(admin: Admin, request: Request, id_: str) -> Response:
    """DELETE /leases/{id}: everything it holds is healed when this answers."""
    await admin.end_lease(_find(admin, id_))
    return Response(204)


def _find(admin: Admin, id_: str) -> Lease:
    lease = admin.leases.by_id.get(id_)
    if lease is None:
        raise ApiError(*LEASE_UNKNOWN)
    return lease


def _read(request: Request) -> dict[str, Any]:
    return read_fields(read_object(read_value(request.body), "a lease"), FIELDS)


def _document(admin: Admin, lease: Lease) -> dict[str, Any]:
    return lease_document(lease, admin.leases, admin.table, trio.current_time())
