"""The truth: a list of announcements, however it is fed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.streams.announced import NEVER_LOOKED
from battlectl.observe.streams.truth import Truth
from tests.observe.streams.histories import truth_line


def fed(text: str, **options: float) -> Truth:
    """A truth that saw this line."""
    truth = Truth(**options)
    for one in truth_line(text):
        truth.see(one.t, one.number, one.hash, one.parent)
    return truth


def said(truth: Truth) -> str:
    """All announcements that are remembered."""
    oldest, head = truth.oldest, truth.head
    assert oldest is not None
    assert head is not None
    return " ".join(truth.at(rank).hash for rank in range(oldest.rank, head.rank + 1))


def test_a_chain_is_announced_block_by_block():
    truth = fed("1 2 3")
    assert said(truth) == "1a 2a 3a"
    assert [truth.covers(n) for n in (0, 1, 3, 4)] == [False, True, True, None]
    assert [truth.at(r).seen for r in range(3)] == [1.0, 2.0, 3.0]


def test_an_empty_truth_covers_nothing():
    truth = Truth()
    assert (truth.head, truth.oldest, truth.covers(1), truth.first_after(0.0)) == (None, None, None, None)


def test_a_new_branch_is_announced_from_the_fork_on():
    truth = fed("1 2a 3a | 2b+3b 4b")
    assert said(truth) == "1a 2a 3a 2b 3b 4b"
    reorg = truth.reorg(0)
    assert reorg == (3, 1, 3, 4.0)
    assert [truth.canonical(n).hash for n in (1, 2, 3, 4)] == ["1a", "2b", "3b", "4b"]
    assert truth.versions(2) == (1, 3)


def test_a_head_alone_waits_for_the_blocks_below_and_says_which():
    truth = fed("1 2")
    truth.see(5.0, 5, "5a", "4a")
    assert (said(truth), truth.wanted(), truth.is_unsure) == ("1a 2a", [(4, "4a")], True)
    truth.see(5.1, 4, "4a", "3a")
    assert truth.wanted() == [(3, "3a")]
    truth.see(5.2, 3, "3a", "2a")
    assert (said(truth), truth.wanted(), truth.is_unsure) == ("1a 2a 3a 4a 5a", [], False)
    assert {truth.at(rank).seen for rank in (2, 3, 4)} == {5.0}  # Known to be there when their child was.


def test_a_block_was_there_when_any_of_its_children_was_seen():
    truth = fed("1 2")
    truth.see(4.0, 4, "4a", "3a")
    truth.see(5.0, 5, "5a", "4a")
    truth.see(5.2, 3, "3a", "2a")
    assert [truth.at(rank).seen for rank in (2, 3, 4)] == [4.0, 4.0, 5.0]


def unseen(truth: Truth) -> list[float]:
    """Of each announcement the look that did not show it yet."""
    oldest, head = truth.oldest, truth.head
    assert oldest is not None
    assert head is not None
    return [truth.at(rank).unseen for rank in range(oldest.rank, head.rank + 1)]


def test_a_block_came_to_be_after_the_look_before_was_asked_for():
    truth = Truth()
    truth.see(1.2, 1, "1a", "0a", 1.0)
    truth.see(2.2, 1, "1a", "0a", 2.0)
    truth.see(3.4, 4, "4a", "3a", 3.0)
    truth.see(3.5, 3, "3a", "2a", 3.0)
    truth.see(4.2, 4, "4a", "3a", 4.0)
    truth.see(4.3, 2, "2a", "1a", 4.0)  # Fetched at the next look: it was there with its child.
    assert unseen(truth) == [NEVER_LOOKED, 2.0, 2.0, 2.0]
    truth.see(9.0, 5, "5a", "4a", 8.0)  # Nobody looked between 4 and 8.
    assert unseen(truth)[-1] == 4.0


def test_a_block_that_is_back_is_back_since_its_child_is():
    truth = Truth()
    for t, name in ((1.0, "1a"), (2.0, "2a"), (3.0, "2b"), (4.0, "3b")):
        truth.see(t, int(name[0]), name, {"1a": "0a", "2a": "1a", "2b": "1a", "3b": "2b"}[name])
    truth.see(5.0, 3, "3a", "2a")
    assert (said(truth), unseen(truth)[-2:]) == ("1a 2a 2b 3b 2a 3a", [4.0, 4.0])


def test_a_branch_that_is_seen_from_its_head_down_is_announced_from_the_fork_up():
    truth = fed("1 2a 3a")
    truth.see(4.0, 4, "4b", "3b")
    truth.see(4.1, 3, "3b", "2b")
    assert said(truth) == "1a 2a 3a"
    truth.see(4.2, 2, "2b", "1a")
    assert said(truth) == "1a 2a 3a 2b 3b 4b"
    assert truth.reorgs_seen == 1


def test_to_go_back_is_to_announce_again():
    truth = fed("1 2a 3a | 2b+3b | 2a+3a")
    assert said(truth) == "1a 2a 3a 2b 3b 2a 3a"
    assert truth.ranks_of("3a") == (2, 6)
    head_only = fed("1 2a 3a | 2b+3b")
    head_only.see(6.0, 3, "3a", "2a")
    assert said(head_only) == said(truth)  # 2a is known from before: nobody need be asked.


def test_a_shorter_branch_leaves_the_numbers_above_it_open():
    truth = fed("1 2a 3a 4a | 2b")
    assert (truth.covers(2), truth.covers(3), truth.canonical(4)) == (True, None, None)
    truth.see(9.0, 3, "3b", "2b")
    assert truth.canonical(3).hash == "3b"


def test_the_same_again_and_a_node_that_is_behind_change_nothing():
    truth = fed("1 2 3")
    truth.see(4.0, 2, "2a", "1a")
    truth.see(5.0, 3, "3a", "2a")
    assert (said(truth), truth.looked, truth.reorgs_seen) == ("1a 2a 3a", 5.0, 0)


def test_what_lies_below_the_first_block_is_added_if_it_links():
    truth = fed("5 6")
    truth.see(7.0, 3, "3a", "2a")
    truth.see(7.0, 4, "4x", "3a")
    assert said(truth) == "5a 6a"
    truth.see(7.0, 4, "4a", "3a")
    assert (said(truth), truth.at(-1).hash, truth.covers(4)) == ("4a 5a 6a", "4a", True)
    assert truth.head.hash == "6a"


def test_blocks_that_are_never_fetched_become_a_hole():
    truth = fed("1 2", patience=3.0)
    truth.see(6.0, 6, "6a", "5a")
    truth.see(8.0, 6, "6a", "5a")
    assert truth.covers(6) is None
    truth.see(10.0, 8, "8a", "7a")
    assert truth.holes == 5
    assert truth.unwatched == [(2.0, 6.0), (2.0, 10.0)]  # Not looked at, and looked at in vain.
    assert [truth.covers(n) for n in (2, 3, 7, 8, 9)] == [True, False, False, True, None]


def test_a_hole_hides_what_a_branch_that_went_had_there():
    truth = fed("1 2a 3a 4a | 2b", patience=1.0)
    truth.see(9.0, 6, "6b", "5b")
    truth.see(11.0, 6, "6b", "5b")
    assert [truth.covers(n) for n in (2, 3, 4, 5, 6)] == [True, False, False, False, True]


def test_a_reorg_below_all_that_is_known_replaces_all():
    truth = fed("5a 6a")
    truth.see(9.0, 6, "6b", "5b")
    truth.see(9.1, 5, "5b", "4b")
    assert said(truth) == "5a 6a 5b 6b"
    assert truth.reorg(0) == (2, 4, 6, 9.0)


def test_time_without_a_look_is_told():
    truth = fed("1 2", patience=3.0)
    truth.see(4.0, 2, "2a", "1a")
    assert truth.unwatched == []
    truth.see(20.0, 2, "2a", "1a")
    assert truth.unwatched == [(4.0, 20.0)]


def test_memory_is_bounded():
    truth = Truth(window=100)
    for n in range(5_000):
        branch = "b" if n % 50 in (48, 49) else "a"
        truth.see(float(n), n, f"{n}{branch}", f"{n - 1}{'b' if (n - 1) % 50 in (48, 49) else 'a'}")
        if branch == "b":
            truth.see(n + 0.5, n, f"{n}c", f"{n - 1}a" if n % 50 == 48 else f"{n - 1}c")
            truth.see(n + 0.6, n, f"{n}b", f"{n - 1}b")
    sizes = [len(getattr(truth, name)) for name in ("_row", "_ranks", "_versions", "_loose", "_reorgs")]
    assert max(sizes) <= 300
    assert truth.oldest.rank > 4_000
    assert not truth.has(truth.oldest.rank - 1)


def test_what_never_links_does_not_pile_up():
    truth = fed("1", patience=1e9)
    for n in range(2_000):
        truth.see(float(n), n * 2 + 10, f"{n}x", "y")
    assert len(truth._loose) <= 257


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(2, 9)))
def test_the_order_of_fill_ins_does_not_matter(order):
    truth = fed("1")
    truth.see(2.0, 9, "9a", "8a")
    for number in order:
        truth.see(2.0, number, f"{number}a", f"{number - 1}a")
    assert said(truth) == "1a 2a 3a 4a 5a 6a 7a 8a 9a"
