"""Memory: whose figure counts, when it is known, when it grows, and when what is told of it is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from battlectl.analyse.checks.telemetry import check_leak
from battlectl.analyse.objectives import judge_objective
from battlectl.analyse.telemetry.account import disagreements
from battlectl.analyse.telemetry.descriptors import opened_of
from battlectl.analyse.telemetry.memory import growth_of, memory_of
from battlectl.observe.telemetry import ProcessSample, Telemetry
from battlectl.scenario.objectives import original_objective, parse_objective
from tests.analyse.histories import evidence_of
from tests.telemetry.told import readings

MB = 10**6
LONG = {"warmup": "5s", "steady": "195s"}


def samples(size, seconds=200, every=1.0):
    return tuple(ProcessSample(n * every, int(size(n * every)), 1) for n in range(int(seconds / every) + 1))


def run(*taken, phases=LONG, told=(), rss=False, ended_at=200.0, **more):
    """The evidence of a run with these samples of its process."""
    evidence = evidence_of("5*ok@1", phases=phases, ended_at=ended_at, **more)
    return replace(evidence, telemetry=Telemetry(tuple(told), *taken, tells_rss=rss))


def judged(text, evidence):
    objective = original_objective("max_memory_mb", text) if isinstance(text, int) else parse_objective(text)
    return judge_objective(objective, evidence, True)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("memory.max < 500MB", "pass"),
        ("memory.max < 150MB", "fail"),
        ("memory.max > 150MB", "pass"),
        (500, "pass"),
        (150, "fail"),
        ("memory.max < 150MB in warmup", "pass"),
        ("memory.growth < 1GB", "pass"),
        ("memory.growth < 10MB", "fail"),
    ],
)
def test_objectives_about_memory(text, verdict):
    assert judged(text, run(samples(lambda t: 100 * MB + t * MB))).verdict == verdict


def test_the_largest_look_is_what_is_measured():
    finding = judged("memory.max < 500MB", run(samples(lambda t: 300 * MB if t == 77 else 100 * MB)))
    assert (finding.measured, finding.samples) == (300 * MB, 196)
    assert "300 MB by its process" in finding.summary


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        ((), "nobody tells"),
        (samples(lambda t: 100 * MB)[:3], "no look fell into the window"),
        (samples(lambda t: 100 * MB)[:100], "nobody looked"),
        (samples(lambda t: 100 * MB, every=20.0), "nobody looked"),
    ],
)
def test_what_nobody_looked_at_is_not_kept(taken, words):
    finding = judged("memory.max < 500MB", run(taken))
    assert finding.verdict == "inconclusive"
    assert words in finding.summary


def test_a_limit_that_was_broken_is_broken_however_little_was_seen():
    assert judged("memory.max < 50MB", run(samples(lambda t: 100 * MB)[:100])).verdict == "fail"


def test_a_run_that_was_cut_short_keeps_nothing():
    cut = run(samples(lambda t: 100 * MB, 100), ended_at=100.0, how="interrupted")
    assert judged("memory.max < 500MB", cut).verdict == "inconclusive"
    assert judged("memory.max < 50MB", cut).verdict == "fail"


def test_the_process_goes_before_what_the_target_tells():
    told = readings(lambda t, told: replace(told, memory_bytes=5 * MB))
    assert memory_of(Telemetry(told)).source == "/api/metrics"
    assert memory_of(Telemetry(told, samples(lambda t: 100 * MB, 40))).source == "process"


SHAPES = {
    "flat": (lambda t: 100 * MB, False),
    "noisy": (lambda t: 100 * MB + (int(t * 7919) % 13) * MB, False),
    "fills up": (lambda t: 100 * MB + min(t, 80) * MB, False),
    "a step": (lambda t: 100 * MB if t < 120 else 180 * MB, False),
    "a saw": (lambda t: 100 * MB + (t % 30) * 2 * MB, False),
    "a little": (lambda t: 100 * MB + t * 50_000, False),
    "leaks": (lambda t: 60 * MB + t * 300_000, True),
    "leaks in noise": (lambda t: 60 * MB + t * 300_000 + (int(t * 7919) % 13) * MB, True),
    "leaks under a saw": (lambda t: 60 * MB + t * 400_000 + (t % 20) * MB / 4, True),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_leak_grows_all_along(shape):
    size, leaks = SHAPES[shape]
    finding = check_leak(run(samples(size)))
    assert finding.verdict == ("fail" if leaks else "pass")


def test_growth_is_not_observable_in_a_short_run():
    short = run(samples(lambda t: t * 10 * MB, 60), phases={"steady": "60s"}, ended_at=60.0)
    assert growth_of(short).is_leak is None
    assert "not observable" in check_leak(short).summary
    assert judged("memory.growth < 1GB", short).verdict == "inconclusive"


def test_growth_is_not_observable_where_nobody_looked_for_a_part_of_the_run():
    flat = samples(lambda t: 100 * MB)[:150]
    assert growth_of(run(flat)).is_leak is None
    finding = check_leak(run(flat))
    assert (finding.verdict, "nobody looked for 49s" in finding.summary) == ("inconclusive", True)
    assert judged("memory.growth < 1GB", run(flat)).verdict == "inconclusive"


def kinds(evidence):
    return [one.kind for one in disagreements(evidence)]


@pytest.mark.parametrize("rss", [True, False])
def test_a_figure_that_never_moves_while_the_memory_does_is_found(rss):
    told = readings(lambda t, told: replace(told, memory_bytes=100 * MB, requests=None, providers=None))
    seen = samples(lambda t: 100 * MB + t * MB / 4, 40)
    assert kinds(run(seen, told=told, rss=rss)) == ["memory"]
    still = samples(lambda t: 100 * MB + (t % 2) * 1000, 40)
    assert kinds(run(still, told=told, rss=rss)) == []


def test_a_figure_far_from_that_of_its_process_is_found_where_both_are_of_one_thing():
    told = readings(
        lambda t, told: replace(told, memory_bytes=int(20 * MB + t * MB), requests=None, providers=None)
    )
    seen = samples(lambda t: 100 * MB + t * MB, 40)
    assert kinds(run(seen, told=told, rss=True)) == ["memory"]
    assert kinds(run(seen, told=told, rss=False)) == []  # Erlang's memory is not that of its process.


def test_a_figure_that_follows_is_right():
    told = readings(
        lambda t, told: replace(told, memory_bytes=int(100 * MB + t * MB), requests=None, providers=None)
    )
    assert kinds(run(samples(lambda t: 102 * MB + t * MB, 40), told=told, rss=True)) == []


def opened(files, **more):
    """A run of a minute whose process had so many files open."""
    taken = tuple(ProcessSample(float(n), 10**8, 1, files(n)) for n in range(61))
    told = readings(until=60.0, open_=4)
    return run(taken, phases={"steady": "60s"}, told=told, ended_at=60.0, **more)


OPENED = {
    "always as many": (lambda t: 40, False),
    "a pool that fills": (lambda t: 40 + min(t, 10) * 20, False),
    "no more than are under way": (lambda t: 20 + t, False),
    "connections that nobody closes": (lambda t: 20 + 5 * t, True),
}


@pytest.mark.parametrize("shape", OPENED)
def test_connections_that_nobody_closes_are_a_leak(shape):
    files, leaks = OPENED[shape]
    assert opened_of(opened(files)).is_leak is leaks
    assert (check_leak(opened(files)).verdict == "fail") is leaks


def test_what_is_open_says_nothing_where_nobody_looked():
    assert opened_of(opened(lambda t: None)).is_leak is None
