"""What a target tells that cannot be so is found, with the provider and the time; what may be so is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.analyse.checks.telemetry import check_telemetry
from battlectl.analyse.judge import judge
from battlectl.analyse.telemetry.account import disagreements
from battlectl.analyse.telemetry.silence import silent_sources
from battlectl.observe.telemetry import ClientSeen, Failed, ProcessSample, ProviderTold, Telemetry
from tests.analyse.faulted import injection
from tests.telemetry.told import PAGE, honest, readings, tell, with_provider

KILL = injection("kill", 20.0, 30.0)
KILLED = {
    "injections": (KILL,),
    "a": "10@0-20 10@30-40",
    "b": "10@0-20 20@20-30 10@30-40",
    "counts": "a:10@0-20 a:0@20-30 a:10@30-40 b:10@0-20 b:20@20-30 b:10@30-40",
    "more": {"deeds": "inject@20-20.1 heal@30-30.1", "probes": "new:ok@19 new:refused@20.2-30 new:ok@30.2"},
}


def kinds(evidence):
    """(kind, provider) of each disagreement."""
    return {(one.kind, one.provider) for one in disagreements(evidence)}


def frozen_from(t0, told_then=None):
    """Counters that stand still from a moment on."""
    kept = {}

    def lie(t, told):
        kept[t] = told
        return told if t <= t0 else kept[t0]

    return lie


def swapped(_t, told):
    return replace(told, providers={"a": told.providers["b"], "b": told.providers["a"]})


LIES = {
    "zero": (
        lambda t, told: replace(told, requests=0, providers={}),
        {("counts", ""), ("counts", "a"), ("counts", "b")},
    ),
    "zero of one": (lambda t, told: with_provider(told, "b", 0), {("counts", "b")}),
    "frozen": (frozen_from(20), {("counts", ""), ("counts", "a"), ("counts", "b")}),
    "half": (lambda t, told: replace(told, requests=told.requests // 2), {("counts", "")}),
    "double": (lambda t, told: replace(told, requests=told.requests * 2), {("counts", "")}),
    "on another's account": (
        lambda t, told: with_provider(with_provider(told, "b", told.providers["a"].attempts * 2), "a", 0),
        {("counts", "a"), ("counts", "b"), ("denied", "b")},
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_found_where_it_is(name):
    lie, found = LIES[name]
    assert kinds(tell(lie)) == found


def test_an_honest_page_agrees():
    finding = check_telemetry(tell())
    assert finding.verdict == "pass"
    assert "3 counters" in finding.summary


def test_who_says_nothing_had_no_request_is_told_so_with_both_numbers():
    lie, _ = LIES["zero"]
    summary = check_telemetry(tell(lie)).summary
    assert f"{PAGE} says 0 requests, the client had 720 answered (at 40.0s)" in summary


def test_a_page_that_has_not_moved_says_since_when():
    assert "has not moved for 20s" in check_telemetry(tell(frozen_from(20))).summary


def test_a_swap_shows_as_soon_as_they_differ():
    assert kinds(tell(swapped)) == set()  # Both had as many: nobody can tell.
    different = {"a": "15@0-40", "b": "5@0-40", "counts": "a:15@0-40 b:5@0-40"}
    assert kinds(tell(swapped, **different)) == {("counts", "a"), ("counts", "b"), ("denied", "b")}


@given(
    lag=st.floats(0, 2.9),
    open_=st.integers(0, 30),
    every=st.sampled_from([0.5, 1.0, 2.0]),
    late=st.floats(0.0, 1.0),
)
@settings(max_examples=30, deadline=None)
def test_what_is_late_by_less_than_a_page_may_be_is_no_lie(lag, open_, every, late):
    """It tells what was so `lag` seconds before, and counts when a request comes or when it is answered."""
    both = {round(reading.t, 6): reading.told for reading in readings(open_=0, every=0.125)}

    def lie(t, told):
        then = max(0.0, (t - lag) // 0.125 * 0.125)
        old = both[round(then, 6)]
        extra = int(open_ * late)
        listed = {name: replace(one, attempts=one.attempts + extra) for name, one in old.providers.items()}
        return replace(old, requests=old.requests + extra, providers=listed) if t not in (0, 40) else old

    assert kinds(tell(lie, open_=open_, every=every)) == set()


def test_who_shares_a_target_may_hear_of_more_than_was_sent():
    assert kinds(tell(LIES["double"][0], sole=False)) == set()


def test_a_target_that_names_providers_otherwise_is_not_comparable():
    def renamed(_t, told):
        return replace(told, providers={f"x_{name}": one for name, one in told.providers.items()})

    assert kinds(tell(renamed)) == set()


def test_a_restart_begins_to_count_anew():
    def restarted(t, told):
        if t < 20:
            return replace(told, uptime_s=100 + t)
        fewer = {name: ProviderTold(attempts=one.attempts - 200) for name, one in told.providers.items()}
        return replace(told, requests=told.requests - 400, providers=fewer, uptime_s=t - 20)

    assert kinds(tell(restarted)) == set()


def test_counters_that_fall_while_it_goes_on_are_found():
    def fallen(t, told):
        told = replace(told, uptime_s=100 + t)
        return told if t < 20 else replace(told, requests=told.requests - 300)

    found = disagreements(tell(fallen))
    assert [(one.kind, one.at) for one in found] == [("counts", 20.005)]
    assert "not started again" in found[0].words


def test_failures_that_are_kept_quiet_are_found():
    """`failures` stays zero in an honest history, so errors are put into the client's view alone."""
    evidence = tell()
    grown = tuple(
        replace(
            r,
            before=replace(r.before, unnamed_bad=int(2 * r.t)),
            after=replace(r.after, unnamed_bad=int(2 * r.t)),
        )
        for r in evidence.telemetry.readings
    )
    told = replace(evidence, telemetry=replace(evidence.telemetry, readings=grown))
    assert kinds(told) == {("failures", "")}
    counted = tuple(replace(r, told=replace(r.told, failures=int(2 * r.t))) for r in grown)
    assert kinds(replace(told, telemetry=replace(told.telemetry, readings=counted))) == set()


