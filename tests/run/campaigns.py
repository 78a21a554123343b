"""Whole campaigns in virtual time: a scripted driver, providers that show what is in force, a journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import trio
import trio.testing

from battlectl.chaos.probe import Answer
from battlectl.chaos.scripted import AS_TOLD, Script, ScriptedDriver
from battlectl.observe.faults import Campaign, Deed
from battlectl.plan.injection import Injection
from battlectl.run.campaign import CampaignRun, Weapons

SHOWN = {"kill": "refused", "hang": "timeout", "http_5xx": "http_error(500)"}
OPENED = "opened"


def injection(
    name: str, at: float, until: float, *providers: str, kind: str = "kill", **attributes: Any
) -> Injection:
    """A fault, by default at provider_a."""
    return Injection(name, kind, kind, providers or ("provider_a",), attributes, at, until, None, True)


@dataclass
class ScriptedProber:
    """Providers answer as the faults in force there let them; a line that was open dies with a kill."""

    driver: ScriptedDriver
    mute: frozenset[str] = frozenset()
    answers: Callable[[str, str], Answer | None] = lambda provider, line: None
    lines: dict[tuple[str, str], bool] = field(default_factory=dict)
    asked: list[tuple[float, str, str]] = field(default_factory=list)

    def knows(self, provider: str) -> bool:
        return provider not in self.mute

    async def ask(self, provider: str, line: str, method: str) -> Answer:
        began = trio.current_time()
        self.asked.append((began, provider, line))
        scripted = self.answers(provider, line)
        if scripted is not None:
            await trio.sleep(scripted.seconds)
            return scripted
        kinds = {kind for (where, _), kind in self.driver.faults.items() if where == provider}
        if self.lines.get((provider, line)) is False:
            await trio.lowlevel.checkpoint()
            return Answer("closed", 0.0, "gone")
        await trio.sleep(2.0 if "hang" in kinds else 0.001)
        shown = next((SHOWN[kind] for kind in sorted(kinds)), "ok")
        if line:
            self.lines[provider, line] = shown not in ("refused", "timeout")
        self.driver.calls[provider] += shown != "refused"
        for (where, fault), kind in self.driver.faults.items():
            self.driver.hits[fault] += where == provider and kind != "kill"
        return Answer(shown, trio.current_time() - began, "0x1" if shown == "ok" else "")

    async def let_go(self, provider: str, line: str) -> None:
        await trio.lowlevel.checkpoint()
        self.lines.pop((provider, line), None)


@dataclass
class Written:
    """A journal that fails where a test says so; `calls_then` is how often the driver was called by then."""

    driver: ScriptedDriver
    script: Callable[[Deed], float | Exception] = lambda deed: 0.0
    deeds: list[Deed] = field(default_factory=list)
    calls_then: list[int] = field(default_factory=list)

    async def __call__(self, deed: Deed) -> None:
        turn = self.script(deed)
        if isinstance(turn, Exception):
            await trio.lowlevel.checkpoint()
            raise turn
        await trio.sleep(turn)
        self.deeds.append(deed)
        self.calls_then.append(len(self.driver.told))


@dataclass
class Fought:
    """What came of a campaign: times are from the start of the run."""

    campaign: Campaign
    driver: ScriptedDriver
    prober: ScriptedProber
    written: Written
    start: float
    ended: float
    error: BaseException | None = None

    def acts(self, *actions: str) -> list[tuple[float, str]]:
        """When the driver was asked for these, in order."""
        return [(round(t - self.start, 3), action) for t, action, _ in self.driver.told if action in actions]

    def stages(self, fault: str, provider: str = "provider_a") -> list[tuple[float, str, str]]:
        """The deeds of one fault at one provider."""
        return [
            (round(deed.t, 3), deed.action, deed.stage)
            for deed in self.campaign.deeds
            if (deed.fault, deed.provider) == (fault, provider)
        ]

    def probes(self, connection: str, provider: str = "provider_a") -> list[tuple[float, str]]:
        """Outcomes on new or kept connections."""
        return [
            (round(probe.t, 3), probe.outcome)
            for probe in self.campaign.probes
            if (probe.connection, probe.provider) == (connection, provider)
        ]


def fight(
    injections: Sequence[Injection],
    script: Script = lambda action, n, subject: AS_TOLD,
    *,
    seconds: float = 20.0,
    stop_at: float | None = None,
    journal: Callable[[Deed], float | Exception] = lambda deed: 0.0,
    prober: Callable[[ScriptedDriver], ScriptedProber] = ScriptedProber,
    ready: bool = True,
    steps: Callable[[trio.CancelScope], trio.abc.Instrument] | None = None,
    meanwhile: Callable[[ScriptedDriver], Any] | None = None,
    **world: Any,
) -> Fought:
    """A campaign over `seconds`, cancelled then or at `stop_at`."""
    driver = ScriptedDriver(script=script, **world)
    asking, written = prober(driver), Written(driver, journal)
    run = CampaignRun(injections, seconds, Weapons(driver, asking, written))
    times: dict[str, float] = {}

    async def main() -> BaseException | None:
        if ready:
            await run.make_ready()
        times["start"] = trio.current_time()
        error: BaseException | None = None
        try:
            async with trio.open_nursery() as nursery:
                if meanwhile is not None:
                    nursery.start_soon(meanwhile, driver)
                with trio.move_on_after(seconds if stop_at is None else stop_at) as scope:
                    if steps is not None:
                        trio.lowlevel.add_instrument(steps(scope))
                    await run.serve(times["start"])
                nursery.cancel_scope.cancel()
        except Exception as raised:
            error = raised
        times["end"] = trio.current_time()
        times["campaign"] = trio.current_time()
        result.append(run.campaign())
        return error

    result: list[Campaign] = []
    error = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    start, end = times["start"], times["end"]
    return Fought(result[0], driver, asking, written, start, end - start, error)


def without_lists(fought: Fought) -> Fought:
    """For printing."""
    return replace(fought, campaign=replace(fought.campaign, counts=(), probes=()))
