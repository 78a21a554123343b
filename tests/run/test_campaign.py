"""Campaigns that go as planned, and those in which drivers fail: order, times, evidence."""

from __future__ import annotations

import pytest
import trio

from battlectl.chaos.driver import DriverError, Impossible
from battlectl.chaos.probe import Answer
from battlectl.chaos.scripted import AS_TOLD, HANG, LIE, Turn, fail
from battlectl.run.campaign_ready import StaleFaults
from tests.run.campaigns import ScriptedProber, fight, injection

KILL = injection("kill-provider_a", 5, 10)


def on(action, turn, *, calls=None):
    """A script in which one action goes like this, by default each time."""
    return lambda asked, n, subject: turn if asked == action and (calls is None or n in calls) else AS_TOLD


def test_a_fault_is_put_in_force_and_taken_back_at_its_times():
    fought = fight([KILL])
    assert fought.error is None
    assert fought.acts("prepare", "inject", "heal", "is_healed") == [
        (5.0, "prepare"),
        (5.0, "inject"),
        (10.0, "heal"),
        (10.0, "is_healed"),
    ]
    assert fought.stages("kill-provider_a") == [
        (5.0, "inject", "begin"),
        (5.0, "inject", "done"),
        (10.0, "heal", "begin"),
        (10.0, "heal", "done"),
    ]
    assert fought.campaign.leftovers == ()
    assert fought.campaign.driver == "scripted"
    assert fought.ended == pytest.approx(20.0)


def test_what_will_be_done_is_written_down_before_it_is_done():
    fought = fight([KILL], journal=lambda deed: 0.2)
    begin, done, heal_begin, heal_done = fought.written.deeds
    told = [action for _, action, _ in fought.driver.told]
    assert (begin.action, begin.stage) == ("inject", "begin")
    assert begin.undo == {"provider": "provider_a", "fault": "kill-provider_a"}
    assert "inject" not in told[: fought.written.calls_then[0]]
    assert "heal" not in told[: fought.written.calls_then[2]]
    assert fought.acts("inject", "heal") == [(5.2, "inject"), (10.2, "heal")]
    assert [(done.stage, heal_begin.stage, heal_done.stage)] == [("done", "begin", "done")]
    assert fought.campaign.deeds == tuple(fought.written.deeds)


def test_its_provider_is_asked_before_during_and_after_on_new_and_kept_connections():
    fought = fight([KILL])
    new, kept = fought.probes("new"), fought.probes("kept")
    assert new[0] == (-0.001, "ok")
    assert [outcome for t, outcome in new if t < 5] == ["ok", "ok"]
    assert [t for t, outcome in new if outcome == "refused"] == [5, 5.25, 5.5, 6, 7, 8, 9, 9.7]
    assert [outcome for t, outcome in new if t >= 10] == ["ok"]
    assert [(round(t), outcome) for t, outcome in kept] == [(4, "ok"), (4, "ok"), (5, "refused")]


def test_a_fault_at_the_very_start_has_its_connection_from_before_the_load():
    fought = fight([injection("early", 0, 3, kind="http_5xx")])
    assert all(outcome == "ok" for t, outcome in fought.probes("kept")[:2])
    assert fought.probes("kept")[1][0] < 0 < fought.probes("kept")[3][0]
    assert {outcome for _, outcome in fought.probes("kept")[2:]} == {"http_error(500)"}
    assert fought.acts("inject", "heal") == [(0.0, "inject"), (3.0, "heal")]


def test_a_hang_shorter_than_a_probe_waits_still_shows():
    fought = fight([injection("hang", 5, 6, kind="hang")])
    during = [probe for probe in fought.campaign.probes if 5 <= probe.t < 6]
    assert {(probe.connection, probe.outcome, probe.seconds) for probe in during} == {
        ("new", "timeout", 1.0),
        ("kept", "timeout", 1.0),
    }
    assert fought.acts("heal") == [(6.0, "heal")]


def test_a_target_that_counts_what_it_sends_never_saw_our_probes():
    fought = fight([injection("kill-a", 5, 8)], seconds=10, counts_probes=False)
    assert len(fought.campaign.probes) > 5
    assert {count.probes for count in fought.campaign.counts} == {0}


def test_our_probes_are_told_from_calls_of_the_load():
    async def load(driver):
        for _ in range(100):
            await trio.sleep(0.1)
            driver.calls["provider_a"] += 1

    fought = fight([injection("bad", 5, 10, kind="http_5xx")], meanwhile=load)
    last = [count for count in fought.campaign.counts if count.provider == "provider_a"][-1]
    asked = sum(1 for probe in fought.campaign.probes if probe.provider == "provider_a")
    assert (last.calls - last.probes, last.probes) == (100, asked)
    for count in fought.campaign.counts:
        if count.provider == "provider_a":
            assert count.calls - count.probes <= max(0, count.t) * 10 + 1e-6
        if count.hits:
            assert count.hits["bad"] <= count.probes


