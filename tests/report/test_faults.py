"""What the faults did, in report.json and in report.md: proof, windows, figures, breakers, who served."""

from __future__ import annotations

import copy
import json

import pytest

from battlectl.analyse.faults.figure import Figure, exact, not_observable
from battlectl.errors import ExitCode
from battlectl.report.document import encode_document
from battlectl.report.document_faults import figure_json
from battlectl.report.faults_words import show_figure, show_recovery, show_time
from battlectl.report.markdown import render_markdown
from battlectl.report.original import original_names
from battlectl.report.timeline import render_timeline
from tests.analyse.faulted import faulted, injection
from tests.report.scenes import SCENES, document_of, hostile_faults

FAILING = "new:ok@19 kept:ok@19 new:http_error(503)@20.2-29 kept:http_error(503)@20.2-29 new:ok@30.2"
TRIPPED = "a:10@0-21 a:0@21-30 a:10@30-40 b:10@0-20 b:20@20-30 b:10@30-40"
SECTIONS = ("## Faults", "## What each fault did", "## Breakers", "## Who served in each window")


def fault(document, name):
    """One entry of `faults`."""
    return next(entry for entry in document["faults"] if entry["name"] == name)


@pytest.fixture(scope="module")
def document():
    return SCENES["faults"]()


class TestProof:
    def test_each_injection_has_the_worst_of_its_providers(self, document):
        found = {
            entry["name"]: (entry["proof"], {part["provider"]: part["proof"] for part in entry["providers"]})
            for entry in document["faults"]
        }
        assert found == {
            "kill-provider_a": ("confirmed", {"a": "confirmed"}),
            "latency-b": ("mismatch", {"b": "mismatch"}),
            "errors": ("mismatch", {"b": "unproven", "a": "mismatch"}),
        }

    def test_planned_and_real_times_stand_side_by_side(self, document):
        kill, errors = fault(document, "kill-provider_a"), fault(document, "errors")
        assert (kill["at_s"], kill["until_s"]) == (10.0, 20.0)
        assert [(p["injected_s"], p["healed_s"]) for p in kill["providers"]] == [(10.1, 20.1)]
        assert [(p["injected_s"], p["healed_s"]) for p in errors["providers"]] == [(None, None), (28.1, 34.1)]

    def test_both_sides_and_the_reasons_are_words(self, document):
        kill = fault(document, "kill-provider_a")["providers"][0]
        assert "10 new refused, 1 kept reset" in kill["provider_side"]
        assert "0 calls reached it" in kill["client_side"]
        assert kill["reasons"] == []
        refused = fault(document, "errors")["providers"][0]
        assert refused["reasons"] == ["the driver could not inject it: no_such_proxy"]

    def test_connections_of_both_sorts_are_counted(self, document):
        assert fault(document, "kill-provider_a")["providers"][0]["connections"] == {
            "new": {
                "before": {"probes": 1, "ok": 1},
                "during": {"probes": 10, "ok": 0},
                "after": {"probes": 14, "ok": 14},
                "shown": 10,
            },
            "kept": {
                "before": {"probes": 1, "ok": 1},
                "during": {"probes": 1, "ok": 0},
                "after": {"probes": 0, "ok": 0},
                "shown": 1,
            },
        }

    def test_the_driver_and_the_lease_are_told(self, document):
        assert document["chaos"] == {
            "driver": "toxiproxy",
            "leftovers": [],
            "lease_lost": [{"at_s": 30.5, "note": "the lab does not know it"}],
            "crashed": [],
        }


