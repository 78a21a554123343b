"""Each renderer on each scene, compared with tests/golden; `make golden` rewrites, people review."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from battlectl.errors import ExitCode
from battlectl.report.junit import render_junit
from battlectl.report.markdown import render_markdown
from battlectl.report.terminal import SuiteRow, render_suite, render_summary
from battlectl.report.timeline import render_timeline
from tests.report.scenes import SCENES, hostile, hostile_faults

RENDERERS: dict[str, Callable[..., str]] = {
    "report.md": render_markdown,
    "junit.xml": render_junit,
    "summary-60.txt": lambda document: render_summary(document, 60, folder="results/some-run"),
    "summary-100.txt": lambda document: render_summary(document, 100, folder="results/some-run"),
    "summary-colour.txt": lambda document: render_summary(document, 100, colour=True),
    "timeline-100.txt": lambda document: render_timeline(document, 100) + "\n",
    "timeline-60.txt": lambda document: render_timeline(document, 60) + "\n",
}


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_is_rendered_as_reviewed(scene, renderer, golden):
    golden(f"{scene}-{renderer}", RENDERERS[renderer](SCENES[scene]()))


def test_a_hostile_scene_is_rendered_as_reviewed(golden):
    golden("hostile-report.md", render_markdown(hostile()))


@pytest.mark.parametrize("renderer", ["report.md", "junit.xml", "summary-100.txt", "timeline-60.txt"])
def test_hostile_faults_are_rendered_as_reviewed(renderer, golden):
    golden(f"hostile-faults-{renderer}", RENDERERS[renderer](hostile_faults()))


@pytest.mark.parametrize("width", [60, 100])
def test_a_suite_is_rendered_as_reviewed(width, golden):
    rows = [
        SuiteRow(
            "Steady reads", "pass", ExitCode.PASS, 12.3, "results/steady-reads/20260301T120000Z-6f2a9c01"
        ),
        SuiteRow("A provider dies under load" * 3, "fail", ExitCode.FAILED, 75.0, "results/dies/x"),
        SuiteRow("scenarios/broken.yml", "not run", ExitCode.USAGE, 0.0),
    ]
    golden(f"suite-{width}.txt", render_suite(rows, width))
