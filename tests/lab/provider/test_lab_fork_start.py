"""A reorg that is injected at several providers at nearly the same time leads all of them to one branch."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from battlectl.lab.chain.chain import Chain, block_hash
from battlectl.lab.provider.backend import Unreachable
from battlectl.lab.provider.node import SimulatedNode
from battlectl.lab.provider.provider import Provider
from battlectl.lab.provider.relay import relay_to
from battlectl.lab.provider.relay_address import RelayAddress
from battlectl.lab.provider.shared_chain import SharedChain
from tests.lab.faults.scripted import fault_of

CHAIN = Chain(seed=1, genesis_time=0.0, block_time=1.0)


class Clock:
    """Stands at the beginning of a block until it is moved."""

    def __init__(self, head=100):
        self.head = head

    def __call__(self):
        return float(self.head)


def starts(*asked, depth=3, salt=0):
    """What is answered to (who, at which head), in turn."""
    clock = Clock()
    shared = SharedChain(CHAIN, clock)
    given = []
    for who, clock.head in asked:
        given.append(shared.fork_start(depth, salt, who))
    return given


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ([("a", 100), ("b", 100)], [98, 98]),
        ([("a", 100), ("b", 101)], [98, 98]),
        ([("a", 100), ("b", 101), ("c", 102)], [98, 98, 98]),
        ([("a", 100), ("b", 102)], [98, 100]),
        # Who asks again has another reorg, and the others follow there.
        ([("a", 100), ("b", 101), ("a", 102), ("b", 103)], [98, 98, 100, 100]),
        ([("a", 100), ("b", 101), ("a", 101), ("b", 102)], [98, 98, 99, 99]),
        ([("a", 100), ("a", 100)], [98, 98]),
        ([("a", 1), ("b", 2)], [1, 1]),
    ],
)
def test_who_asks_within_a_block_of_another_is_given_the_same(asked, given):
    assert starts(*asked) == given


def test_another_depth_or_salt_is_another_branch():
    clock = Clock()
    shared = SharedChain(CHAIN, clock)
    assert shared.fork_start(3, 0, "a") == 98
    clock.head = 101
    assert (shared.fork_start(2, 0, "b"), shared.fork_start(3, 1, "c")) == (100, 99)
    assert shared.fork_start(3, 0, "d") == 98


def test_what_nobody_can_follow_any_more_is_forgotten():
    clock = Clock()
    shared = SharedChain(CHAIN, clock)
    for clock.head in range(100, 10_000, 2):
        shared.fork_start(3, clock.head, "a")
    assert len(shared._branches) == 1


@given(
    st.lists(
        st.tuples(st.permutations("abcd"), st.lists(st.integers(0, 1), min_size=4, max_size=4)), min_size=1
    )
)
def test_each_round_of_injections_leads_to_one_branch_however_slow_it_is(rounds):
    clock = Clock()
    shared = SharedChain(CHAIN, clock)
    before = 0
    for order, steps in rounds:
        round_began, given = clock.head, set()
        for who, step in zip(order, steps, strict=True):
            given.add(shared.fork_start(3, 0, who))
            clock.head += step
        assert given == {round_began - 2}
        assert round_began - 2 >= before
        before = round_began - 2


async def test_providers_on_both_sides_of_a_block_show_one_branch_and_heal_to_the_chain():
    clock = Clock()
    shared = SharedChain(CHAIN, clock)
    async with trio.open_nursery() as nursery:
        nodes = [Provider(SimulatedNode(shared, name), nursery) for name in ("a", "b", "c")]

        def shown():
            views = [node.see(shared.view()) for node in nodes]
            return {tuple(block_hash(view.chain, n) for n in range(90, 110)) for view in views}

        branches = []
        for _ in range(2):
            faults = [fault_of("reorg", depth=2) for _ in nodes]
            for node, fault in zip(nodes, faults, strict=True):
                await node.add_fault(fault)
                clock.head += fault is not faults[-1]
            branches += shown()
            for node, fault in zip(nodes, faults, strict=True):
                await node.remove_fault(fault)
            (chain,) = shown()
        first, second = branches
        assert [n for n in range(90, 110) if first[n - 90] == chain[n - 90]] == list(range(90, 99))
        assert [n for n in range(90, 110) if second[n - 90] == chain[n - 90]] == list(range(90, 101))


async def test_a_real_nodes_chain_has_no_branches():
    relay = relay_to(RelayAddress("http://127.0.0.1:1/", "ws://127.0.0.1:1/"))
    with pytest.raises(Unreachable, match="cannot be forked"):
        await relay.fork_start(3, 0)
