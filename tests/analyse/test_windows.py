"""Objectives over windows of several stretches: counts, seconds and examples are those of the stretches."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from battlectl.plan.frame import Frame
from battlectl.plan.injection import Injection
from tests.analyse.histories import evidence_of, judged, verdict


def kill(name: str, at: float, until: float, repeat_of: str | None = None) -> Injection:
    return Injection(name, "kill", "kill", ("provider_a",), {}, at, until, repeat_of, True)


TWICE = (kill("kill#1", 6.0, 8.0, "kill"), kill("kill#2", 10.0, 12.0, "kill"))
ENDS = "4*ok@5.5 refused@6 3*ok@7 6*ok@8 refused/20@10 ok@11.9 2*ok@12 10*ok@20"
"""baseline 4; during #1: 4, #2: 2; recovery #1: 6, #2: 12."""


@pytest.mark.parametrize(
    ("window", "total", "failures"),
    [
        ("baseline", 4, 0),
        ("during:kill", 6, 2),
        ("during:kill#1", 4, 1),
        ("during:kill#2", 2, 1),
        ("recovery:kill", 18, 0),
        ("recovery:kill#1", 6, 0),
        ("recovery:kill#2", 12, 0),
        ("run", 28, 2),
    ],
)
def test_counts_are_those_of_the_stretches(window, total, failures):
    assert judged(f"total == {total} in {window}", ENDS, injections=TWICE).verdict == "pass"
    assert judged(f"failures == {failures} in {window}", ENDS, injections=TWICE).verdict == "pass"


@pytest.mark.parametrize(
    ("window", "rate"), [("during:kill", 1.0), ("during:kill#1", 1.5), ("recovery:kill", 18 / 15)]
)
def test_a_rate_is_over_the_seconds_of_the_stretches(window, rate):
    found = judged(f"throughput >= 0.1/s in {window}", ENDS, injections=TWICE)
    assert found.measured == pytest.approx(rate)


def test_examples_are_of_the_stretches():
    found = judged("success_rate >= 99% in during:kill#2", ENDS, injections=TWICE)
    assert (found.verdict, found.first.due_s) == ("fail", 10.0)
    found = judged("success_rate >= 99% in during:kill", ENDS, injections=TWICE)
    assert (found.first.due_s, found.worst.due_s) == (6.0, 10.0)


@pytest.mark.parametrize(
    ("ended_at", "window", "seen"),
    [
        (25.0, "during:kill", 4.0),
        (12.0, "during:kill", 4.0),
        (11.0, "during:kill", 3.0),
        (9.0, "during:kill", 2.0),
        (7.0, "during:kill", 1.0),
        (5.0, "during:kill", 0.0),
        (11.0, "recovery:kill", 2.0),
        (13.5, "recovery:kill", 3.5),
        (3.0, "run", 0.0),
    ],
)
def test_what_was_reached_of_a_window(ended_at, window, seen):
    evidence = evidence_of("ok@6", injections=TWICE, ended_at=ended_at)
    assert evidence.reached(evidence.frame.windows[window]) == pytest.approx(seen)


def test_a_run_that_was_cut_short_in_a_later_stretch_does_not_pass():
    cut = {"how": "interrupted", "injections": TWICE}
    found = judged("success_rate >= 50% in during:kill", ENDS, ended_at=11.0, **cut)
    assert (found.verdict, found.summary) == ("inconclusive", "66.67%, but only 3s of 4s were run")
    assert verdict("success_rate >= 50% in during:kill", ENDS, ended_at=12.5, **cut) == "pass"
    assert verdict("success_rate >= 50% in during:kill#1", ENDS, ended_at=9.0, **cut) == "pass"


def test_without_samples_in_its_stretches_a_window_proves_nothing():
    found = judged("success_rate >= 0% in during:kill", "9*ok@5.5 9*ok@9 9*ok@13", injections=TWICE)
    assert (found.verdict, found.summary) == ("inconclusive", "no samples")


@given(
    edges=st.lists(st.integers(5_000, 24_999), min_size=2, max_size=12, unique=True).map(sorted),
    due=st.lists(st.integers(5_000, 24_999), max_size=30),
)
def test_every_arrival_is_in_exactly_the_windows_that_it_was_due_in(edges, due):
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    faults = [kill(f"k#{n}", a / 1e3, b / 1e3, "k") for n, (a, b) in enumerate(pairs, 1)]
    evidence = evidence_of(" ".join(f"ok@{at / 1e3}" for at in due), injections=faults)
    frame = evidence.frame
    for window in frame.windows.values():
        inside = [at for at in due if any(a <= at / 1e3 < b for a, b in window.stretches)]
        assert evidence.tally.cell(frame.segments(window)).total == len(inside), window.name
    assert msgspec.convert(msgspec.to_builtins(frame), Frame) == frame
