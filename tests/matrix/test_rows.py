"""What a trial comes to: the right accusation, another one, none."""

import pytest

from tests.matrix.kinds import kinds_of
from tests.matrix.places import when_of, who_of
from tests.matrix.rows import row_of_defect, row_of_sound
from tests.matrix.trial import Ran
from tests.matrix.words import markdown


def finding(name, weighs, kind="objective", measured=None):
    return {
        "kind": kind,
        "name": name,
        "weighs": weighs,
        "summary": "so it was",
        "measured": measured,
        "measured_text": str(measured),
        "expected": "== 100%",
        "first": None,
    }


def ran(verdict, *findings):
    return Ran(0, "", {"verdict": verdict, "findings": list(findings), "faults": []})


BAD_RATE = finding("success_rate == 100%", "fail", measured=0.9)
GOOD_RATE = finding("success_rate >= 90%", "pass", measured=0.99)
BAD_HEAD = finding("head", "fail", "check")
UNSURE = finding("proof", "inconclusive", "check")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("success_rate >= 90%", {"availability"}),
        ("outcomes.timeout == 0", {"availability"}),
        ("outcomes.malformed == 0", {"replies"}),
        ("latency.p95 < 1s", {"latency"}),
        ("amplification < 2", {"amplification"}),
        ("recovery_time(kill-a) < 5s", {"failover"}),
        ("breaker(provider_a).opens >= 1", {"breaker"}),
        ("subscription(heads).gaps == 0", {"continuity"}),
        ("success_rate == 100% in during:kill-a", {"availability", "failover"}),
        ("success_rate == 100% in recovery:kill-a", {"availability"}),
        ("outcomes.rpc_error == 0", {"availability", "errors"}),
    ],
)
def test_the_kind_of_an_objective_is_that_of_its_metric_and_of_what_alone_can_keep_it(name, kinds):
    assert kinds_of(finding(name, "fail")) == kinds


def test_the_kind_of_a_check_is_its_name_but_memory_leaks():
    assert kinds_of(finding("head", "fail", "check")) == {"head"}
    assert kinds_of(finding("leak", "fail", "check")) == {"memory"}


def test_a_defect_is_caught_by_what_it_declared_and_by_nothing_else():
    caught = row_of_defect("d", "head", "s", ran("fail", BAD_RATE, BAD_HEAD))
    assert (caught.fate, caught.by, caught.others) == ("caught", "head: so it was", "availability")
    assert row_of_defect("d", "routing", "s", ran("fail", BAD_RATE)).fate == "wrong reason"
    assert row_of_defect("d", "availability", "s", ran("fail", BAD_RATE)).margin == "0.9 (wanted == 100%)"


@pytest.mark.parametrize("verdict", ["pass", "inconclusive"])
def test_who_is_not_accused_is_missed(verdict):
    row = row_of_defect("d", "head", "s", ran(verdict, UNSURE))
    assert (row.fate, row.by) == ("missed", f"{verdict}: proof: so it was")


def test_a_sound_gateway_is_not_to_be_accused():
    assert row_of_sound("s", 1, ran("fail", BAD_HEAD)).fate == "false alarm"
    assert row_of_sound("s", 1, ran("inconclusive", UNSURE)).fate == "unsure"
    sound = row_of_sound("s", 1, ran("pass", GOOD_RATE))
    assert (sound.fate, sound.margin) == ("sound", "0.99 (wanted == 100%)")


def test_a_trial_without_a_report_is_no_evidence():
    broken = Ran(2, "no such defect", None)
    assert row_of_defect("d", "head", "s", broken).fate == "broken"
    assert row_of_sound("s", 1, broken).fate == "broken"


def example(due_s, seen):
    return {"due_s": due_s, "seen": seen}


FAULTS = [
    {"at_s": 1.0, "providers": [{"provider": "provider_a"}]},
    {"at_s": 5.0, "providers": [{"provider": "provider_b"}]},
]


@pytest.mark.parametrize(
    ("summary", "first", "who", "when"),
    [
        ("97 %", None, "(provider_a, provider_b)", None),
        ("97 %", example(2.5, "status 502"), "(provider_a)", 2.5),
        ("97 %", example(0.5, "status 502"), "", 0.5),
        ("97 %", example(2.5, "by provider_c"), "provider_c", 2.5),
        ("of 9, 2 (first at 1.25s, by provider_b: gone)", None, "provider_b", 1.25),
        ("provider_a got 5% from 3s to 11s", None, "provider_a", 3.0),
        ("30; first: block 3 never came (heads/0.0, 2.15s to 10s)", None, "(provider_a)", 2.15),
        ("97 files were open, and 11s later 403", None, "(provider_a, provider_b)", None),
    ],
)
def test_whom_and_which_moment_a_finding_names(summary, first, who, when):
    told = {"name": "it", "summary": summary, "first": first}
    assert (who_of(told, {"faults": FAULTS}), when_of(told)) == (who, when)


def test_the_page_on_soundness_has_a_row_for_each_scenario():
    rows = [row_of_sound("s", 1, ran("pass", GOOD_RATE)), row_of_sound("s", 2, ran("inconclusive", UNSURE))]
    *_, last = markdown("Soundness", rows, "1 sound, 1 unsure").splitlines()
    assert [cell.strip() for cell in last.strip("|").split("|")] == [
        "s",
        "1 sound, 1 unsure",
        "0.99 (wanted == 100%)",
        "sound, seed 2: proof: so it was",
    ]