def test_questions_that_never_reach_a_dead_provider_are_not_its_calls():
    fought = fight([KILL])
    last = [count for count in fought.campaign.counts if count.provider == "provider_a"][-1]
    assert last.calls == last.probes == sum(p.outcome == "ok" for p in fought.campaign.probes)


def test_a_restart_begins_the_count_of_our_questions_anew():
    async def restart(driver):
        await trio.sleep(7)
        driver.generation = 2
        driver.calls.clear()

    fought = fight([injection("bad", 5, 10, kind="http_5xx")], meanwhile=restart)
    counts = [count for count in fought.campaign.counts if count.provider == "provider_a"]
    assert all(count.calls <= count.probes for count in counts)
    assert (counts[-1].generation, counts[-1].calls) == (2, counts[-1].probes)
    assert counts[-1].calls < max(count.calls for count in counts if count.generation == 1)


def test_counts_come_ten_times_a_second_from_start_to_end():
    fought = fight([KILL])
    times = sorted({count.t for count in fought.campaign.counts})
    assert times[:3] == [0.0, 0.1, 0.2]
    assert times[-1] == 20.0


def test_several_faults_at_several_providers_overlap():
    both = injection("both", 3, 9, "provider_a", "provider_b", kind="http_5xx")
    second = injection("second", 6, 12, kind="hang")
    fought = fight([both, second])
    assert fought.acts("inject", "heal") == [
        *[(3.0, "inject")] * 2,
        (6.0, "inject"),
        *[(9.0, "heal")] * 2,
        (12.0, "heal"),
    ]
    assert fought.driver.faults == {}
    assert fought.campaign.leftovers == ()
    # Once the first is healed the second is still in force: that is no failure to heal.
    assert [o for t, o in fought.probes("new") if t >= 12] == ["ok"]


def test_a_driver_that_does_not_stack_refuses_faults_that_overlap_before_any_load():
    pair = [injection("one", 3, 9), injection("two", 8, 12)]
    with pytest.raises(Impossible, match="one at provider_a and two at provider_a overlap"):
        fight(pair, stacks=False)
    apart = fight([injection("one", 3, 8), injection("two", 8, 12)], stacks=False)
    assert apart.acts("inject", "heal") == [
        (3, "inject"),
        (8, "heal"),
        (8.001, "inject"),
        (12, "heal"),
    ]


def test_on_one_resource_the_next_waits_until_the_one_before_is_healed():
    slow = lambda action, n, subject: Turn(1.5) if action == "heal" and n == 1 else AS_TOLD  # noqa: E731
    fought = fight([injection("one", 3, 8), injection("two", 8, 12)], slow, stacks=False)
    assert fought.acts("inject") == [(3, "inject"), (9.501, "inject")]


def test_a_fault_whose_time_is_over_before_it_can_begin_is_not_begun():
    slow = lambda action, n, subject: Turn(1.5) if action == "heal" and n == 1 else AS_TOLD  # noqa: E731
    fought = fight([injection("one", 3, 8), injection("two", 8, 9)], slow, stacks=False)
    assert fought.acts("inject") == [(3, "inject")]
    assert fought.stages("two") == [(9.501, "inject", "failed")]


@pytest.mark.parametrize("action", ["prepare", "inject"])
@pytest.mark.parametrize("turn", [fail("the port is gone"), HANG], ids=["fails", "hangs"])
def test_what_the_driver_cannot_do_is_recorded_and_the_run_goes_on(action, turn):
    fought = fight([KILL, injection("later", 12, 14, "provider_b")], on(action, turn, calls=[1]))
    note = "the port is gone" if turn.error else "no answer within 5s"
    [failed] = [deed for deed in fought.campaign.deeds if deed.stage == "failed"]
    assert (failed.fault, failed.action, failed.note) == ("kill-provider_a", "inject", note)
    assert ("heal" in [a for t, a in fought.acts("heal") if t < 12]) is (action == "inject")
    assert fought.stages("later", "provider_b")[-1] == (14.0, "heal", "done")
    assert fought.campaign.leftovers == ()
    assert fought.error is None


def test_a_lie_is_not_believed_and_shows_in_the_probes():
    fought = fight([KILL], on("inject", LIE))
    assert {outcome for _, outcome in fought.probes("new")} == {"ok"}
    assert {outcome for _, outcome in fought.probes("kept")} == {"ok"}
    assert fought.campaign.leftovers == ()


