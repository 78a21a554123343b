"""Where a workload's requests and connections go."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from battlectl.scenario.fields import Strict


class HttpRoute(Strict):
    """Where the requests go: `path` is appended to nothing, it replaces the path of the target's URL."""

    path: Annotated[str, Field(pattern=r"^/[!-~]*$")] | None = None
    headers: dict[str, str] = Field(default_factory=dict)


class WsRoute(Strict):
    """Where WebSockets go: `path` replaces that of the target's `ws_url`; the headers are the handshake's."""

    path: Annotated[str, Field(pattern=r"^/[!-~]*$")] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