class TestFigures:
    def test_windows_stand_side_by_side(self, document):
        windows = fault(document, "kill-provider_a")["windows"]
        assert {role: (w["seen"]["total"], w["seen"]["success_ratio"]) for role, w in windows.items()} == {
            "baseline": (200, 1.0),
            "during": (200, 0.95),
            "recovery": (40, 1.0),
        }
        during = windows["during"]
        assert (during["failovers"]["value"], during["failovers"]["source"]) == (20, "metadata")
        assert during["failover_latency_max_ms"]["value"] == pytest.approx(80.0)
        assert during["amplification_ratio"]["value"] == pytest.approx(1.1)
        assert during["seen"]["arrivals_per_s"] == 20.0

    def test_recovery_counts_from_harm_and_from_healing(self, document):
        kill = fault(document, "kill-provider_a")
        assert (kill["recovered"], kill["recovery_time_s"]["value"]) == (True, 2.0)
        assert kill["recovery_from_heal_s"]["value"] == 0.0
        assert kill["unavailability_s"]["value"] == 2.0

    def test_not_to_recover_is_a_value(self):
        kill = fault(SCENES["leftover"](), "kill-provider_a")
        time = kill["recovery_time_s"]
        assert (kill["recovered"], time["observable"], time["least"], time["most"]) == (
            False,
            True,
            20.0,
            None,
        )
        assert show_recovery(kill) == "did not recover (at least 20s)"
        assert not kill["recovery_from_heal_s"]["observable"]  # It was never healed.

    def test_too_few_good_seconds_before_the_next_fault_leave_it_open(self):
        two = injection(at=32.0, until=33.0, name="next")
        evidence = faulted(injection(name="kill"), two, reads="20*ok@0-20 20*refused@20-30 20*ok@30-40")
        kill = fault(document_of(evidence, ExitCode.INCONCLUSIVE), "kill")
        assert (kill["recovered"], kill["recovery_time_s"]["most"]) == (None, None)
        assert show_recovery(kill) == "not seen to recover (at least 10s)"

    def test_from_healing_counts_from_when_it_was_healed(self):
        evidence = faulted(
            injection(),
            reads="20*ok@0-20 20*refused@20-33 20*ok@33-40",
            deeds="inject@20-20.1 heal@30-30.4",
        )
        entry = document_of(evidence, ExitCode.INCONCLUSIVE)["faults"][0]
        assert entry["recovery_time_s"]["value"] == 13.0
        assert entry["recovery_from_heal_s"]["value"] == pytest.approx(2.6)

    def test_what_nobody_saw_has_no_number_and_a_reason(self, document):
        for figure in (
            fault(document, "kill-provider_a")["detection_time_s"],
            fault(document, "latency-b")["failover_time_s"],
        ):
            assert not figure["observable"]
            assert (figure["value"], figure["least"], figure["most"], figure["source"]) == (None,) * 4
            assert figure["words"]

    def test_a_window_that_the_run_never_came_to_has_no_figures(self):
        cut = faulted(injection(), reads="20*ok@0-20", deeds="inject@20-20.1", ended_at=20.5)
        windows = document_of(cut, ExitCode.INTERRUPTED)["faults"][0]["windows"]
        assert windows["recovery"]["seen"] is None
        assert windows["recovery"]["failovers"]["words"] == "the run had no such time"

    @pytest.mark.parametrize(
        ("figure", "words"),
        [
            (exact(2.0, 5, "client"), "2s"),
            (Figure(1.0, 2.0, 5, "client"), "1s to 2s"),
            (Figure(20.0, float("inf"), 5, "client"), "at least 20s"),
            (Figure(0.0, float("inf"), 5, "client"), "not observable"),
            (Figure(1.0, 2.0, 0, "client"), "not observable"),
            (not_observable("why"), "not observable"),
        ],
    )
    def test_a_figure_is_stored_and_shown_as_what_is_known(self, figure, words):
        stored = json.loads(json.dumps(figure_json(figure), allow_nan=False))
        assert show_time(stored) == words
        assert stored["observable"] == figure.is_observable
        if not figure.is_observable:
            assert (stored["value"], stored["least"], stored["most"]) == (None, None, None)

    def test_ends_that_look_the_same_are_shown_once(self):
        assert show_figure(figure_json(Figure(1.0, 1.0004, 1, "client")), lambda s: f"{s:.1f}") == "1.0"