def test_what_cannot_be_written_down_is_not_done():
    full = OSError(28, "No space left on device")
    fought = fight([KILL], journal=lambda deed: full)
    assert fought.acts("inject", "heal") == []
    assert fought.stages("kill-provider_a") == [(5.0, "inject", "begin"), (5.0, "inject", "failed")]
    assert "No space left on device" in fought.campaign.deeds[1].note
    assert fought.campaign.leftovers == ()


@pytest.mark.parametrize("turn", [OSError(28, "full"), float("inf")], ids=["fails", "hangs"])
def test_a_journal_that_breaks_later_keeps_nobody_from_healing(turn):
    fought = fight([KILL], journal=lambda deed: 0.0 if deed.stage == "begin" and not deed.t > 6 else turn)
    assert fought.driver.faults == {}
    assert fought.campaign.leftovers == ()
    assert fought.stages("kill-provider_a")[-1][1:] == ("heal", "done")


def test_a_lease_that_is_lost_is_told_once_for_each_loss():
    async def lose(driver):
        await trio.sleep(6.5)
        driver.lost = "lease not found"
        driver.faults.clear()  # The lab has healed it.
        await trio.sleep(2)
        driver.lost = None
        await trio.sleep(6)
        driver.lost = "again"

    fought = fight([KILL], meanwhile=lose)
    assert [(loss.t, loss.note) for loss in fought.campaign.lost] == [
        (7.0, "lease not found"),
        (15.0, "again"),
    ]
    assert [outcome for t, outcome in fought.probes("new") if 6.5 < t < 10] == ["ok"] * 4
    assert fought.campaign.leftovers == ()


@pytest.mark.parametrize(
    ("turn", "words"), [(fail("no route"), "could not be renewed: no route"), (HANG, "not renewed within 2s")]
)
def test_a_lease_of_which_nobody_knows_counts_as_lost(turn, words):
    fought = fight([KILL], on("renew", turn))
    [loss] = fought.campaign.lost
    assert words in loss.note


@pytest.mark.parametrize("turn", [fail("gone"), HANG], ids=["fails", "hangs"])
def test_counts_that_are_not_to_be_had_are_missing_and_nothing_more(turn):
    fought = fight([KILL], on("count", turn))
    assert fought.campaign.counts == ()
    assert fought.stages("kill-provider_a")[-1] == (10.0, "heal", "done")


def test_a_provider_without_an_address_is_not_asked():
    fought = fight([KILL], prober=lambda driver: ScriptedProber(driver, mute=frozenset({"provider_a"})))
    assert fought.campaign.probes == ()
    assert fought.campaign.leftovers == ()


def test_a_slow_provider_holds_up_neither_the_fault_nor_its_healing():
    slow = lambda driver: ScriptedProber(driver, answers=lambda p, line: Answer("timeout", 2.0))  # noqa: E731
    fought = fight([KILL], prober=slow)
    assert fought.acts("inject", "heal") == [(5.0, "inject"), (10.0, "heal")]
    assert [t for t, _ in fought.probes("kept")] == [4.0]


def test_a_connection_that_the_provider_does_not_keep_says_nothing_about_the_fault():
    asked = []

    def closes(provider, line):
        if not line:
            return None
        asked.append(line)
        return Answer("ok" if len(asked) == 1 else "closed", 0.001)

    bad = injection("bad", 5, 10, kind="http_5xx")
    fought = fight([bad], prober=lambda driver: ScriptedProber(driver, answers=closes))
    assert [outcome for _, outcome in fought.probes("kept")] == ["ok", "closed"]
    assert {outcome for t, outcome in fought.probes("new") if 5 <= t < 10} == {"http_error(500)"}


def test_a_fault_longer_than_the_run_ends_with_it():
    fought = fight([injection("long", 5, 20)], seconds=20)
    assert fought.acts("heal") == [(20.0, "heal")]
    assert fought.campaign.leftovers == ()


def test_what_is_broken_already_is_told_before_any_load():
    with pytest.raises(StaleFaults, match=r"provider_b: hang \(old\)"):
        fight([KILL], faults={("provider_b", "old"): "hang"})


@pytest.mark.parametrize(
    ("faults", "script", "error", "words"),
    [
        ([injection("x", 1, 2, "nobody")], None, Impossible, "no provider"),
        ([injection("x", 1, 2, kind="reorg")], None, Impossible, "not here"),
        ([KILL], on("check", fail("401")), DriverError, "401"),
        ([KILL], on("in_force", HANG), DriverError, "did not answer within 15s"),
    ],
)
def test_what_cannot_be_done_is_told_before_any_load(faults, script, error, words):
    with pytest.raises(error, match=words):
        fight(faults, script or (lambda action, n, subject: AS_TOLD), impossible={"reorg": "not here"})
