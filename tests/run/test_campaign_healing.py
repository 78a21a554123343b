"""Whatever ends a campaign: its faults are healed, or a leftover is named; in bounded time."""

from __future__ import annotations

import math

import pytest
import trio

from battlectl.chaos.healing import ONE_TRY
from battlectl.chaos.probe import Answer
from battlectl.chaos.scripted import AS_TOLD, HANG, LIE, Turn, fail
from battlectl.run.campaign import HEAL_WITHIN
from tests.run.campaigns import Fought, ScriptedProber, fight, injection

A = injection("kill-a", 5, 10)
PLAN = [A, injection("bad-b", 6, 12, "provider_b", kind="http_5xx"), injection("hang-a", 7, 9, kind="hang")]


def is_settled(fought: Fought) -> bool:
    """Everything that the journal says has begun is healed in it, and the world agrees."""
    begun = {
        (d.fault, d.provider) for d in fought.written.deeds if (d.action, d.stage) == ("inject", "begin")
    }
    healed = {(d.fault, d.provider) for d in fought.written.deeds if (d.action, d.stage) == ("heal", "done")}
    return begun <= healed and not fought.driver.faults and not fought.campaign.leftovers


class Interrupt(trio.abc.Instrument):
    """Cancels the campaign after so many steps of tasks."""

    def __init__(self, scope: trio.CancelScope, after: float) -> None:
        self.scope = scope
        self.after = after
        self.steps = 0

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps += 1
        if self.steps == self.after:
            self.scope.cancel()


def interrupted(after: float, script=None, journal=None) -> tuple[Fought, int]:
    """A campaign over PLAN, cancelled at that step."""
    made: list[Interrupt] = []

    def steps(scope: trio.CancelScope) -> trio.abc.Instrument:
        made.append(Interrupt(scope, after))
        return made[0]

    pause = Turn(0.003)
    fought = fight(
        PLAN,
        script or (lambda action, n, subject: pause),
        steps=steps,
        journal=journal or (lambda deed: 0.002),
        seconds=15,
    )
    return fought, made[0].steps


def test_cancelled_at_any_step_everything_is_healed():
    whole, total = interrupted(math.inf)
    assert is_settled(whole)
    assert total > 200
    for step in range(1, total):
        fought, _ = interrupted(step)
        assert is_settled(fought), step
        assert fought.error is None


def test_cancelled_at_any_step_with_an_admin_api_that_died_every_fault_is_a_leftover():
    """It dies with the first injection: whatever has begun and cannot be healed has to be named."""
    script = lambda action, n, subject: fail("gone") if action in ("heal", "is_healed") else Turn(0.003)  # noqa: E731
    _, total = interrupted(math.inf, script)
    for step in range(1, total, 7):
        fought, _ = interrupted(step, script)
        named = " ".join(fought.campaign.leftovers)
        for provider, fault in fought.driver.faults:
            assert f"{fault} (" in named, step
            assert provider in named, step


@pytest.mark.parametrize("stop_at", [0.5, 4.2, 5.0, 5.1, 8.0, 9.99, 10.0, 14.0])
def test_stopped_at_any_time_it_heals_at_once(stop_at):
    fought = fight(PLAN, stop_at=stop_at)
    assert is_settled(fought)
    assert fought.ended == pytest.approx(stop_at, abs=0.5)


@pytest.mark.parametrize(("takes", "healed"), [(0.6, 5.6), (3.0, 6.2), (math.inf, 6.2)])
def test_an_injection_under_way_is_waited_for_before_it_is_healed(takes, healed):
    """One that is given up may still come into force: then after it was healed, for ever."""
    slow = Turn(takes)
    fought = fight([A], lambda action, n, s: slow if action == "inject" else AS_TOLD, stop_at=5.2)
    assert fought.acts("inject", "heal") == [(5.0, "inject"), (pytest.approx(healed, abs=0.01), "heal")]
    assert is_settled(fought)


def test_a_deed_that_is_being_written_is_waited_for_before_it_is_healed():
    """Written later, it would stand behind the healing, and be healed again."""
    fought = fight([A], journal=lambda deed: 0.5 if deed.stage == "begin" else 0.0, stop_at=5.2)
    assert [(deed.action, deed.stage) for deed in fought.written.deeds] == [
        ("inject", "begin"),
        ("heal", "begin"),
        ("heal", "done"),
    ]
    assert fought.acts("inject") == []


