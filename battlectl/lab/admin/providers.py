"""The handlers of /providers: what each proxy has seen, the provider's side of the evidence."""

from __future__ import annotations

from battlectl.lab.admin.documents import answer, provider_document
from battlectl.lab.admin.state import Admin
from battlectl.lab.net.wire import Request, Response


async def list_providers(admin: Admin, request: Request) -> Response:
    """GET /providers: all by name, in order of creation."""
    return answer(200, {name: provider_document(proxy) for name, proxy in admin.table.proxies.items()})


async def show_provider(admin: Admin, request: Request, name: str) -> Response:
    """GET /providers/{p}."""
    return answer(200, provider_document(admin.proxy(name)))
