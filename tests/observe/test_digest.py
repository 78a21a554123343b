"""Why verdicts do not come from a t-digest: it interpolates across the empty middle that failures leave.

These are tests of a limit that is known, so that nobody takes the exported digest for the record: should a
later version of the package be right here, they fail, and the limit can be taken out of the documentation.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tdigest import TDigest

import battlectl
from battlectl.observe.digest import centroids
from battlectl.observe.sketch import Sketch
from tests.observe.samples import clustered, lognormal, nearest_rank, sketch_of, two_valued


def digest_of(values: list[float]) -> TDigest:
    """A digest of the exported centroids, in milliseconds, as a reader of report.json would build it."""
    digest = TDigest()
    for mean, weight in centroids(sketch_of(values)):
        digest.update(mean, weight)
    return digest


def test_the_centroids_hold_every_sample_in_ascending_order():
    found = centroids(sketch_of(lognormal(5_000)))
    assert sum(weight for _, weight in found) == pytest.approx(5_000)
    assert found == sorted(found)
    mean = sum(m * w for m, w in found) / 5_000
    assert mean == pytest.approx(sketch_of(lognormal(5_000)).mean * 1e3, rel=0.005)


def test_no_samples_have_no_centroids():
    assert centroids(Sketch()) == []


def test_on_smooth_samples_the_digest_is_right():
    values = lognormal(5_000)
    assert digest_of(values).percentile(95) == pytest.approx(nearest_rank(values, "95") * 1e3, rel=0.05)


@pytest.mark.parametrize(("percent", "truth"), [(90, 0.2), (99, 0.2)])
def test_on_two_values_the_digest_is_far_off_and_the_sketch_is_right(percent, truth):
    values = two_valued(10_000)
    assert sketch_of(values).quantile(percent / 100) * 1e3 == pytest.approx(truth, rel=0.005)
    assert digest_of(values).percentile(percent) > 100 * truth


def test_on_a_cluster_and_a_few_slow_ones_the_digest_is_far_off_and_the_sketch_is_right():
    values = clustered()
    truth = nearest_rank(values, "93") * 1e3
    assert truth == pytest.approx(8.0)
    assert sketch_of(values).quantile(0.93) * 1e3 == pytest.approx(truth, rel=0.005)
    assert digest_of(values).percentile(93) > 10 * truth


def test_nothing_that_judges_reads_the_digest():
    """Only the stored document asks for centroids: no check and no objective can."""
    package = Path(battlectl.__file__).parent
    asking = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "battlectl.observe.digest"
    }
    assert asking == {"report/document.py"}
