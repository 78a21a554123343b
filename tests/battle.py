"""A whole battle in virtual time: a scenario as a mapping, a script for the target, the judged record.

fought = fight_scripted({"phases": {"steady": "10s"}, ...}, lambda exchange, n: (0.01, reply_ok(exchange)))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import trio
import trio.testing

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.judge import Judgement, judge
from battlectl.observe.journal import Line
from battlectl.plan.build import Plan, build_plan
from battlectl.report.fold import Chronicle
from battlectl.run.battle import Forces, fight
from battlectl.run.stop import Ending, Stop
from battlectl.scenario.model import Scenario
from battlectl.transport.base import Head
from battlectl.transport.scripted import Script, ScriptedClient


@dataclass
class Fought:
    """What came of it."""

    plan: Plan
    ending: Ending
    evidence: Evidence
    judgement: Judgement
    lines: list[Line] = field(repr=False)
    clients: dict[str, ScriptedClient] = field(repr=False)


def scenario_of(**fields: Any) -> Scenario:
    """A scenario with the boring fields filled in."""
    return Scenario.model_validate({"version": 1, "name": "a battle", **fields})


def fight_scripted(
    fields: Mapping[str, Any],
    script: Script,
    stop_at: Mapping[float, str] | None = None,
    on_line: Callable[[Line, Stop], None] | None = None,
    feeds: Mapping[str, Any] | None = None,
    head: int | None = 100,
    attributed: bool = False,
    **forces: Any,
) -> Fought:
    """Fight a scenario against a script; `stop_at` asks to stop at these seconds.

    `attributed`: the target says who served, see `served_by`; `forces` are those of `run.battle`.
    """
    plan = build_plan(scenario_of(**fields), feeds or {})
    chronicle = Chronicle(plan.frame)
    clients: dict[str, ScriptedClient] = {}
    lines: list[Line] = []
    stop = Stop()

    async def keep(line: Line) -> None:
        lines.append(line)
        chronicle.add(line)
        if on_line is not None:
            on_line(line, stop)

    def open_client(workload: Any, _resent: Any) -> ScriptedClient:
        clients[workload.name] = ScriptedClient(script, attributed)
        return clients[workload.name]

    async def main() -> Ending:
        async with trio.open_nursery() as nursery:
            for at, how in (stop_at or {}).items():
                nursery.start_soon(_stop_later, stop, at, how)
            ending = await fight(plan, Forces(open_client, keep, **forces), "test", stop, Head(head))
            nursery.cancel_scope.cancel()
        return ending

    ending = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    evidence = chronicle.evidence(ending.how, ending.reason, ending.at)
    return Fought(plan, ending, evidence, judge(evidence), lines, clients)


async def _stop_later(stop: Stop, at: float, how: str) -> None:
    await trio.sleep(at)
    stop.request(how, "the test asked")  # type: ignore[arg-type]
