"""The handlers of /proxies, /populate and /reset.

Rule: checks come in Toxiproxy's order, and the lab's own (addresses beyond loopback, an upstream that cannot
be) where Toxiproxy would begin to act. Toxics and faults stay over every update of a proxy.
"""

from __future__ import annotations

from typing import Any

from battlectl.lab.admin.documents import answer, encode, proxy_document
from battlectl.lab.admin.errors import (
    LEASE_NEEDS_HARM,
    PROXY_EXISTS,
    ApiError,
    bad_body,
    bad_request,
    cannot_listen,
    missing_field,
)
from battlectl.lab.admin.faults import check_place, move_faults
from battlectl.lab.admin.reading import Value, read_fields, read_object, read_value, type_name
from battlectl.lab.admin.slips import refuse_misspelt_lease
from battlectl.lab.admin.state import LEASE_FIELDS, Admin, start
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.proxies.addresses import BadAddress, BeyondLoopback
from battlectl.lab.proxies.proxy import CannotListen, Proxy
from battlectl.lab.proxies.table import NoSuchUpstream, is_same_listen
from battlectl.lab.toxics.stage import Stage

FIELDS: dict[str, type] = {"name": str, "listen": str, "upstream": str, "enabled": bool}
CHANGES = FIELDS | LEASE_FIELDS


async def list_proxies(admin: Admin, request: Request) -> Response:
    """GET /proxies: all, sorted by name."""
    ordered = sorted(admin.table.proxies.items(), key=lambda item: item[0].encode())
    return answer(200, {name: proxy_document(proxy, admin.leases) for name, proxy in ordered})


async def create_proxy(admin: Admin, request: Request) -> Response:
    """POST /proxies."""
    fields = read_fields(read_object(read_value(request.body), "a proxy"), FIELDS)
    for name in ("name", "upstream"):
        if not fields.get(name):
            raise missing_field(name)
    _check_addresses(admin, fields)
    async with admin.table.lock:
        if fields["name"] in admin.table.proxies:
            raise ApiError(*PROXY_EXISTS)
        proxy = await _put(admin, fields)
    return answer(201, proxy_document(proxy, admin.leases))


async def show_proxy(admin: Admin, request: Request, name: str) -> Response:
    """GET /proxies/{p}."""
    return answer(200, proxy_document(admin.proxy(name), admin.leases))


async def delete_proxy(admin: Admin, request: Request, name: str) -> Response:
    """DELETE /proxies/{p}: its faults are healed, and its address is free."""
    async with admin.table.lock:
        proxy = admin.proxy(name)
        proxy.stop()
        async with proxy.lock:
            admin.forget(proxy)
            await admin.table.remove(proxy)
    return Response(204)


async def update_proxy(admin: Admin, request: Request, name: str) -> Response:
    """PATCH or POST /proxies/{p}: what is not given stays."""
    proxy = admin.proxy(name)
    pairs = read_object(read_value(request.body), "a proxy")
    refuse_misspelt_lease(pairs)
    fields = read_fields(pairs, CHANGES)
    async with proxy.lock:
        lease = None
        if not LEASE_FIELDS.keys().isdisjoint(fields):
            if fields.get("enabled", True):
                raise ApiError(*LEASE_NEEDS_HARM)
            lease = admin.lease_for(fields, f"{name} disabled")
        await _change(admin, proxy, fields)
        if proxy.enabled or "enabled" in fields:
            admin.leases.hold(proxy, None if proxy.enabled else lease)
    return answer(200, proxy_document(proxy, admin.leases))


async def _change(admin: Admin, proxy: Proxy, fields: dict[str, Any]) -> None:
    listen, upstream = fields.get("listen", proxy.listen), fields.get("upstream", proxy.upstream)
    enabled = fields.get("enabled", proxy.enabled)
    _check_addresses(admin, fields, proxy)
    if not _is_same(proxy, listen, upstream):
        await _replace(admin, proxy, listen, upstream)
    if enabled:
        start(proxy)
    else:
        proxy.stop()


