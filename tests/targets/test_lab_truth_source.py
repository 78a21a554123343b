"""Where the chain of the embedded lab is read: past every fault, or at a provider that the config names."""

from __future__ import annotations

import pytest

from battlectl.errors import BadFile
from battlectl.scenario.parse_target import parse_target
from battlectl.targets.lab import THE_CHAIN, open_lab


def parsed(rest: str):
    return parse_target(f"version: 1\nkind: lab\n{rest}\n", "lab.yml", {}).target


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("truth: {provider: provider_d}", 'this lab has no provider "provider_d"'),
        ("lab: {providers: 1}\ntruth: {provider: provider_b}", 'this lab has no provider "provider_b"'),
        ("truth: {url: 'http://127.0.0.1:1'}", "read past every fault"),
        ("chaos: {driver: toxiproxy, url: 'http://127.0.0.1:1'}", "its own way to be broken"),
    ],
)
def test_what_the_lab_does_not_have_is_refused(rest, why):
    with pytest.raises(BadFile, match=why):
        parsed(rest)


@pytest.mark.real
async def test_it_is_the_chain_itself_or_the_provider_that_is_named():
    async with open_lab(parsed("lab: {providers: 1}")) as site:
        assert site.witness is not None
        assert (site.witness.what, site.witness.endpoint.path) == (THE_CHAIN, "/chain/rpc")
    async with open_lab(parsed("lab: {providers: 1}\ntruth: {provider: provider_a}")) as site:
        assert site.witness is not None
        (provider,) = site.providers
        assert site.witness.what == "provider_a, asked itself"
        assert f"http://{site.witness.endpoint.authority}" == provider["url"].rstrip("/")
