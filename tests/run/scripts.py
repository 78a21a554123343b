"""Scripts for the target, and scenarios of one workload."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from battlectl.observe import outcome
from battlectl.run.battle import LEAD
from battlectl.transport.base import Exchange, NoReply, Reply
from battlectl.transport.scripted import Script, reply_json, reply_ok
from tests.battle import Fought, fight_scripted

NEVER = (math.inf, NoReply(outcome.TIMEOUT, "never"))
REFUSED = (0.0001, NoReply(outcome.REFUSED, "nobody listens"))


def after(latency: float) -> Script:
    """Every answer is right and takes this long, in seconds."""
    return lambda exchange, _: (latency, reply_ok(exchange))


def error(exchange: Exchange, code: int = -32000, status: int = 200) -> Reply:
    """An error object."""
    id_ = msgspec.json.decode(exchange.body)["id"]
    return reply_json({"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": "no"}}, status)


def sent_at(exchange: Exchange) -> float:
    """When an exchange was sent, in seconds from the start of the run."""
    return exchange.taken - LEAD


def fight(script: Script, rate: Any = "10/s", seconds: float = 10, **fields: Any) -> Fought:
    """Fight with one workload; what is not a field of the scenario goes to the workload."""
    own = ("objectives", "safety", "checks", "generator", "phases", "seed")
    scenario = {name: fields.pop(name) for name in own if name in fields}
    told = ("stop_at", "on_line", "feeds", "head", "attributed")
    staged = {name: fields.pop(name) for name in told if name in fields}
    load = {"reads": {"rate": rate, "calls": ["eth_blockNumber"], **fields}}
    return fight_scripted({"phases": {"steady": f"{seconds}s"}, "load": load, **scenario}, script, **staged)


def outcomes(fought: Fought) -> dict[str, int]:
    """All outcomes of the whole run."""
    return dict(fought.evidence.tally.cell(fought.evidence.frame.all_segments).outcomes)


def latency(fought: Fought):
    """The sketch of latency over the whole run."""
    return fought.evidence.tally.cell(fought.evidence.frame.all_segments).latency


def flow(fought: Fought):
    """The parts of latency over the whole run."""
    return fought.evidence.tally.flow(fought.evidence.frame.all_segments)


def bodies(fought: Fought, workload: str = "reads") -> list[Any]:
    """What was sent, as a server reads it."""
    return [msgspec.json.decode(body) for _, _, body in fought.clients[workload].submitted]


def times(fought: Fought, workload: str = "reads") -> list[float]:
    """When each request was sent, in seconds from the start of the run."""
    return [round(at - LEAD, 9) for at, _, _ in fought.clients[workload].submitted]


def adds_up(fought: Fought) -> bool:
    """Whether every arrival that was issued ended as exactly one outcome, and none is left."""
    issued = sum(fought.evidence.issued.values())
    return (
        issued
        == fought.evidence.tally.total
        == sum(row.total for row in fought.evidence.tally.series().values())
    )
