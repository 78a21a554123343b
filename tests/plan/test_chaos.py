"""The injections of a plan: who is struck when, by the seed, and never more than is allowed."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from battlectl.plan.chaos import Misplanned, plan_chaos
from battlectl.plan.chaos_rows import INJECTION_COLUMNS, injection_rows
from battlectl.plan.frame import Frame
from battlectl.plan.injection import Injection, chaos_windows
from battlectl.plan.workload import Window
from battlectl.scenario.chaos import ChaosEntry
from tests.scenario.chaotic import PROVIDERS, complaints, planned

PHASES = {"warmup": 5.0, "steady": 10.0, "battle": 30.0, "recovery": 15.0}
END = 60.0


def plan(*entries, providers=PROVIDERS, seed=1, max_down=None, phases=PHASES):
    """The injections of some entries."""
    read = [ChaosEntry.model_validate(entry) for entry in entries]
    return plan_chaos(read, phases, providers, seed, max_down)


def refused(*entries, **more):
    """(path, message) of each mistake."""
    with pytest.raises(Misplanned) as caught:
        plan(*entries, **more)
    return [(mistake.path, mistake.message) for mistake in caught.value.mistakes]


def windows(*entries, **more):
    """The stretches of each window."""
    found = chaos_windows(plan(*entries, **more), Window("run", 5.0, END))
    return {window.name: window.stretches for window in found}


class TestTimes:
    @pytest.mark.parametrize(
        ("when", "expected"),
        [
            ({}, (15.0, 45.0)),
            ({"for": "10s"}, (15.0, 25.0)),
            ({"for": "40s"}, (15.0, 55.0)),
            ({"for": "9h"}, (15.0, END)),
            ({"at": "0s"}, (0.0, 5.0)),
            ({"at": "20s"}, (20.0, 45.0)),
            ({"at": "7.5s", "for": "100ms"}, (7.5, 7.6)),
            ({"at": {"in": "steady"}}, (5.0, 15.0)),
            ({"at": {"in": "battle", "after": "5s"}, "for": "2s"}, (20.0, 22.0)),
            ({"at": {"in": "recovery", "after": "14.9s"}}, (59.9, END)),
        ],
    )
    def test_of_one_fault(self, when, expected):
        [injection] = plan({"kill": "provider_a", **when})
        assert (injection.at, injection.until) == expected
        assert (injection.name, injection.repeat_of, injection.fault) == (
            *("kill-provider_a", None),
            "kill-provider_a",
        )

    def test_of_repeats(self):
        found = plan({"kill": "provider_a", "at": "0.1s", "for": "0.2s", "times": 4, "every": "0.3s"})
        assert [(i.name, i.at, i.until) for i in found] == [
            ("kill-provider_a#1", 0.1, 0.3),
            ("kill-provider_a#2", 0.4, 0.6),
            ("kill-provider_a#3", 0.7, 0.9),
            ("kill-provider_a#4", 1.0, 1.2),
        ]
        assert {i.repeat_of for i in found} == {"kill-provider_a"}

    def test_repeated_once_it_has_its_number_all_the_same(self):
        [found] = plan({"kill": "any", "times": 1})
        assert (found.name, found.fault) == ("kill-any#1", "kill-any")

    @pytest.mark.parametrize(
        ("entry", "length"),
        [
            ({"flap": {"provider": "any", "down": "5s", "up": "3s", "times": 3}}, 21.0),
            ({"flap": {"provider": "any", "down": "2s", "times": 1}}, 2.0),
            ({"flap": {"provider": "any", "down": "5s", "up": "3s"}}, 30.0),
            ({"flap": "any", "for": "4s"}, 4.0),
            ({"restart": {"provider": "any", "down": "2500ms"}}, 2.5),
            ({"restart": "any"}, 1.0),
            ({"head_regress": {"provider": "any", "for": "3s"}}, 3.0),
            ({"head_regress": "any"}, 30.0),
        ],
    )
    def test_of_kinds_that_end_by_themselves(self, entry, length):
        [injection] = plan(entry)
        assert (injection.at, injection.until) == (15.0, 15.0 + length)


class TestProviders:
    def test_all_are_all_and_a_list_is_one_injection(self):
        [everybody] = plan({"latency": "all"})
        assert everybody.providers == PROVIDERS
        [two] = plan({"partition": ["provider_c", "provider_a"]})
        assert two.providers == ("provider_c", "provider_a")

    def test_any_is_drawn_anew_for_each_repeat(self):
        found = plan({"kill": "any", "at": "1s", "for": "1s", "times": 20, "every": "2s"})
        assert {i.providers for i in found} == {("provider_a",), ("provider_b",), ("provider_c",)}

    def test_any_is_another_with_another_seed(self):
        drawn = {plan({"kill": "any"}, seed=seed)[0].providers for seed in range(30)}
        assert drawn == {(provider,) for provider in PROVIDERS}

    @pytest.mark.parametrize(
        ("entry", "path", "message"),
        [
            ({"kill": "provider_z"}, ("kill", "provider", 0), 'the target has no provider "provider_z", did'),
            ({"kill": ["provider_a", "x"]}, ("kill", "provider", 1), 'no provider "x", known are provider_a'),
            ({"hang": {"provider": "provider_"}}, ("hang", "provider", 0), 'did you mean "provider_'),
            (
                {"random": {"kinds": ["kill"], "count": 1, "for": "1s", "providers": ["b", "provider_a"]}},
                ("random", "providers", 0),
                'the target has no provider "b", ',
            ),
        ],
    )
    def test_unknown_ones_are_refused(self, entry, path, message):
        [(found_path, found)] = refused({"latency": "any"}, entry)
        assert found_path == ("chaos", 1, *path)
        assert message in found

    def test_a_target_without_any_is_refused(self):
        assert [path for path, _ in refused({"kill": "any"}, {"hang": "all"}, providers=())] == [
            *(("chaos", 0, "kill"), ("chaos", 1, "hang"))
        ]

    def test_each_has_its_place_in_the_file(self):
        chaos = """
  - kill: provider_z
  - hang: [provider_a, provider_y]
  - flap: {down: 5s, provider: provider_x}
  - flap: {down: 5s, provider: [provider_a, provider_w]}
  - random: {kinds: [kill], count: 1, for: 1s, providers: [provider_v]}"""
        places = [line.split(": ")[:2] for line in complaints(chaos)]
        assert places == [
            ["f.yml:6:11", "chaos.0.kill"],
            ["f.yml:7:24", "chaos.1.hang.1"],
            ["f.yml:8:32", "chaos.2.flap.provider"],
            ["f.yml:9:45", "chaos.3.flap.provider.1"],
            ["f.yml:10:60", "chaos.4.random.providers.0"],
        ]


class TestBounds:
    def test_all_at_once_have_to_be_allowed(self):
        [(path, message)] = refused({"kill": "all"})
        assert path == ("chaos", 0)
        assert message == (
            "3 of 3 providers are down at 15s (kill-all), safety allows 2: break fewer, or raise it with "
            "`safety: {max_providers_down: 3}`"
        )
        assert plan({"kill": "all"}, max_down=3)

    def test_the_place_and_the_way_out_of_the_message_are_right(self):
        [found] = complaints("\n  - kill: all")
        assert found.startswith("f.yml:6:5: chaos.0: 3 of 3 providers are down at 15s")
        assert not complaints("\n  - kill: all", more="safety: {max_providers_down: 3}")
        [found] = complaints("\n  - kill: any", more="safety: {max_providers_down: 0}")
        assert "1 of 3 providers are down at 15s (kill-any), safety allows 0" in found

    def test_one_provider_alone_is_all(self):
        assert refused({"kill": "any"}, providers=("only",))
        assert plan({"latency": "any"}, providers=("only",))

    def test_overlapping_faults_count_together_and_a_provider_once(self):
        first = {"kill": ["provider_a", "provider_b"], "at": "10s", "for": "10s"}
        assert plan(first, {"hang": "provider_b", "at": "15s", "for": "10s"})
        assert plan(first, {"hang": "provider_c", "at": "20s", "for": "10s"})
        [(path, message)] = refused({"hang": "provider_c", "at": "19.9s", "for": "1s"}, first)
        assert path == ("chaos", 0)
        assert "3 of 3 providers are down at 19.9s (" in message

    def test_each_entry_is_named_once(self):
        found = refused({"kill": "all", "at": "1s", "for": "1s", "times": 5, "every": "2s"}, {"hang": "all"})
        assert [path for path, _ in found] == [("chaos", 0), ("chaos", 1)]

    @pytest.mark.parametrize(
        ("entry", "is_down"),
        [
            *(({kind: "all"}, True) for kind in ("kill", "flap", "restart", "reset", "hang", "partition")),
            *(({kind: "all"}, False) for kind in ("latency", "http_5xx", "stale_head", "ws_close")),
            ({"bandwidth": "all"}, False),
            ({"hang": {"provider": "all", "probability": "50%"}}, False),
            ({"hang": {"provider": "all", "methods": ["eth_call"]}}, False),
            ({"kill": {"provider": "all", "connections": "existing"}}, False),
            ({"kill": {"provider": "all", "connections": "new"}}, True),
            ({"kill": {"provider": "all", "mode": "reset", "probability": 0.9}}, False),
        ],
    )
    def test_what_counts_as_down(self, entry, is_down):
        assert plan(entry, max_down=3)[0].takes_down is is_down
        if is_down:
            assert refused(entry)
        else:
            assert plan(entry, max_down=0)


class TestWindows:
    def test_of_one_fault(self):
        assert windows({"kill": "any", "at": "20s", "for": "10s"}) == {
            "baseline": ((5.0, 20.0),),
            "during:kill-any": ((20.0, 30.0),),
            "recovery:kill-any": ((30.0, 60.0),),
        }

    def test_of_repeats_are_each_and_all(self):
        found = windows({"kill": "any", "at": "20s", "for": "5s", "times": 2, "every": "10s"})
        assert found == {
            "baseline": ((5.0, 20.0),),
            "during:kill-any#1": ((20.0, 25.0),),
            "recovery:kill-any#1": ((25.0, 30.0),),
            "during:kill-any#2": ((30.0, 35.0),),
            "recovery:kill-any#2": ((35.0, 60.0),),
            "during:kill-any": ((20.0, 25.0), (30.0, 35.0)),
            "recovery:kill-any": ((25.0, 30.0), (35.0, 60.0)),
        }

    def test_a_recovery_ends_with_the_next_injection_of_any_fault(self):
        found = windows(
            {"kill": "provider_a", "at": "20s", "for": "10s"},
            {"latency": "provider_b", "at": "25s", "for": "10s"},
            {"hang": "provider_c", "at": "50s", "for": "10s"},
        )
        assert found["recovery:kill-provider_a"] == ((30.0, 50.0),)
        assert found["recovery:latency-provider_b"] == ((35.0, 50.0),)
        assert "recovery:hang-provider_c" not in found

    def test_a_fault_before_the_run_leaves_no_baseline(self):
        found = windows({"kill": "any", "at": "0s", "for": "1s"})
        assert found == {"during:kill-any": ((0.0, 1.0),), "recovery:kill-any": ((1.0, 60.0),)}

    @pytest.mark.parametrize(("lasts", "baseline"), [("4s", ((5.0, 20.0),)), ("4001ms", None)])
    def test_a_fault_that_ends_with_the_warmup_is_none_of_the_run(self, lasts, baseline):
        slow = {"degrade": {"provider": "provider_b", "latency": "80ms"}, "at": "1s", "for": lasts}
        found = windows(slow, {"kill": "provider_a", "at": "20s", "for": "10s"})
        assert found.get("baseline") == baseline

    def test_no_fault_no_windows(self):
        assert windows() == {}

    def test_are_in_the_frame_with_their_cuts_and_segments(self):
        frame = planned("\n  - {kill: any, at: 20s, for: 5s, times: 2, every: 12s}").frame
        assert frame.cuts == (0.0, 5.0, 15.0, 20.0, 25.0, 32.0, 37.0, 45.0, 60.0)
        assert list(frame.segments(frame.windows["during:kill-any"])) == [3, 5]
        assert list(frame.segments(frame.windows["recovery:kill-any#1"])) == [4]
        assert list(frame.segments(frame.windows["recovery:kill-any"])) == [4, 6, 7]
        assert list(frame.segments(frame.windows["run"])) == [1, 2, 3, 4, 5, 6, 7]
        assert frame.windows["during:kill-any"].length == 10.0
        assert [i.name for i in frame.injections] == ["kill-any#1", "kill-any#2"]

    def test_a_frame_is_stored_and_read_again(self):
        flap = "\n  - hang: {provider: any, methods: [eth_call]}"
        frame = planned(f"{flap}\n  - random: {{kinds: [hang], count: 2, for: 1s}}").frame
        assert msgspec.json.decode(msgspec.json.encode(frame), type=Frame) == frame

    def test_a_frame_that_was_stored_before_there_was_chaos_is_read(self):
        frame = planned().frame
        stored = msgspec.to_builtins(frame)
        del stored["injections"]
        for window in [*stored["phases"], *stored["windows"].values()]:
            del window["gaps"]
        assert msgspec.convert(stored, Frame) == frame


class TestSeeds:
    ENTRIES = (
        {"kill": "any", "at": "20s", "for": "1s", "times": 3, "every": "5s"},
        {"random": {"kinds": ["latency", "hang", "restart"], "count": 4, "for": ["1s", "3s"]}},
        {"latency": {"provider": "any", "probability": "50%"}},
    )

    def test_the_same_one_gives_the_same_plan(self):
        assert plan(*self.ENTRIES) == plan(*self.ENTRIES)
        assert len({plan(*self.ENTRIES, seed=seed) == plan(*self.ENTRIES) for seed in (1, 2)}) == 2

    @pytest.mark.parametrize("without", range(3))
    def test_a_fault_more_leaves_the_draws_of_the_others_alone(self, without):
        fewer = [entry for i, entry in enumerate(self.ENTRIES) if i != without]
        assert set(map(repr, plan(*fewer))) < set(map(repr, plan(*self.ENTRIES)))

    def test_their_order_does_not_matter(self):
        turned = plan(*reversed(self.ENTRIES))
        assert sorted(map(repr, turned)) == sorted(map(repr, plan(*self.ENTRIES)))

    def test_a_repeat_more_leaves_those_before_it_alone(self):
        more = {**self.ENTRIES[0], "times": 5}
        assert plan(more)[:3] == plan(self.ENTRIES[0])

    def test_draws_of_the_fault_itself_have_a_seed_unless_one_is_written(self):
        drawn = [i.attributes["seed"] for i in plan(self.ENTRIES[0])]
        assert len(set(drawn)) == 3
        assert plan({"kill": {"provider": "any", "seed": 5}})[0].attributes["seed"] == 5
        assert "seed" not in plan({"lag": "any"})[0].attributes


def test_random_faults_bring_what_their_kinds_need():
    kinds = ["restart", "bandwidth", "hang"]
    found = plan({"random": {"kinds": kinds, "count": 20, "for": ["100ms", "900ms"], "gap": "100ms"}})
    assert {i.kind for i in found} == set(kinds)
    for injection in found:
        length = round((injection.until - injection.at) * 1e3)
        expected = {"restart": {"down_ms": length}, "bandwidth": {"rate": 10}, "hang": {}}[injection.kind]
        assert {k: v for k, v in injection.attributes.items() if k != "seed"} == expected


def test_rows_for_people():
    found = plan(
        {"flap": {"provider": "provider_b", "down": "1500ms", "up": "1s", "times": 2}},
        {"rpc_error": {"provider": ["provider_a", "provider_c"], "methods": ["eth_call", "eth_gasPrice"]}},
        {"bandwidth": {"provider": "all", "rate": "64KB/s"}, "at": "50s"},
    )
    assert len(INJECTION_COLUMNS) == 7
    assert injection_rows(found) == [
        ["flap-provider_b", "15s", "19s", "4s", "flap", "provider_b", "down=1.5s up=1s times=2"],
        [
            *("rpc_error-provider_a+provider_c", "15s", "45s", "30s", "rpc_error", "provider_a, provider_c"),
            "methods=eth_call,eth_gasPrice",
        ],
        [
            *("bandwidth-all", "50s", "1m", "10s", "bandwidth", "provider_a, provider_b, provider_c"),
            "rate=64KB/s",
        ],
    ]


# Properties

milliseconds = st.integers(1, 70_000).map(lambda n: f"{n}ms")
kinds = st.sampled_from(["kill", "hang", "latency", "restart", "http_5xx", "partition"])
struck = st.one_of(
    st.sampled_from(["any", "all"]),
    st.lists(st.sampled_from(PROVIDERS), min_size=1, max_size=3, unique=True),
)


@st.composite
def entries(draw):
    """Some faults with names of their own."""
    found = []
    for number in range(draw(st.integers(0, 5))):
        kind = draw(kinds)
        entry = {kind: draw(struck), "name": f"n{number}", "at": f"{draw(st.integers(0, 58_999))}ms"}
        if kind != "restart" and draw(st.booleans()):
            entry["for"] = draw(milliseconds)
        elif kind != "restart" and draw(st.booleans()):
            times = {"at": f"{draw(st.integers(0, 14_999))}ms", "for": f"{draw(st.integers(1, 10_000))}ms"}
            entry |= {**times, "times": draw(st.integers(1, 4)), "every": "10001ms"}
        found.append(entry)
    return found


@st.composite
def random_entry(draw):
    """One `random` that fits into its phase."""
    shortest, longest = sorted([draw(st.integers(1, 3_000)), draw(st.integers(1, 3_000))])
    phase = draw(st.sampled_from(list(PHASES)))
    gap, count = draw(st.integers(0, 500)), draw(st.integers(1, 30))
    assume(count * shortest + (count - 1) * gap <= PHASES[phase] * 1e3)
    faults = {"kinds": draw(st.lists(kinds, min_size=1)), "count": count, "in": phase, "gap": f"{gap}ms"}
    return {"random": {**faults, "for": [f"{shortest}ms", f"{longest}ms"]}}, shortest, longest, gap, phase


def down_at(injections: tuple[Injection, ...], moment: float) -> set[str]:
    return {p for i in injections if i.takes_down and i.at <= moment < i.until for p in i.providers}


def test_faults_of_a_plan_are_never_more_than_allowed():
    refusals = 0

    @settings(max_examples=80, deadline=None)
    @given(faults=entries(), drawn=random_entry(), seed=st.integers(0, 99), max_down=st.integers(0, 3))
    def check(faults, drawn, seed, max_down):
        nonlocal refusals
        try:
            found = plan(*faults, drawn[0], seed=seed, max_down=max_down)
        except Misplanned:
            refusals += 1
            return
        assert all(len(down_at(found, i.at)) <= max_down for i in found)

    check()
    assert refusals


@settings(max_examples=80, deadline=None)
@given(drawn=random_entry(), seed=st.integers(0, 99))
def test_random_faults_keep_to_their_bounds_and_are_never_refused(drawn, seed):
    entry, shortest, longest, gap, phase = drawn
    found = plan(entry, seed=seed)
    start = {"warmup": 0, "steady": 5_000, "battle": 15_000, "recovery": 45_000}[phase]
    times = [(round(i.at * 1e3), round(i.until * 1e3)) for i in found]
    assert [i.name for i in found] == [f"random#{k}" for k in range(1, len(found) + 1)]
    assert len(found) == entry["random"]["count"]
    assert all(shortest <= until - at <= longest for at, until in times)
    assert all(at - until >= gap for (_, until), (at, _) in pairwise(times))
    assert times[0][0] >= start
    assert times[-1][1] <= start + PHASES[phase] * 1e3
    assert {i.kind for i in found} <= set(entry["random"]["kinds"])
    assert all(len(down_at(found, i.at)) <= 1 for i in found)
    assert plan(entry, seed=seed) == found


@settings(max_examples=80, deadline=None)
@given(faults=entries(), drawn=random_entry(), seed=st.integers(0, 99))
def test_windows_neither_overlap_wrongly_nor_leave_anything_out(faults, drawn, seed):
    injections = plan(*faults, drawn[0], seed=seed, max_down=3)
    run = Window("run", 5.0, END)
    found = {window.name: window for window in chaos_windows(injections, run)}
    starts = [i.at for i in injections]
    for injection in injections:
        during = found[f"during:{injection.name}"]
        assert during.stretches == ((injection.at, injection.until),)
        recovery = found.get(f"recovery:{injection.name}")
        if recovery is None:
            assert injection.until in (*starts, END)
        else:
            assert recovery.start == injection.until
            assert recovery.end in (*starts, END)
            assert not [at for at in starts if recovery.start <= at < recovery.end]
    for name, window in found.items():
        assert all(start < end for start, end in window.stretches)
        assert all(end < start for (_, end), (start, _) in pairwise(window.stretches))
        assert 0 <= window.start < window.end <= END
        if name == "baseline":
            assert window.stretches == ((5.0, min(i.at for i in injections if i.until > 5.0)),)
    for fault in {i.fault for i in injections}:
        parts = [found[f"during:{i.name}"] for i in injections if i.fault == fault]
        assert sum(w.length for w in parts) == pytest.approx(found[f"during:{fault}"].length)