def test_a_heal_that_fails_twice_is_tried_again():
    fought = fight([A], lambda action, n, s: fail("busy") if action == "heal" and n < 3 else AS_TOLD)
    assert fought.acts("heal") == [(10.0, "heal"), (10.25, "heal"), (10.5, "heal")]
    assert is_settled(fought)


def test_a_heal_that_only_says_ok_is_seen_through():
    fought = fight([A], lambda action, n, s: LIE if action == "heal" and n < 4 else AS_TOLD)
    assert len(fought.acts("heal")) == 4
    assert is_settled(fought)


def test_a_heal_that_hangs_once_is_tried_again():
    fought = fight([A], lambda action, n, s: HANG if action == "heal" and n == 1 else AS_TOLD)
    assert fought.acts("heal") == [(10.0, "heal"), (10.0 + ONE_TRY + 0.25, "heal")]
    assert is_settled(fought)


@pytest.mark.parametrize("turn", [fail("gone"), HANG, LIE], ids=["fails", "hangs", "lies"])
@pytest.mark.parametrize("stop_at", [7.0, 20.0])
def test_a_heal_that_never_works_is_a_leftover_in_bounded_time(turn, stop_at):
    fought = fight([A], lambda action, n, s: turn if action == "heal" else AS_TOLD, stop_at=stop_at)
    [leftover] = fought.campaign.leftovers
    assert leftover.startswith("kill-a (kill) may still be in force at provider_a. ")
    assert leftover.splitlines()[0].endswith("To end it: end kill-a at provider_a")
    assert len(leftover.splitlines()) == 2
    assert fought.ended <= stop_at + HEAL_WITHIN + 1
    assert ("heal", "failed") in {(deed.action, deed.stage) for deed in fought.written.deeds}
    assert ("heal", "done") not in {(deed.action, deed.stage) for deed in fought.written.deeds}


def test_a_provider_that_was_dead_before_is_not_waited_for():
    def dead(driver):
        return ScriptedProber(driver, answers=lambda provider, line: Answer("refused", 0.001))

    fought = fight([A], prober=dead)
    after = [t for t, _ in fought.probes("new") if t >= 10]
    assert len(after) == 1
    assert is_settled(fought)


def test_a_driver_that_lies_about_having_healed_is_caught_by_its_provider():
    fought = fight([A], lambda action, n, s: LIE if action in ("heal", "is_healed") else AS_TOLD)
    [leftover] = fought.campaign.leftovers
    assert "the driver says that it is healed, yet provider_a does not answer as before (refused)" in leftover


def test_what_could_not_be_healed_during_the_run_is_tried_again_at_its_end():
    gone = lambda action, n, s: fail("gone") if action == "heal" and trio.current_time() < 21 else AS_TOLD  # noqa: E731
    fought = fight([A], gone, seconds=25)
    assert ("heal", "failed") in {stage[1:] for stage in fought.stages("kill-a")}
    assert fought.stages("kill-a")[-1][1:] == ("heal", "done")
    assert is_settled(fought)


def test_a_provider_that_was_down_before_is_nobodys_leftover():
    fought = fight(
        [injection("bad-a", 5, 10, kind="http_5xx"), injection("kill-a", 2, 18)],
        meanwhile=None,
    )
    assert is_settled(fought)


def test_a_bug_of_a_driver_ends_the_campaign_loudly_and_everything_is_healed():
    bug = Turn(error=ZeroDivisionError("our bug"))
    fought = fight(PLAN, lambda action, n, s: bug if action == "inject" and n == 2 else AS_TOLD)
    assert fought.error is not None
    assert "our bug" in repr(fought.error)
    assert is_settled(fought)
    assert fought.ended < 7


def test_a_bug_while_healing_leaves_a_leftover_and_heals_the_others():
    bug = Turn(error=ZeroDivisionError("our bug"))
    fought = fight(
        PLAN,
        lambda action, n, s: bug if action == "heal" and s["fault"] == "kill-a" else AS_TOLD,
    )
    assert [text.partition(" ")[0] for text in fought.campaign.leftovers] == ["kill-a"]
    assert "our bug" in fought.campaign.leftovers[0]
    assert set(fought.driver.faults) == {("provider_a", "kill-a")}


def test_a_bug_of_the_journal_while_healing_is_loud_and_keeps_nobody_from_healing():
    def journal(deed):
        return ZeroDivisionError("our bug") if deed.action == "heal" else 0.0

    fought = fight(PLAN, journal=journal)
    assert "our bug" in repr(fought.error)
    assert fought.driver.faults == {}
    assert fought.campaign.leftovers == ()