class TestDistribution:
    def test_who_served_is_told_window_by_window(self, document):
        found = {
            window["window"]: {row["provider"]: row["requests"] for row in window["providers"]}
            for window in document["distribution"]
        }
        assert found["baseline"] == {"a": 100, "b": 100}
        assert found["during:kill-provider_a"] == {"b": 200}
        assert found["recovery:kill-provider_a"] == {"a": 20, "b": 20}

    def test_from_counters_nothing_is_known_of_how_they_ended(self):
        evidence = faulted(injection(), counts="a:10@0-20 a:0@20-30 a:10@30-40 b:10@0-40")
        window = document_of(evidence, ExitCode.INCONCLUSIVE)["distribution"][1]
        assert window["source"] == "counters"
        assert {(row["success_ratio"], row["p95_ms"]) for row in window["providers"]} == {(None, None)}
        assert "how they ended is not observable" in window["words"]


class TestBreakers:
    def test_what_is_seen_is_told_as_lanes_and_figures(self):
        evidence = faulted(injection("http_5xx", name="errors"), probes=FAILING, counts=TRIPPED)
        (a, b) = document_of(evidence, ExitCode.INCONCLUSIVE)["breakers"]
        assert (a["provider"], a["observable"], a["source"], a["transport"]) == ("a", True, "counters", None)
        assert (a["opens"]["value"], b["opens"]["value"]) == (1, 0)
        assert not a["half_opens"]["observable"]
        assert a["lanes"][0]["state"] == "closed"
        opened = next(lane for lane in a["lanes"] if lane["state"] == "open")
        assert opened["from_s"] == pytest.approx(21.0, abs=0.5)
        assert opened["to_s"] == pytest.approx(30.0, abs=0.5)

    def test_what_is_not_seen_says_why(self):
        (a,) = document_of(faulted(injection()), ExitCode.INCONCLUSIVE)["breakers"]
        assert (a["observable"], a["source"], a["lanes"]) == (False, None, [])
        assert a["words"] == "its calls were not counted without a fault"
        assert not a["opens"]["observable"]

    def test_the_original_names_are_null_where_nothing_is_seen(self):
        original = document_of(faulted(injection()), ExitCode.INCONCLUSIVE)["analysis"]["circuit_breaker"]
        assert original == dict.fromkeys(("state_changes", "opens", "closes", "half_opens", "time_open_ms"))
        without = SCENES["pass"]()["analysis"]["circuit_breaker"]
        assert set(without.values()) == {None}

    def test_the_original_names_are_sums_where_all_is_seen(self):
        evidence = faulted(injection("http_5xx", name="errors"), probes=FAILING, counts=TRIPPED)
        original = document_of(evidence, ExitCode.INCONCLUSIVE)["analysis"]["circuit_breaker"]
        assert (original["opens"], original["closes"], original["half_opens"]) == (1, 1, None)
        assert original["state_changes"] is None

    def test_the_original_time_is_null_unless_it_is_known_to_the_second(self):
        def breaker(least, most):
            count = figure_json(exact(1.0, 9, "counters"))
            time = figure_json(Figure(least, most, 9, "counters"))
            return {"opens": count, "closes": count, "half_opens": count, "time_open_s": time}

        evidence = faulted()
        sharp, blunt, endless = breaker(8.5, 9.0), breaker(0.0, 9.0), breaker(1.0, float("inf"))
        found = [
            original_names(evidence, breakers)["circuit_breaker"]
            for breakers in ([sharp, sharp], [sharp, blunt], [sharp, endless])
        ]
        assert [one["time_open_ms"] for one in found] == [17_500.0, None, None]
        assert [(one["opens"], one["state_changes"]) for one in found] == [(2, 6)] * 3


