"""Which handler a path and a method mean, and what the router itself answers.

Rule: the path is decoded first, so an encoded slash is a slash; one that is not clean is redirected to its
clean self; an unknown path is 404 before a wrong method is 405, and both before anything else is looked at.
"""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from battlectl.lab.net.wire import Request, Response

Handle = Callable[..., Awaitable[Response]]
"""Called with the admin, the request and the names in the path."""


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` is a path whose parts in braces are names; `handlers` is by method."""

    pattern: str
    handlers: Mapping[str, Handle]


@dataclass(frozen=True, slots=True)
class Found:
    """A handler and the names to call it with."""

    handle: Handle
    names: tuple[str, ...]


def find_handler(routes: tuple[Route, ...], request: Request) -> Found | Response:
    """What to call, or the router's own answer."""
    target, _, query = request.target.partition("?")
    path = unquote(target)
    clean = clean_path(path)
    if clean != path:
        location = quote(clean, safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")
        return Response(301, ((b"location", location.encode()),))
    for route in routes:
        names = _match(route.pattern, path)
        if names is not None:
            handle = route.handlers.get(request.method)
            return Response(405) if handle is None else Found(handle, names)
    return plain_text(404, b"404 page not found\n")


def plain_text(status: int, body: bytes) -> Response:
    """A refusal that is no JSON."""
    headers = (
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"x-content-type-options", b"nosniff"),
    )
    return Response(status, headers, body)


def clean_path(path: str) -> str:
    """Without doubled slashes and dots; a slash at the end stays."""
    clean = posixpath.normpath("/" + path).replace("//", "/")
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def _match(pattern: str, path: str) -> tuple[str, ...] | None:
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    names = []
    for want, give in zip(wanted, given, strict=True):
        if want.startswith("{") and give:
            names.append(give)
        elif want != give:
            return None
    return tuple(names)
