"""The walk along the chain: whatever providers lose, double, swap or hide, clients see the chain once."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from battlectl.lab.gateway.ws.block import Block, Place, read_block
from battlectl.lab.gateway.ws.walk import Fetch, Lost, Shown, Vote, Walk


def block(number: int, name: str, parent: str) -> Block:
    """A block whose hash is its name, for tests to read."""
    return Block(number, name, parent, {"number": hex(number), "hash": name, "parentHash": parent})


def line(first: int, names: str, parent: str) -> list[Block]:
    """Consecutive blocks, one letter each."""
    parents = [parent, *names]
    return [block(first + i, name, parents[i]) for i, name in enumerate(names)]


def text(shown: list[Shown]) -> str:
    """What was shown, with what it replaced: `-cb D` is D in place of b and c."""
    parts = []
    for item in shown:
        dropped = "".join(place.hash for place in item.dropped)
        parts.append((f"-{dropped} " if dropped else "") + item.block.hash)
    return " ".join(parts)


A, B, C, D, E = line(0, "abcde", "_")
X, Y, Z = line(2, "xyz", "b")


def walked(*blocks: Block) -> Walk:
    walk = Walk(A)
    for each in blocks:
        walk.offer(each)
    return walk


def test_what_links_is_shown_at_once():
    walk = Walk(A)
    assert text(walk.offer(B)) == "b"
    assert text(walk.offer(C)) == "c"
    assert walk.tip == Place(2, "c")
    assert walk.wanted() is None


def test_doubles_late_ones_and_a_provider_that_is_behind_change_nothing():
    walk = walked(B, C, D)
    assert [walk.offer(each) for each in (D, C, B, A)] == [[], [], [], []]
    assert walk.wanted() is None


def test_swapped_ones_are_put_in_order():
    walk = Walk(A)
    assert walk.offer(C) == []
    assert walk.wanted() == Fetch("b", 1)
    assert text(walk.offer(B)) == "b c"
    assert walk.wanted() is None


def test_a_gap_is_filled_by_hash_from_the_top_down():
    walk = walked(B)
    assert walk.offer(E) == []
    assert walk.wanted() == Fetch("d", 3)
    assert walk.found(D) == []
    assert walk.wanted() == Fetch("c", 2)
    assert text(walk.found(C)) == "c d e"


def test_blocks_fetched_in_any_order_are_of_use():
    walk = walked(B)
    walk.offer(E)
    assert walk.found(C) == []
    assert text(walk.found(D)) == "c d e"


def test_a_reorg_is_followed_from_the_fork_when_most_providers_have_it():
    walk = walked(B, C, D)
    assert walk.offer(X) == []
    assert walk.wanted() == Vote("x", 2)
    assert text(walk.judged("x", True)) == "-dc x"
    assert text(walk.offer(Y)) == "y"


def test_a_fork_that_most_providers_do_not_have_is_not_shown():
    walk = walked(B, C, D)
    walk.offer(X)
    assert walk.judged("x", False) == []
    assert walk.wanted() is None
    assert text(walk.offer(E)) == "e"


def test_a_reorg_of_which_only_the_newest_head_was_heard_is_shown_whole():
    walk = walked(B, C, D)
    walk.offer(Z)
    assert walk.wanted() == Fetch("y", 3)
    walk.found(Y)
    assert walk.wanted() == Fetch("x", 2)
    walk.found(X)
    assert walk.wanted() == Vote("x", 2)
    assert text(walk.judged("x", True)) == "-dc x y z"


def test_a_verdict_on_a_branch_that_has_moved_on_is_ignored():
    walk = walked(B, C)
    walk.offer(X)
    assert walk.judged("nothing", True) == walk.judged("nothing", False) == []
    assert walk.wanted() == Vote("x", 2)


def test_a_branch_that_nobody_knows_any_more_is_given_up():
    walk = walked(B, C)
    walk.offer(Z)
    assert walk.unknown("y") == []
    assert walk.wanted() is None
    assert text(walk.offer(D)) == "d"


def test_a_reorg_below_the_anchor_replaces_all_that_was_shown():
    anchor, shown = line(7, "mn", "l")
    walk = Walk(anchor)
    walk.offer(shown)
    other = line(6, "opqr", "k")
    walk.offer(other[-1])
    walk.found(other[-2])
    assert walk.wanted() == Fetch("p", 7)
    walk.found(other[-3])
    assert walk.wanted() == Vote("p", 7), "below the anchor there is nothing to compare with"
    assert text(walk.judged("p", True)) == "-nm p q r"


def test_numbers_that_do_not_count_are_no_chain():
    walk = walked(B)
    assert walk.offer(block(5, "e", "b")) == []
    assert walk.wanted() is None
    walk.offer(block(5, "f", "g"))
    assert walk.found(block(3, "g", "b")) == []
    assert walk.wanted() is None


def test_a_gap_too_long_to_fill_is_lost_not_left_out():
    blocks = line(0, "abcdefghij", "_")
    walk = Walk(blocks[0], fill_limit=3)
    walk.offer(blocks[9])
    walk.found(blocks[8])
    walk.found(blocks[7])
    assert walk.wanted() == Fetch("g", 6)
    walk.judged("h", True)
    with pytest.raises(Lost, match="more than 3 blocks behind block 9"):
        walk.found(blocks[6])


def test_before_a_long_way_back_most_providers_have_to_have_the_head():
    far = line(100, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "_")
    walk = walked(B)
    walk.offer(far[-1])
    for each in far[-2:-9:-1]:
        assert walk.wanted() == Fetch(each.hash, each.number)
        walk.found(each)
    assert walk.wanted() == Vote("S", 118)
    assert walk.heads_above("S") == {"Z"}
    walk.judged("S", False)
    assert walk.wanted() is None


def test_a_reorg_below_all_that_is_remembered_is_lost():
    blocks = line(0, "abcdef", "_")
    walk = Walk(blocks[0], window=2)
    for each in blocks[1:]:
        walk.offer(each)
    side = line(3, "xyz", "c")
    walk.offer(side[2])
    walk.found(side[1])
    assert walk.wanted() == Vote("y", 4)
    with pytest.raises(Lost, match="below block 4"):
        walk.judged("y", True)


def test_a_flood_of_heads_on_unknown_branches_pushes_out_the_oldest():
    walk = walked(B)
    for i in range(1_000):
        walk.offer(block(50 + i, f"n{i}", f"p{i}"))
    assert text(walk.offer(C)) == "c"
    wanted = 0
    while isinstance(want := walk.wanted(), Fetch):
        walk.unknown(want.hash)
        wanted += 1
    assert wanted == 15, "the sixteenth was block C"


def test_a_block_is_read_without_its_bodies():
    document = {"number": "0x10", "hash": "0x" + "AB" * 32, "parentHash": "0x" + "cd" * 32}
    read = read_block(document | {"transactions": ["0x1"], "uncles": [], "gasUsed": "0x0"})
    assert read is not None
    assert (read.number, read.hash, read.parent) == (16, "0x" + "ab" * 32, "0x" + "cd" * 32)
    assert read.header == document | {"gasUsed": "0x0"}


@pytest.mark.parametrize("value", [None, [], "0x1", {}, {"number": 3}, {"number": "0x1", "hash": "0x12"}])
def test_what_is_no_block_is_none(value):
    assert read_block(value) is None


@dataclass
class World:
    """A chain that grows and reorganises, three providers that lag, and a walk that hears one of them."""

    keeps_dropped: bool
    canonical: list[Block] = field(default_factory=lambda: [block(0, "g", "_")])
    ever: dict[str, Block] = field(default_factory=dict)
    views: list[list[Block]] = field(default_factory=list)
    sent: list[Block] = field(default_factory=list)
    current: int = 0
    shown: list[Shown] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mine(3)
        self.views = [list(self.canonical)] * 3
        self.walk = Walk(self.canonical[-1])
        self.anchor = self.canonical[-1]

    def mine(self, count: int) -> None:
        for _ in range(count):
            new = block(len(self.canonical), f"h{len(self.ever)}", self.canonical[-1].hash)
            self.canonical = [*self.canonical, new]
            self.ever[new.hash] = new

    def reorg(self, depth: int) -> None:
        kept = max(1, len(self.canonical) - depth)
        lost = len(self.canonical) - kept
        self.canonical = self.canonical[:kept]
        self.mine(max(1, lost))

    def sync(self, provider: int) -> None:
        """The provider catches up and, if it is the current one, sends what is new to it."""
        old = {each.hash for each in self.views[provider]}
        self.views[provider] = self.canonical
        if provider == self.current:
            self.sent += [each for each in self.canonical if each.hash not in old]

    def fail_over(self, provider: int) -> None:
        self.current = provider
        self.sent = []

    def deliver(self, count: int) -> None:
        for each in self.sent[:count]:
            self.shown += self.walk.offer(each)
        self.sent = self.sent[count:]

    def look(self) -> None:
        """Heads asked for over HTTP: each provider's own, stale ones included."""
        for view in self.views:
            self.shown += self.walk.offer(view[-1])

    def answer(self) -> bool:
        """One question of the walk is answered truthfully; False when it has none."""
        want = self.walk.wanted()
        if isinstance(want, Vote):
            has = want.number < len(self.canonical) and self.canonical[want.number].hash == want.hash
            self.shown += self.walk.judged(want.hash, has)
        elif isinstance(want, Fetch):
            found = self.ever.get(want.hash) if self.keeps_dropped else self.on_chain(want.hash)
            self.shown += self.walk.found(found) if found else self.walk.unknown(want.hash)
        return want is not None

    def on_chain(self, hash_: str) -> Block | None:
        return next((each for each in self.canonical if each.hash == hash_), None)


