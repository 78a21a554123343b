"""`revert`: an error that any other provider would give too."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from battlectl.lab.faults.kind import Kind
from battlectl.lab.faults.rpc_error import ErrorObject, RpcErrorParameters
from battlectl.lab.rpc.envelope import REVERTED

# Error(string) in ABI encoding, of "reverted by a fault"
USUAL_DATA = (
    "0x08c379a0"
    "0000000000000000000000000000000000000000000000000000000000000020"
    "0000000000000000000000000000000000000000000000000000000000000013"
    "72657665727465642062792061206661756c7400000000000000000000000000"
)


class RevertParameters(RpcErrorParameters, frozen=True, kw_only=True):
    """To an aggregator it is an answer: the provider is well."""

    methods: Annotated[tuple[str, ...], Meta(description="only requests of these; none means all")] = (
        "eth_call",
        "eth_estimateGas",
    )
    code: Annotated[int, Meta(description="of the error object; -32602 is deterministic too")] = REVERTED
    message: Annotated[str, Meta(description="of the error object")] = (
        "execution reverted: reverted by a fault"
    )
    data: Annotated[Any, Meta(description="of the error object: ABI-encoded reason; null: none")] = USUAL_DATA


KIND = Kind(
    name="revert",
    layer="json-rpc",
    what="answers calls with a revert (code 3 with data)",
    expect="reaches the client as it is; no retry, no trip of the breaker",
    parameters=RevertParameters,
    make=ErrorObject,
)