async def _replace(admin: Admin, proxy: Proxy, listen: str, upstream: str) -> None:
    """Stop it, and give it another port or another upstream."""
    behind = None
    if upstream != proxy.upstream:
        behind = _behind_for(admin, proxy.name, upstream)
        for fault in proxy.behind.faults:
            check_place(fault.kind, behind)
    proxy.stop()
    proxy.listen = listen
    if behind is not None:
        faults = list(proxy.behind.faults)
        await proxy.change_behind(upstream, behind)
        await move_faults(admin, proxy, faults)


async def populate(admin: Admin, request: Request) -> Response:
    """POST /populate: an array of proxies, made or replaced where they differ."""
    done: list[Proxy] = []
    try:
        entries = _read_entries(admin, read_value(request.body))
        async with admin.table.lock:
            for fields in entries:
                done.append(await _populate_one(admin, fields))
    except ApiError as error:
        body = {"error": error.text, "status": error.status, "proxies": _documents(admin, done)}
        return Response(error.status, ((b"content-type", b"application/json"),), encode(body))
    return answer(201, {"proxies": _documents(admin, done)})


def _read_entries(admin: Admin, value: Value) -> list[dict[str, Any]]:
    if value is not None and not isinstance(value, list):
        raise bad_body(f"an array of proxies is wanted, not {type_name(value)}")
    entries = [read_fields(read_object(item, "a proxy"), FIELDS) for item in value or []]
    for number, fields in enumerate(entries, 1):
        for name in ("name", "upstream"):
            if not fields.get(name):
                raise ApiError(400, f"{missing_field(name).text} at proxy {number}")
        _check_addresses(admin, fields, admin.table.proxies.get(fields["name"]))
    return entries


async def _populate_one(admin: Admin, fields: dict[str, Any]) -> Proxy:
    known = admin.table.proxies.get(fields["name"])
    if known is None:
        return await _put(admin, fields)
    async with known.lock:
        if _is_same(known, fields.get("listen", ""), fields["upstream"]):
            return known
        proxy = await _put(admin, fields)
        admin.forget(known)
        return proxy


def _documents(admin: Admin, proxies: list[Proxy]) -> list[dict[str, Any]] | None:
    return [proxy_document(proxy, admin.leases) for proxy in proxies] or None


async def reset(admin: Admin, request: Request) -> Response:
    """POST /reset: everything enabled, no toxic and no fault left; what cannot be is said at the end."""
    errors: list[ApiError] = []
    doomed: list[Stage] = []
    async with admin.table.lock:
        for proxy in admin.table.proxies.values():
            async with proxy.lock:
                try:
                    start(proxy)
                except ApiError as error:
                    errors.append(error)
                    continue
                admin.leases.release(proxy)
                for item in proxy.injected:
                    doomed += await admin.heal(proxy, item)
    for stage in doomed:
        await stage.finished.wait()
    if errors:
        raise errors[0]
    return Response(204)


def _check_addresses(admin: Admin, fields: dict[str, Any], known: Proxy | None = None) -> None:
    """Only what is new: what was allowed once may stay."""
    upstream = fields.get("upstream", "")
    try:
        admin.table.check(
            fields.get("listen", ""), "" if known is not None and upstream == known.upstream else upstream
        )
    except BeyondLoopback as error:
        raise bad_request(str(error)) from None


def _is_same(proxy: Proxy, listen: str, upstream: str) -> bool:
    try:
        return is_same_listen(proxy, listen) and upstream == proxy.upstream
    except BadAddress as error:
        raise cannot_listen(str(error)) from None


def _behind_for(admin: Admin, name: str, upstream: str) -> Any:
    try:
        return admin.table.behind_for(name, upstream)
    except NoSuchUpstream as error:
        raise bad_request(str(error)) from None


async def _put(admin: Admin, fields: dict[str, Any]) -> Proxy:
    listen, enabled = fields.get("listen", ""), fields.get("enabled", True)
    try:
        return await admin.table.put(fields["name"], listen, fields["upstream"], enabled)
    except NoSuchUpstream as error:
        raise bad_request(str(error)) from None
    except CannotListen as error:
        raise cannot_listen(str(error)) from None
