"""Defects of failover: whom the gateway asks next, and when."""

from __future__ import annotations

from typing import Any

import msgspec

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.judgement import Accepted, Complaint
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.net.upstream import Reply


def _look_at_the_status_only(gateway: Gateway) -> None:
    sound = gateway.seams.judge

    def judge(reply: Reply, ids: list[Any], is_batch: bool) -> Accepted | Complaint:
        verdict = sound(reply, ids, is_batch)
        if reply.status != 200 or isinstance(verdict, Accepted) or verdict.blame == "provider":
            return verdict
        value = msgspec.json.decode(reply.body)
        return Accepted(value if isinstance(value, list) else [value])

    gateway.seams.judge = judge


DEFECTS = (
    Defect(
        name="failover-by-http-status",
        area="failover",
        summary="a rate limit or server error inside a 200 reaches the client: nobody else is asked",
        when="while a provider answers 200 with a JSON-RPC error such as -32005 or -32603",
        finding="availability",
        plant=_look_at_the_status_only,
    ),
)