def what_clients_hold(anchor: Block, shown: list[Shown]) -> list[Block]:
    """A client's branch after all that was shown to it; asserts that each step links."""
    branch = [anchor]
    for item in shown:
        expected = [each.hash for each in branch[len(branch) - len(item.dropped) :]][::-1]
        assert [place.hash for place in item.dropped] == expected
        branch = branch[: len(branch) - len(item.dropped)]
        assert not branch or branch[-1].hash == item.block.parent
        branch.append(item.block)
    return branch


EVENTS = st.one_of(
    st.tuples(st.just("mine"), st.integers(1, 4)),
    st.tuples(st.just("reorg"), st.integers(1, 6)),
    st.tuples(st.just("sync"), st.integers(0, 2)),
    st.tuples(st.just("deliver"), st.integers(1, 5)),
    st.tuples(st.just("lose"), st.integers(0, 5)),
    st.tuples(st.just("double"), st.integers(0, 5)),
    st.tuples(st.just("swap"), st.integers(0, 5)),
    st.tuples(st.just("fail over"), st.integers(0, 2)),
    st.tuples(st.just("look"), st.just(0)),
    st.tuples(st.just("answer"), st.integers(1, 6)),
)


def happen(world: World, event: str, value: int) -> None:
    sent = world.sent
    if event == "mine":
        world.mine(value)
    elif event == "reorg":
        world.reorg(value)
    elif event == "sync":
        world.sync(value)
    elif event == "deliver":
        world.deliver(value)
    elif event == "lose":
        del sent[value : value + 1]
    elif event == "double":
        sent[value : value + 1] = sent[value : value + 1] * 2
    elif event == "swap":
        sent[value : value + 2] = sent[value : value + 2][::-1]
    elif event == "fail over":
        world.fail_over(value)
    elif event == "look":
        world.look()
    else:
        any(not world.answer() for _ in range(value))