# Providers themselves


def test_a_provider_denies_what_it_never_saw():
    """The client cannot tell who served, the provider can."""
    blind = tell(sole=False)
    unseen = ClientSeen(finished=800)
    silent = tuple(replace(r, before=unseen, after=unseen) for r in blind.telemetry.readings)
    quiet = replace(blind.telemetry, readings=silent)
    assert kinds(replace(blind, telemetry=quiet)) == set()
    lie = tuple(replace(r, told=with_provider(r.told, "b", int(25 * r.t))) for r in silent)
    assert kinds(replace(blind, telemetry=replace(quiet, readings=lie))) == {("denied", "b")}


def test_attempts_that_a_fault_hid_deny_nothing():
    def tried(t, told):
        extra = int(20 * max(0.0, min(t, 30) - 20))
        return with_provider(told, "a", told.providers["a"].attempts + extra)

    assert ("denied", "a") not in kinds(tell(tried, sole=False, **KILLED))


# Breakers


def breakers(a, b=lambda t: "closed"):
    return lambda t: {"a:http": a(t), "b": b(t), "a:ws": "open"}


def test_a_breaker_that_is_said_to_be_closed_all_along_is_found():
    told = tell(breakers=breakers(lambda t: "closed"), **KILLED)
    (found,) = disagreements(told)
    assert (found.kind, found.provider) == ("breaker", "a")
    assert 20 < found.at < 25


@pytest.mark.parametrize("probes", ["", "new:ok@19 new:ok@30.2", "new:ok@19-31"])
def test_a_breaker_is_not_held_to_a_fault_that_is_not_known_to_have_been(probes):
    """Whoever was well may have been left alone for any reason, and its breaker stayed closed."""
    told = tell(
        breakers=breakers(lambda t: "closed"), **(KILLED | {"more": KILLED["more"] | {"probes": probes}})
    )
    assert disagreements(told) == ()


@pytest.mark.parametrize("state", ["open", "half_open", "unknown"])
def test_a_breaker_that_is_not_said_to_be_closed_is_not(state):
    told = tell(breakers=breakers(lambda t: state if 22 < t < 30 else "closed"), **KILLED)
    assert kinds(told) == set()


def test_a_breaker_that_is_said_to_be_open_while_it_serves_is_found():
    told = tell(breakers=breakers(lambda t: "open" if 5 <= t <= 15 else "closed"))
    (found,) = disagreements(told)
    assert (found.kind, found.provider, found.at) == ("breaker", "a", 5.0)


def test_who_is_asked_as_a_last_resort_may_be_behind_an_open_breaker():
    both = breakers(
        lambda t: "open" if 5 <= t <= 15 else "closed", lambda t: "open" if 4 < t < 16 else "closed"
    )
    assert kinds(tell(breakers=both)) == set()


def test_a_breaker_that_opens_and_closes_under_a_fault_may_be_seen_open_each_time():
    told = tell(breakers=breakers(lambda t: "open" if 21 <= t <= 29 else "closed"), injections=(KILL,))
    assert kinds(told) == set()


# What is no evidence


def test_without_telemetry_there_is_no_finding_and_asked_for_it_is_inconclusive():
    nothing = replace(tell(), telemetry=Telemetry())
    assert not [one for one in judge(nothing).findings if one.name in ("telemetry", "leak")]
    asked = replace(nothing, frame=replace(nothing.frame, checks={"telemetry": "fail", "leak": "fail"}))
    found = {one.name: one for one in judge(asked).findings if one.name in ("telemetry", "leak")}
    assert {one.verdict.value for one in found.values()} == {"inconclusive"}
    assert "not observable" in found["telemetry"].summary


DEAD = {"/dead": Failed(12, "status 500")}
MISSING = {"/dead": Failed(3, "there is no such page (404)", True)}


