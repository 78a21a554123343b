"""Words of a route in scenario files: what is refused where, and what the plan keeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import yaml

from battlectl.commands.plan import plan_json, plan_text
from battlectl.commands.prepare import prepare
from battlectl.errors import BadFile
from battlectl.plan.route import Route
from battlectl.scenario.target import Target
from battlectl.targets import ADAPTERS
from battlectl.targets.site import Site, endpoint_for, http_endpoint_for, ws_endpoint_for
from battlectl.transport.base import parse_endpoint

HEAD = "version: 1\nname: Routes\nphases: {battle: 1s}\nload:\n"
READS = "  reads: {rate: 1/s, calls: [eth_blockNumber], %s}\n"
GENERIC = {"version": 1, "kind": "generic", "url": "http://127.0.0.1:1/rpc", "ws_url": "ws://127.0.0.1:1/"}


def prepared(folder: Path, *workloads: str, target: str = "lab"):
    (folder / "s.yml").write_text(HEAD + "".join(workloads))
    (folder / "t.yml").write_text(yaml.safe_dump(GENERIC))
    return prepare(folder / "s.yml", [], str(folder / "t.yml") if target == "generic" else target)


def problems(folder: Path, *workloads: str, target: str = "lab") -> Sequence[str]:
    with pytest.raises(BadFile) as caught:
        prepared(folder, *workloads, target=target)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("workload", "said"),
    [
        (
            READS % "http: {strategy: fastest, path: /rpc}",
            "load.reads.http.strategy: `path` is the whole address: leave one away, strategy or path",
        ),
        (
            READS % "http: {strategy: fastest, provider: provider_a}",
            "load.reads.http.strategy: one provider leaves nothing to choose: leave one away, strategy or "
            "provider",
        ),
        (
            READS % "http: {provider: provider_x}",
            'load.reads.http.provider: "provider_x" is no provider of this target',
        ),
        (READS % "http: {transport: udp}", 'load.reads.http.transport: is the text "udp"'),
        (
            "  heads: {subscribe: newHeads, ws: {strategy: priority}}\n",
            'load.heads.ws.strategy: "priority" is no path of the lab in revision current: choose one of '
            "fastest",
        ),
    ],
)
def test_words_that_cannot_be_kept_are_refused_at_their_place(tmp_path, workload, said):
    (line,) = problems(tmp_path, workload)
    assert line.startswith("s.yml:5:")
    assert said in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{strategy: fastest, path: /rpc}", "watch.http.strategy: `path` is the whole address"),
        ("{strategy: fastest, provider: provider_a}", "watch.http.strategy: one provider leaves nothing"),
        ("{provider: provider_x}", 'watch.http.provider: "provider_x" is no provider of this target'),
        ("{strategy: priority}", 'watch.http.strategy: "priority" is no path of the lab'),
        ("{headers: {Content-Length: 1}}", "watch.http.headers"),
    ],
)
def test_what_is_asked_beside_the_load_goes_by_the_same_words(tmp_path, words, said):
    (line,) = problems(tmp_path, READS % "timeout: 1s", f"watch: {{http: {words}}}\n")
    assert said in line


def test_the_watch_of_a_plan_leads_where_its_words_lead(tmp_path):
    watch = "watch: {rate: 2/s, http: {strategy: fastest, headers: {X-Tier: paid}}}\n"
    plan = prepared(tmp_path, READS % "timeout: 1s", watch).plan
    assert plan.watch is not None
    root = parse_endpoint("http://127.0.0.1:1/")
    target = Target(version=1, kind="lab")
    site = Site("lab", root, root, address=partial(ADAPTERS["lab"].address, target))
    endpoint = http_endpoint_for(site, plan.watch.route)
    assert (endpoint.path, endpoint.headers) == ("/rpc/fastest/battlechain", (("X-Tier", "paid"),))


def test_a_generic_target_is_asked_for_nothing_by_words(tmp_path):
    reads = READS % "http: {strategy: fastest}"
    heads = "  heads: {subscribe: newHeads, ws: {provider: a}}\n"
    said = "a target of kind generic has no address for a"
    first, second = problems(tmp_path, reads, heads, target="generic")
    assert f"load.reads.http.strategy: {said} strategy: say `path` or `headers`" in first
    assert f"load.heads.ws.provider: {said} provider" in second


def test_the_plan_keeps_the_words_and_the_site_makes_addresses_of_them(tmp_path):
    workloads = (
        READS % "http: {strategy: fastest, chain: 999, headers: {X-Tier: paid}}",
        "  heads: {subscribe: newHeads, ws: {provider: provider_b}}\n",
    )
    plan = prepared(tmp_path, *workloads).plan
    reads, heads = plan.workloads[0], plan.streams[0]
    assert reads.route == Route(None, (("X-Tier", "paid"),), chain="999", strategy="fastest")
    assert plan.frame.workloads[0].route == {"chain": "999", "strategy": "fastest"}
    assert plan.frame.streams[0].route == {"provider": "provider_b"}
    target = Target(version=1, kind="lab")
    root = parse_endpoint("http://127.0.0.1:1/")
    site = Site("lab", root, root, address=partial(ADAPTERS["lab"].address, target))
    endpoint = endpoint_for(site, reads)
    assert (endpoint.path, endpoint.headers) == ("/rpc/fastest/999", (("X-Tier", "paid"),))
    assert ws_endpoint_for(site, heads.route).path == "/ws/rpc/provider/provider_b/battlechain"


def test_a_path_of_its_own_and_its_headers_win(tmp_path):
    plan = prepared(tmp_path, READS % "http: {path: /x, headers: {x-key: new}}").plan
    root = parse_endpoint("http://u:p@127.0.0.1:1/rpc")
    endpoint = endpoint_for(Site("generic", root), plan.workloads[0])
    assert endpoint.path == "/x"
    assert endpoint.headers == (*root.headers, ("x-key", "new"))


def test_the_plan_says_what_is_asked_for_and_what_cannot_be_observed(tmp_path):
    asked = prepared(tmp_path, READS % "http: {strategy: fastest, chain: 999}")
    text = plan_text(asked, 0)
    assert "asked for by words:\n  reads: chain 999, strategy fastest" in text
    assert "not observable" not in text  # At the lab nothing is hidden.
    plain = prepared(tmp_path, READS % "timeout: 1s", target="generic")
    assert "not observable at this target:\n  who served a request, and in how many attempts" in plan_text(
        plain, 0
    )
    assert plan_json(plain, 0)["not_observable"] == list(ADAPTERS["generic"].unseen(plain.target))