LED_BACK = [
    *(("mine", 2), ("sync", 0), ("sync", 2), ("deliver", 5)),  # 2 will stay on what is dropped now
    *(("reorg", 2), ("sync", 0), ("deliver", 5), ("answer", 6)),
    *(("look", 0), ("answer", 6), ("answer", 6)),
]


@example(False, LED_BACK)
@example(True, LED_BACK)
@given(st.booleans(), st.lists(EVENTS, max_size=60))
def test_clients_end_on_the_canonical_chain_having_seen_each_block_once(keeps_dropped, events):
    world = World(keeps_dropped)
    for event, value in events:
        happen(world, event, value)
    for _ in range(3):
        world.sync(0)
        world.shown += world.walk.offer(world.canonical[-1])
        while world.answer():
            pass
    held = what_clients_hold(world.anchor, world.shown)
    first = held[0].number
    assert held == world.canonical[first : first + len(held)]
    assert held[-1] == world.canonical[-1]
    assert first <= world.anchor.number
    hashes = [item.block.hash for item in world.shown]
    assert len(hashes) == len(set(hashes)), "a block is shown once"
    assert set(hashes) <= set(world.ever)


@given(st.data())
def test_whatever_providers_say_each_step_links(data):
    """Lies, forks and wrong verdicts: what is shown is a chain, and every question can be answered."""
    names = st.sampled_from([f"b{i}" for i in range(12)])
    blocks = data.draw(
        st.lists(st.builds(block, st.integers(0, 6), names, names), max_size=40, unique_by=lambda b: b.hash)
    )
    by_hash = {each.hash: each for each in blocks}
    anchor = block(1, "b0", "b1")
    walk, shown = Walk(anchor), []
    for _ in range(data.draw(st.integers(0, 30))):
        if blocks and data.draw(st.booleans()):
            shown += walk.offer(data.draw(st.sampled_from(blocks)))
        elif (want := walk.wanted()) is not None:
            known = by_hash.get(want.hash)
            if isinstance(want, Vote):
                shown += walk.judged(want.hash, data.draw(st.booleans()))
            else:
                shown += walk.found(known) if known else walk.unknown(want.hash)
    what_clients_hold(anchor, shown)
    for _ in range(200):
        want = walk.wanted()
        if want is None:
            break
        known = by_hash.get(want.hash)
        if isinstance(want, Vote):
            walk.judged(want.hash, False)
        else:
            _ = walk.found(known) if known else walk.unknown(want.hash)
    assert walk.wanted() is None, "questions come to an end"
