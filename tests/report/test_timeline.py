"""The timeline at its edges: one slice, 3,600, none; nothing wider than asked, no trouble hidden."""

from __future__ import annotations

import pytest

from battlectl.observe.tally import Row, Tally
from battlectl.report.series import series_json
from battlectl.report.timeline import LANES, render_timeline
from tests.report.scenes import SCENES, hostile


def document_of(outcomes, width=1, length=None, how="completed", p95=None):
    """A document with these outcomes per slice, and one phase."""
    length = length or max(1, len(outcomes)) * width
    tally = Tally()
    seconds = None if p95 is None else p95 / 1e3
    for number, counts in enumerate(outcomes):
        if counts:
            tally.rows["reads", "eth_call", number] = Row(counts, seconds, seconds, seconds)
    return {
        "frame": {"phases": [{"name": "steady", "start": 0, "end": length}]},
        "ending": {"how": how, "at_s": length, "reason": ""},
        "series": series_json(tally, width),
    }


def lane(text, name):
    """The cells of one lane."""
    return next(line.split("|")[1] for line in text.splitlines() if line.startswith(name))


@pytest.mark.parametrize("width", [50, 60, 80, 100, 200])
@pytest.mark.parametrize("scene", [*SCENES, "hostile"])
def test_no_line_is_wider_than_asked(scene, width):
    document = hostile() if scene == "hostile" else SCENES[scene]()
    assert max(map(len, render_timeline(document, width).splitlines())) <= width


@pytest.mark.parametrize("slices", [1, 2, 69, 70, 3600])
def test_every_lane_has_the_same_length_for_any_number_of_slices(slices):
    text = render_timeline(document_of([{"ok": 10}] * slices, width=10, p95=12.0))
    lengths = {line.index("|", 13) for line in text.splitlines() if "|" in line}
    assert len(lengths) == 1
    assert text.isascii()


def test_nothing_at_all_is_blank_and_says_so():
    text = render_timeline(document_of([{}, {}, {}]))
    assert lane(text, "success").strip() == ""
    assert "no arrivals" in text
    assert "no samples" in text


def test_one_bad_slice_of_3600_is_seen():
    outcomes = [{"ok": 10}] * 3_600
    outcomes[1_800] = {"ok": 9, "timeout": 1}
    text = render_timeline(document_of(outcomes, width=10, p95=1.0))
    assert lane(text, "success").count("x") == 1
    assert lane(text, "failures/s").strip()
    assert "worst 90%" in text


def test_the_success_marks():
    outcomes = [{"ok": 100}, {"ok": 99, "reset": 1}, {"ok": 50, "reset": 50}, {"ok": 49, "reset": 51}, {}]
    cells = lane(render_timeline(document_of(outcomes), width=100), "success")
    assert "".join(dict.fromkeys(cells)) == ".+xX "


def test_a_last_stub_of_a_slice_makes_no_peak():
    text = render_timeline(document_of([{"ok": 10}, {"ok": 1}], length=1.001, how="interrupted"))
    assert "peak 10/s" in text


def test_an_early_end_is_told():
    document = SCENES["interrupted"]()
    assert "interrupted after" in render_timeline(document)
    assert "of 12s" in render_timeline(document)


def test_a_lane_is_a_function_of_the_spans():
    assert [lane_of.__name__ for lane_of in LANES] == ["_arrivals", "_success", "_p95", "_failures"]
