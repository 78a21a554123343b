"""One HTTP exchange by httpx, bounded in size, that leaves nothing half-read behind.

Rule: whatever ends it (a deadline, a broken pipe, an answer that is too long), no generator of httpx is left
in the middle: trio would have to clean it up later, and says so. A body is what came: one that is encoded
although nobody asked for that is not decoded (a failing decoder is such an end, a bomb another).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import trio


class _Content(httpx.AsyncByteStream):
    """A body that is no generator: one that a failed write left in the middle needs no end."""

    def __init__(self, data: bytes) -> None:
        self._parts = [data] if data else []

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._parts:
            raise StopAsyncIteration
        return self._parts.pop()


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What came back; `body` is None when it was longer than allowed."""

    status: int
    content_type: str
    body: bytes | None


async def exchange(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    content: bytes | None,
    most: int,
    *,
    headers: Mapping[str, str] | None = None,
    extensions: dict[str, Any] | None = None,
) -> Exchanged:
    """Send and read the whole answer, of at most `most` bytes; raises what httpx raises."""
    request = client.build_request(method, url, content=content, headers=headers, extensions=extensions)
    request.stream = _Content(content or b"")
    response = await client.send(request, stream=True)
    try:
        body = await _read(response, most)
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await response.aclose()
    return Exchanged(response.status_code, response.headers.get("content-type", ""), body)


async def _read(response: httpx.Response, most: int) -> bytes | None:
    parts, size = [], 0
    with trio.CancelScope() as reading:
        async for part in response.aiter_raw():
            parts.append(part)
            size += len(part)
            if size > most:
                reading.cancel()  # Ends the generators from within, where leaving the loop would not.
    return None if size > most else b"".join(parts)
