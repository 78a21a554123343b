"""Faults under subscribers alone: what proves that they were touched, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.proof import Proof, prove_faults
from battlectl.analyse.judge import judge
from battlectl.observe.streams.cell import REFUSED, StreamCell
from battlectl.observe.tally import Delta, StreamKey
from battlectl.plan.injection import Injection
from battlectl.scenario.objectives import parse_objective
from tests.analyse.faulted import LOAD, faulted, injection, proven
from tests.analyse.streamed import frame_of, good

PROBES = "new:ok@0-20 kept:ok@0-20 new:refused@20.2-30 kept:reset@20.2 new:ok@30.2-40"
LISTENED = "new:ok@0-40"
BOTH = "a:0@0-40 b:0@0-40"
FED = {"a": [(0, 20, 2.0), (30, 40, 2.0)]}
MOVED = {"a": [(0, 20, 2.0), (30, 40, 2.0)], "b": [(20, 30, 2.0)]}
TWICE = {"a": [(0, 20, 2.0), (30, 40, 2.0)], "b": [(0, 40, 2.0)]}
ELSEWHERE = {"b": [(0, 40, 2.0)]}
UNCOUNTED: dict[str, list[tuple[float, float, float]]] = {}


def streamed(
    *injections: Injection,
    during: StreamCell | None = None,
    events: dict[str, list[tuple[float, float, float]]] = UNCOUNTED,
    others: StreamCell | None = None,
    reads: bool = False,
    **more: str,
) -> Evidence:
    """Ten subscribers over 40 s, felt as said in the fault's window; events per second by provider."""
    facts = {"probes": PROBES, "counts": BOTH, **more}
    before = faulted(*injections, reads=LOAD if reads else "", **facts)  # type: ignore[arg-type]
    workloads = before.frame.workloads if reads else ()
    frame = replace(before.frame, workloads=workloads, streams=(frame_of(clients=10, end=40.0),))
    inside = frame.segments(frame.windows[f"during:{injections[0].name}"])
    for segment in frame.all_segments:
        seconds = frame.cuts[segment + 1] - frame.cuts[segment]
        usual = good(round(10 * seconds), 10 * seconds) if others is None else others
        felt = during if segment in inside and during is not None else usual
        before.tally.merge(Delta(streams={StreamKey("heads", segment): felt}))
    counts = tuple(
        replace(c, events=_events(events.get(c.provider, ()), c.t)) for c in before.campaign.counts
    )
    return replace(before, frame=frame, campaign=replace(before.campaign, counts=counts))


def _events(stretches, t: float) -> int:
    return int(sum(rate * max(0.0, min(t, end) - start) for start, end, rate in stretches))


def felt(**what) -> StreamCell:
    """Ten seconds of ten subscribers in which this was different."""
    return good(100, 100.0, **what)


def refused(number: int) -> StreamCell:
    cell = felt()
    cell.end(f"{REFUSED}refused", number)
    return cell


def proof(*injections: Injection, **more) -> Proof:
    return prove_faults(streamed(*injections, **more))[0]


KILL = injection()
FELT = {
    "ends": (felt(ends_visible=8, ends_silent=2), "10 subscriptions ended"),
    "refusals": (refused(12), "12 subscriptions refused"),
    "stalls": (felt(stalls=10), "10 stalls"),
    "gaps": (felt(missing_forward=50), "50 blocks missing"),
    "late blocks": (felt(caught_up=20), "20 blocks late"),
    "doubles": (felt(duplicates=9), "9 blocks doubled"),
    "disorder": (felt(out_of_order=9), "9 blocks out of order"),
    "another chain": (felt(wrong_fork=6, invented=3), "9 blocks never on the chain"),
}


