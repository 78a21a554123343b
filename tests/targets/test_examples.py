"""Every kind of target has an example in config/, and one that could not be tried says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from battlectl.scenario.parse_target import parse_target
from battlectl.targets import ADAPTERS

CONFIG = Path(__file__).parents[2] / "config"
DOCS = (Path(__file__).parents[2] / "docs" / "targets.md").read_text()
NEVER_RUN = ("erpc", "proxyd")


@pytest.mark.parametrize("kind", sorted(set(ADAPTERS) - {"lab"}))
def test_every_kind_has_an_example_that_is_valid_and_a_section(kind):
    text = (CONFIG / f"{kind}.example.yml").read_text()
    assert parse_target(text, kind, {}).target.kind == kind
    assert ("was run to try this" in text) == (kind in NEVER_RUN)
    assert f"\n## {kind}\n" in DOCS
    assert f"| `{kind}` |" in DOCS


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(version: .*?)```", DOCS, re.DOTALL))
def test_every_example_of_the_page_is_valid(block):
    assert parse_target(block, "docs", {}).target
