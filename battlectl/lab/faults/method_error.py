"""`method_error`: an error object for some methods only; the others, health checks among them, work."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.kind import Kind
from battlectl.lab.faults.rpc_error import ErrorObject, RpcErrorParameters


class MethodErrorParameters(RpcErrorParameters, frozen=True, kw_only=True):
    """As of `rpc_error`, with methods that must be named."""

    methods: Annotated[tuple[str, ...], Meta(min_length=1, description="the methods that fail: at least one")]


KIND = Kind(
    name="method_error",
    layer="json-rpc",
    what="answers some methods with an error object",
    expect="failover for these methods; health checks do not mask it",
    parameters=MethodErrorParameters,
    make=ErrorObject,
)