@pytest.mark.parametrize("events", [UNCOUNTED, TWICE], ids=["uncounted", "from all"])
@pytest.mark.parametrize("what", FELT)
def test_what_subscribers_felt_confirms_it_whoever_feeds_them(what, events):
    cell, words = FELT[what]
    found = proof(KILL, during=cell, events=events)
    assert (found.verdict, found.reasons) == ("confirmed", ())
    assert words in found.client_side


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (UNCOUNTED, "nothing says whether it fed the subscribers: its events were not counted"),
        (TWICE, "nothing says whether it fed the subscribers: others sent events as well"),
        (ELSEWHERE, "fed no subscriber: no event came from it before the fault"),
    ],
    ids=["uncounted", "from all", "elsewhere"],
)
def test_what_they_did_not_feel_is_unproven(events, reason):
    found = proof(KILL, events=events)
    assert found.verdict == "unproven"
    assert reason in found.reasons[0]
    assert any("nothing of the load was seen to be touched" in one for one in found.reasons)


def test_what_they_did_not_feel_is_confirmed_where_their_feed_moved():
    found = proof(KILL, events=MOVED)
    assert found.verdict == "confirmed", found.reasons
    assert "events came from it where about 20 would have, and 20 more came from others" in found.client_side


def test_the_only_one_who_fed_them_and_stopped_touched_them():
    assert proof(KILL, events=FED).verdict == "confirmed"


def test_one_who_fed_them_and_went_on_did_not():
    found = proof(KILL, events={"a": [(0, 40, 2.0)]})
    assert (found.verdict, len(found.reasons)) == ("unproven", 1)


def test_what_happens_as_often_without_it_proves_nothing():
    """Ten ends in ten seconds of the fault, and ten in each ten seconds before."""
    always = felt(ends_visible=10)
    assert proof(KILL, during=always, others=always).verdict == "unproven"


def test_a_little_may_be_chance():
    assert proof(KILL, during=felt(ends_visible=3)).verdict == "unproven"


def test_what_another_fault_may_have_done_counts_for_neither():
    other = injection("kill", 18.0, 32.0, ("b",))
    deeds = "kill-a|inject@20-20.1 kill-a|heal@30-30.1 kill-b|b/inject@18-18.1 kill-b|b/heal@32-32.1"
    found = proof(KILL, other, during=felt(ends_visible=10), deeds=deeds)
    assert found.verdict == "unproven"


def test_the_provider_must_have_broken_all_the_same():
    found = proof(KILL, during=felt(ends_visible=10), probes=LISTENED)
    assert found.verdict == "mismatch"


STALL = injection("ws_stall")


@pytest.mark.parametrize(
    ("events", "verdict"),
    [(FED, "confirmed"), (UNCOUNTED, "confirmed"), (TWICE, "unproven"), (ELSEWHERE, "unproven")],
    ids=["alone", "uncounted", "from all", "elsewhere"],
)
def test_hits_on_websockets_are_the_loads_only_where_nobody_else_sends_events(events, verdict):
    found = proof(STALL, events=events, probes=LISTENED, hits="30@20.1-30")
    assert found.verdict == verdict, found.reasons


def test_hits_on_websockets_from_all_of_them_are_the_loads_where_it_felt_them():
    found = proof(STALL, during=felt(stalls=10), events=TWICE, probes=LISTENED, hits="30@20.1-30")
    assert found.verdict == "confirmed"


def test_requests_that_went_elsewhere_do_not_undo_what_subscribers_felt():
    found = proof(KILL, during=felt(ends_visible=10), reads=True, counts="a:0@0-40 b:20@0-40")
    assert found.verdict == "confirmed", found.reasons


def test_a_proof_by_requests_leaves_open_whether_it_fed_subscribers():
    found = proof(KILL, events=ELSEWHERE, reads=True, counts="a:200@0-20 a:0@20-30 a:100@30-40")
    assert found.verdict == "confirmed", found.reasons
    assert found.of_streams.startswith("nothing says whether it fed the subscribers")


def test_a_proof_by_what_subscribers_felt_leaves_nothing_open():
    assert proof(KILL, during=felt(ends_visible=10), reads=True, counts="a:200@0-40").of_streams == ""