def silent(failed, read=True, optional=(), checks=None, **told):
    """What is found of a run in which another page never told anything."""
    evidence = tell(**told)
    heard = {} if read else {"readings": (), "samples": ()}
    telemetry = replace(
        evidence.telemetry, failed=failed, asked=(PAGE, "/dead"), optional=tuple(optional), **heard
    )
    frame = replace(evidence.frame, checks=checks or {})
    findings = judge(replace(evidence, frame=frame, telemetry=telemetry)).checks
    return next((one for one in findings if one.name == "telemetry"), None)


@pytest.mark.parametrize(
    ("failed", "words"),
    [
        (DEAD, "/dead never told anything (status 500, 12 times)"),
        (MISSING, "/dead never told anything (there is no such page (404), 3 times)"),
        ({}, "/dead never told anything (nothing of what is read there)"),
    ],
    ids=["dead", "not there", "empty"],
)
def test_a_page_that_never_tells_anything_is_a_note_beside_one_that_agrees(failed, words):
    found = silent(failed)
    assert (found.verdict, found.level, found.weighs) == ("inconclusive", "note", "pass")
    assert words in found.summary
    assert "agrees with what was seen (3 counters" in found.summary


def test_telemetry_that_is_dead_altogether_is_a_note_that_names_each_page():
    found = silent({PAGE: Failed(40, "ConnectError: refused"), **DEAD}, read=False)
    assert (found.verdict, found.level) == ("inconclusive", "note")
    assert f"{PAGE} never told anything (ConnectError: refused, 40 times)" in found.summary
    assert "/dead never told anything" in found.summary
    assert silent(DEAD, read=False, checks={"telemetry": "fail"}).weighs == "inconclusive"


def test_a_lie_weighs_more_than_silence():
    assert silent(DEAD, lie=LIES["zero"][0]).verdict == "fail"


@pytest.mark.parametrize(
    ("failed", "read", "expected"),
    [
        (MISSING, True, "pass"),
        ({}, True, "pass"),
        (DEAD, True, "inconclusive"),
        (MISSING, False, "inconclusive"),
    ],
    ids=["not there", "empty", "dead", "nothing at all"],
)
def test_a_page_of_another_revision_is_missed_only_where_it_fails_or_nothing_is_told(failed, read, expected):
    assert silent(failed, read=read, optional=["/dead", PAGE]).verdict == expected


def test_a_process_that_is_never_found_is_silent_and_one_that_is_looked_at_is_not():
    failed = {"process": Failed(40, "no process 7")}
    telemetry = Telemetry(failed=failed, asked=("process",))
    assert silent_sources(telemetry) == ("process",)
    assert silent_sources(replace(telemetry, samples=(ProcessSample(1.0, 5, 1),))) == ()


def test_a_lie_is_a_note_until_the_scenario_raises_it():
    told = tell(LIES["zero"][0])
    (note,) = [one for one in judge(told).findings if one.name == "telemetry"]
    assert (note.verdict, note.level, note.weighs) == ("fail", "note", "pass")
    raised = replace(told, frame=replace(told.frame, checks={"telemetry": "fail"}))
    (found,) = [one for one in judge(raised).findings if one.name == "telemetry"]
    assert found.weighs == "fail"


def test_a_single_reading_proves_nothing():
    one = tell()
    few = replace(one.telemetry, readings=one.telemetry.readings[:1])
    finding = check_telemetry(replace(one, telemetry=few))
    assert finding.verdict == "inconclusive"


FEW = {"a": "1@0-5", "b": "1@0-5", "counts": "a:1@0-5 b:1@0-5"}


@pytest.mark.parametrize(
    "told",
    [
        tell(**FEW),
        tell(
            lambda t, told: replace(told, requests=None, providers=None), breakers=lambda t: {"x": "closed"}
        ),
        tell(
            lambda t, told: replace(told, requests=None, providers=None),
            breakers=breakers(lambda t: "closed"),
            **FEW,
        ),
        tell(
            lambda t, told: replace(told, requests=None, providers=None, memory_bytes=10**8),
            samples=tuple(ProcessSample(float(t), 10**8, 1) for t in range(5)),
        ),
    ],
    ids=["few requests", "breakers of nobody we know", "breakers of the idle", "few looks at memory"],
)
def test_what_could_not_have_been_seen_to_be_a_lie_is_no_agreement(told):
    assert check_telemetry(told).verdict == "inconclusive"


def test_a_breaker_told_closed_of_one_that_answers_agrees():
    told = tell(
        lambda t, told: replace(told, requests=None, providers=None), breakers=breakers(lambda t: "closed")
    )
    finding = check_telemetry(told)
    assert (finding.verdict, "2 breakers" in finding.summary) == ("pass", True)


def test_memory_alone_without_the_process_is_nothing_to_compare():
    told = tell(
        lambda t, told: replace(told, requests=None, providers=None, failures=None, memory_bytes=10**8)
    )
    assert check_telemetry(told).verdict == "inconclusive"
    seen = tuple(ProcessSample(float(t), 10**8, 1) for t in range(41))
    watched = replace(told, telemetry=replace(told.telemetry, samples=seen))
    assert check_telemetry(watched).verdict == "pass"


def test_every_lie_of_the_tests_is_one():
    assert kinds(tell(honest)) == set()
