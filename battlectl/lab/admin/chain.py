"""The handlers of /chain: the chain that all simulated nodes of a lab share, past all of their faults."""

from __future__ import annotations

from battlectl.lab.admin.documents import answer
from battlectl.lab.admin.errors import NO_CHAIN, ApiError, bad_request
from battlectl.lab.admin.reading import read_fields, read_object, read_value
from battlectl.lab.admin.state import Admin
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.provider.node import SimulatedNode

DEPTHS = range(1, 10_001)


async def ask_chain(admin: Admin, request: Request) -> Response:
    """POST /chain/rpc: JSON-RPC about the chain as it is, whatever the nodes show of it."""
    if admin.chain is None:
        raise ApiError(*NO_CHAIN)
    return await SimulatedNode(admin.chain, "chain").respond(request, request.body, lambda view: view)


async def reorg_chain(admin: Admin, request: Request) -> Response:
    """POST /chain/reorg: the newest `depth` blocks are replaced at all simulated nodes, for good."""
    if admin.chain is None:
        raise ApiError(*NO_CHAIN)
    fields = read_fields(read_object(read_value(request.body), "a reorg"), {"depth": int})
    if "depth" not in fields:
        raise bad_request("missing required field: depth")
    if fields["depth"] not in DEPTHS:
        raise bad_request(f"depth is {fields['depth']} and not {DEPTHS[0]} to {DEPTHS[-1]}")
    replaced = admin.chain.reorg(fields["depth"])
    return answer(200, {"start": replaced.start, "head": replaced.stop - 1, "depth": len(replaced)})
