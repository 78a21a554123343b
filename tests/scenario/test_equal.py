"""Calls that go to two places: only those to which every right node gives the same answer."""

import pytest

from battlectl.errors import BadFile
from battlectl.plan.build import build_plan
from battlectl.scenario.calls import Call
from battlectl.scenario.check_equal import unsure
from battlectl.scenario.parse import parse_scenario
from tests.battle import scenario_of

READS = {"phases": {"steady": "5s"}, "load": {"reads": {"rate": "1/s", "calls": ["eth_chainId"]}}}
ADDRESS, HASH = "0x" + "1" * 40, "0x" + "2" * 64


@pytest.mark.parametrize(
    ("method", "params", "why"),
    [
        ("eth_chainId", [], None),
        ("eth_getBlockByHash", [HASH, True], None),
        ("eth_getTransactionReceipt", [HASH], None),
        ("eth_getBlockByNumber", ["0x10", True], None),
        ("eth_getBlockByNumber", [{"$block": "latest-5"}, True], None),
        ("eth_getBlockByNumber", [{"$block": "latest-2"}, True], "so near the head"),
        ("eth_getBlockByNumber", ["latest", True], '"latest" means another block'),
        ("eth_getBalance", [ADDRESS], "no block means another block"),
        ("eth_getBalance", [ADDRESS, "0x10"], None),
        ("eth_getLogs", [{"blockHash": HASH}], None),
        ("eth_getLogs", [{"fromBlock": "0x1", "toBlock": "0x2"}], None),
        ("eth_getLogs", [{"fromBlock": "0x1"}], "no block means another block"),
        ("eth_gasPrice", [], "two right nodes may answer eth_gasPrice differently"),
        ("eth_blockNumber", [], "two right nodes may answer"),
    ],
)
def test_a_call_is_compared_only_where_nodes_must_agree(method, params, why):
    found = unsure(Call(method=method, params=params))
    assert (found is None) if why is None else why in found


def mistakes(**workload):
    lines = ["version: 1", "name: x", "phases: {steady: 5s}", "load:", "  reads:"]
    whole = {"rate": "5/s", "calls": "[eth_chainId]", "equal_to": "{strategy: fastest}", **workload}
    lines += [f"    {key}: {value}" for key, value in whole.items()]
    try:
        parse_scenario("\n".join(lines), "x.yml", {}, [], lambda name: "")
    except BadFile as error:
        return [problem.message for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        ({}, None),
        ({"equal_to": "{node: provider_a}"}, None),
        ({"equal_to": "{}"}, "is no other place"),
        ({"equal_to": "{node: provider_a, strategy: fastest}"}, "has no route"),
        ({"equal_to": "{path: /x, strategy: fastest}"}, "leave one away"),
        ({"rate": "{users: 3}"}, "would drift apart"),
        ({"ws": "{}"}, "is for requests over HTTP"),
        ({"calls": "[{batch: [eth_chainId]}]"}, "out of the batch"),
        ({"calls": "[eth_gasPrice]"}, "two right nodes may answer"),
    ],
)
def test_what_cannot_be_compared_is_refused_when_the_file_is_read(workload, words):
    found = mistakes(**workload)
    assert any(words in message for message in found) if words else not found, found


def test_the_other_half_sends_the_same_and_is_a_workload_of_its_own():
    call = {"method": "eth_getBlockByNumber", "params": [{"$random": [1, 1000]}, False]}
    reads = {"rate": {"poisson": "20/s"}, "calls": [call, "eth_chainId"], "equal_to": {"node": "provider_a"}}
    plan = build_plan(scenario_of(**{**READS, "load": {"reads": reads}}), {})
    one, other = plan.workloads
    assert (other.name, other.twin_of, other.node) == ("reads-other", "reads", "provider_a")
    assert [(a.due, a.request, a.draws) for a in one.arrivals()] == [
        (a.due, a.request, a.draws) for a in other.arrivals()
    ]
    ids = {a.first_id for a in one.arrivals()} & {a.first_id for a in other.arrivals()}
    assert not ids
    assert [w.twin_of for w in plan.frame.workloads] == [None, "reads"]
    assert plan.watch is None


@pytest.mark.parametrize(
    ("fields", "rate"),
    [
        ({}, None),
        ({"checks": {"errors": "fail", "replies": "fail"}}, None),
        ({"checks": {"head": "note"}}, None),
        ({"checks": {"head": "fail"}}, 1.0),
        ({"checks": {"chain": "inconclusive"}}, 1.0),
        ({"watch": "2/s"}, 2.0),
        ({"watch": {"rate": "3/s", "notice": "1s"}, "checks": {"head": "fail"}}, 3.0),
    ],
)
def test_somebody_asks_where_a_check_needs_it_or_the_scenario_says_so(fields, rate):
    watch = build_plan(scenario_of(**READS, **fields), {}).watch
    assert (watch and watch.rate) == rate
