"""What is known of the providers of a target that its config file describes."""

from pathlib import Path

from battlectl.commands.masking import Masker
from battlectl.commands.prepare import prepare
from battlectl.targets.addressed import open_addressed
from battlectl.targets.site import describe_site

SCENARIO = """
version: 1
name: Site
phases: {battle: 1s}
load: {reads: {rate: 1/s, calls: [eth_blockNumber]}}
"""
TARGET = """
version: 1
kind: generic
url: http://127.0.0.1:1
providers:
  - {id: a, url: "http://127.0.0.1:2/v2/abcdefgh12345678"}
  - {id: b, priority: 2}
"""


async def test_a_provider_is_asked_at_its_own_address_and_no_key_of_it_is_shown(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(SCENARIO)
    (tmp_path / "target.yml").write_text(TARGET)
    prepared = prepare(tmp_path / "site.yml", [], str(tmp_path / "target.yml"))
    async with open_addressed(prepared.target) as site:
        assert site.providers == (
            {"id": "a", "url": "http://127.0.0.1:2/v2/abcdefgh12345678", "tier": "paid", "priority": 0},
            {"id": "b", "tier": "paid", "priority": 2},
        )
        shown = Masker(prepared.secrets).mask_tree(describe_site(site))
    assert shown["providers"][0]["url"] == "http://127.0.0.1:2/v2/***"