class TestMarkdown:
    @pytest.mark.parametrize("scene", ["pass", "fail", "inconclusive", "interrupted", "empty"])
    def test_a_run_without_faults_has_nothing_of_it(self, scene):
        document, text = SCENES[scene](), render_markdown(SCENES[scene]())
        assert (document["faults"], document["breakers"], document["distribution"]) == ([], [], [])
        assert not [section for section in SECTIONS if section in text]
        assert "faults:" not in render_timeline(document)

    def test_a_run_with_faults_has_all_of_it(self, document):
        text = render_markdown(document)
        assert [section for section in SECTIONS if section in text] == list(SECTIONS)

    def test_the_first_line_says_what_a_person_must_do(self):
        first = render_markdown(SCENES["leftover"]()).splitlines()[0]
        assert first.startswith("**A person must act:** kill-provider_a (kill) may still be in force at a")
        assert first.endswith("curl -X DELETE http://127.0.0.1:8474/proxies/a/toxics/kill-provider_a")

    def test_a_leftover_is_told_though_nothing_was_planned(self):
        evidence = faulted(deeds="", leftovers=["an old kill is in force at a"])
        text = render_markdown(document_of(evidence, ExitCode.UNHEALED))
        assert text.startswith("**A person must act:** an old kill is in force at a")
        assert not [section for section in SECTIONS if section in text]

    def test_of_a_run_that_never_began_the_reason_comes_first(self):
        assert (
            "Nothing was sent: impossible: lag-a: the haproxy driver cannot do lag; it can do kill, flap and "
            "partition (exit code 2: bad usage or scenario)"
        ) in render_markdown(SCENES["impossible"]())

    def test_hostile_texts_stay_texts(self):
        text = render_markdown(hostile_faults())
        outside = "".join(text.split("```")[::2])
        assert "<script>" not in outside
        assert "\n# PASS" not in text
        assert "\x1b" not in text

    def test_a_report_from_before_there_were_faults_is_still_rendered(self, document):
        old = copy.deepcopy(SCENES["pass"]())
        for name in ("chaos", "faults", "breakers", "distribution"):
            del old[name]
        assert render_markdown(old) == render_markdown(SCENES["pass"]())

    def test_a_hundred_faults_are_told_in_part_and_counted(self, document):
        many = {**document, "faults": document["faults"] * 34}
        text = render_markdown(many)
        assert "62 more faults, 42 of them not confirmed, are in report.json." in text

    def test_figures_that_crashed_are_told(self, document, monkeypatch):
        monkeypatch.setattr("battlectl.report.document_faults.breaker_accounts", lambda known: 1 / 0)
        crashed = document_of(faulted(injection()), ExitCode.INCONCLUSIVE)
        assert crashed["chaos"]["crashed"] == ["breakers: ZeroDivisionError: division by zero"]
        assert crashed["faults"]
        assert "Figures could not be made: breakers: ZeroDivisionError" in render_markdown(crashed)


class TestTimeline:
    def lanes(self, document, width=100):
        """By name, the cells."""
        lines = [line for line in render_timeline(document, width).splitlines() if "|" in line]
        return {line.split("|")[0].strip(): line.split("|")[1] for line in lines}

    def test_each_fault_is_marked_where_it_was(self, document):
        lanes = self.lanes(document)
        kill = lanes["kill-provider_a"]
        assert set(kill) == {" ", "#"}
        assert kill.index("#") == pytest.approx(len(kill) * 10.1 / 40, abs=1)
        assert kill.rindex("#") == pytest.approx(len(kill) * 20.1 / 40, abs=1)
        assert set(lanes["latency-b"]) == {" ", "!"}

    def test_a_short_fault_of_a_long_run_is_seen(self):
        blink = injection(at=20.0, until=20.01)
        evidence = faulted(blink, deeds="inject@20-20.001 heal@20.01-20.011")
        lanes = self.lanes(document_of(evidence, ExitCode.INCONCLUSIVE), 60)
        assert len(lanes["kill-a"].strip()) == 1

    def test_repeats_share_a_lane_and_too_many_are_counted(self):
        repeats = [injection(at=4.0 * n, until=4.0 * n + 2, name=f"k#{n}", repeat_of="k") for n in range(5)]
        others = [injection(at=20.0, until=21.0, name=f"x{n}") for n in range(14)]
        document = document_of(faulted(*repeats, *others, deeds=""), ExitCode.INCONCLUSIVE)
        lanes = self.lanes(document)
        assert [len(stretch) for stretch in lanes["k"].split()] == pytest.approx([4] * 5, abs=1)
        assert "3 more faults have no lane here" in render_timeline(document)


def test_the_document_is_json_without_infinities(document):
    assert b"Infinity" not in encode_document(document)