def test_neither_requests_nor_subscribers_is_unproven_for_both():
    found = proof(KILL, events=ELSEWHERE, reads=True, counts="a:0@0-40 b:20@0-40")
    assert found.verdict == "unproven"
    assert any("no call of the load" in reason for reason in found.reasons)
    assert any("fed no subscriber" in reason for reason in found.reasons)


COUNTED = "a:20@0-20 a:0@20-30 a:10@30-40 b:1@0-40"
"""Requests that prove the kill, whoever fed the subscribers."""


def kept(text: str, *injections: Injection, **more) -> tuple[str, str]:
    """(verdict, summary) of an objective."""
    evidence = streamed(*injections, reads=True, **{"counts": COUNTED, **more})
    whole = good(1, begun=1, streams=1)
    evidence.tally.merge(Delta(streams={StreamKey("heads", 0): whole}))
    frame = replace(evidence.frame, objectives=(parse_objective(text),), max_stream_lag=60.0)
    finding = judge(replace(evidence, frame=frame)).objectives[0]
    return finding.verdict.value, finding.summary


GAPS = "subscription.gaps == 0"


@pytest.mark.parametrize("window", ["during:kill-a", "recovery:kill-a"])
@pytest.mark.parametrize(
    ("events", "expected", "words"),
    [
        (FED, "pass", ""),
        (MOVED, "pass", ""),
        (ELSEWHERE, "inconclusive", "may have been none of theirs: fed no subscriber"),
        (TWICE, "inconclusive", "nothing says whether it fed the subscribers"),
        (UNCOUNTED, "inconclusive", "nothing says whether it fed the subscribers"),
    ],
    ids=["alone", "moved", "elsewhere", "from all", "uncounted"],
)
def test_nothing_is_kept_from_a_fault_that_was_none_of_theirs(window, events, expected, words):
    found, summary = kept(f"{GAPS} in {window}", KILL, events=events)
    assert (found, words in summary) == (expected, True), summary


def test_what_was_broken_in_its_window_is_broken_whoever_fed_them():
    lost = felt(missing_middle=3)
    assert kept(f"{GAPS} in during:kill-a", KILL, events=ELSEWHERE, during=lost)[0] == "fail"


@pytest.mark.parametrize("window", ["run", "baseline", "steady", "battle"])
def test_other_windows_say_nothing_of_the_fault(window):
    assert kept(f"{GAPS} in {window}", KILL, events=ELSEWHERE)[0] == "pass"


def test_requests_in_that_window_are_not_asked_who_fed_subscribers():
    assert kept("success_rate >= 99% in during:kill-a", KILL, events=ELSEWHERE)[0] == "pass"


def test_a_fault_that_is_not_proven_has_nothing_kept_from_it():
    found, summary = kept(f"{GAPS} in during:kill-a", KILL, events=FED, probes=LISTENED)
    assert (found, "kill-a at a is mismatch" in summary) == ("inconclusive", True), summary


def test_one_repeat_that_was_theirs_will_do_and_another_is_not_known_by_itself():
    """The stream went to b at the first kill, and stayed there: the second was none of theirs."""
    first = injection(until=24.0, name="kill-a#1", repeat_of="kill-a")
    second = injection(at=32.0, until=36.0, name="kill-a#2", repeat_of="kill-a")
    events = {"a": [(0, 20, 2.0)], "b": [(20, 40, 2.0)]}
    facts = {**proven(first, second), "events": events}
    facts["counts"] = facts["counts"].replace("b:10", "b:1")
    assert kept(f"{GAPS} in during:kill-a", first, second, **facts)[0] == "pass"
    assert kept(f"{GAPS} in during:kill-a#1", first, second, **facts)[0] == "pass"
    found, summary = kept(f"{GAPS} in during:kill-a#2", first, second, **facts)
    assert (found, "kill-a#2 at a" in summary) == ("inconclusive", True), summary
