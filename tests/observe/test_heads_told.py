"""Heads of one client: what goes back, ahead or stays behind is told; what a reorg explains is not."""

from hypothesis import given
from hypothesis import strategies as st

from battlectl.observe.chain_seen import ChainSeen
from battlectl.observe.consistency import Book, merge_facts
from battlectl.observe.heads_told import HeadOrder, HeadsTold, HeadTerms, Told

COUNTED = ("replies", "compared")
TERMS = HeadTerms(back=0, behind=2, ahead=2, within=1.0, settle=1.0)


def block(number, branch="a"):
    return number, f"{branch}{number}", f"{branch}{number - 1}"


def judged(told, looks=None, terms=TERMS, **more):
    """Kind -> how often, of replies (sent, done, head), and of looks (t, number, hash, parent)."""
    book = Book([0.0, 100.0])
    chain = None if looks is None else ChainSeen()
    heads = HeadsTold(book, "reads", terms, chain, **more)
    left = list(looks or ())
    for sent, done, head in [*told, (None, 99.0, None)]:
        while left and left[0][0] <= done:
            chain.see(*left.pop(0))
            heads.settle(done)
        if head is not None:
            heads.hear(Told(sent, done, head, ""))
    heads.settle(100.0, final=True)
    facts = {}
    merge_facts(facts, book.take())
    return {fact.kind: count.number for fact, count in facts.items() if fact.kind not in COUNTED}


CALM = [(t / 4, *block(100 + t // 4)) for t in range(80)]
"""A block a second, from 100 at 0 on, looked at four times a second for twenty seconds."""


def test_a_head_that_goes_back_for_one_client_is_told():
    assert judged([(1.0, 1.1, 101), (1.2, 1.3, 100)], CALM) == {"back": 1}


def test_replies_that_overlap_prove_nothing_about_each_other():
    assert judged([(1.0, 1.3, 101), (1.2, 1.4, 100), (1.3, 1.5, 100)], CALM) == {}


def test_a_tolerance_is_a_tolerance():
    told = [(1.0, 1.1, 101), (1.2, 1.3, 100)]
    assert judged(told, CALM, HeadTerms(back=1, behind=2, within=1.0)) == {}


def test_a_reply_is_compared_where_the_chain_had_been_read_shortly_before():
    book, chain = Book([0.0, 100.0]), ChainSeen()
    heads = HeadsTold(book, "reads", TERMS, chain)
    for look in CALM:
        chain.see(*look)
    for sent in (19.0, 20.5, 20.9, 21.5, 30.0):
        heads.hear(Told(sent, sent, 119, ""))
    counts = {fact.kind: count.number for fact, count in book.take().items()}
    assert counts == {"replies": 5, "compared": 2}  # It was read until 19.75.


def test_without_a_chain_it_is_told_that_nobody_looked():
    assert judged([(1.0, 1.1, 101), (1.2, 1.3, 100)]) == {"back_unwatched": 1}


def test_a_reorg_explains_a_head_that_goes_back():
    looks = [(t, *block(number)) for t, number in ((0.0, 99), (0.5, 100), (1.0, 101))]
    looks += [(1.5, 100, "b100", "a99"), (2.0, 101, "b101", "b100"), (4.0, 102, "b102", "b101")]
    assert judged([(1.1, 1.2, 101), (1.6, 1.7, 100)], looks) == {"after_reorg": 1}


def test_where_the_chain_was_not_read_again_nobody_can_tell():
    assert judged([(19.6, 19.7, 119), (19.8, 19.9, 118)], CALM) == {"unsettled": 1}


def test_a_head_far_behind_for_long_is_told_and_one_shortly_behind_is_not():
    assert judged([(10.0, 10.1, 105)], CALM) == {"behind": 1}  # 109 since 9, and two are allowed.
    assert judged([(10.0, 10.1, 107)], CALM) == {}


def test_behind_is_excused_while_every_provider_is_broken():
    assert judged([(10.0, 10.1, 105)], CALM, is_helpless=lambda t: t < 11) == {"nobody_knew": 1}


def test_a_head_ahead_of_the_chain_is_told_when_the_chain_has_been_read_after_it():
    assert judged([(5.0, 5.1, 115)], CALM) == {"ahead": 1}
    assert judged([(5.0, 5.1, 108)], CALM) == {"ahead": 1}
    assert judged([(5.0, 5.1, 107)], CALM) == {}


def test_a_slow_path_to_the_chain_makes_nobody_early():
    """It was read at 4 and then, late, at 9: a head in between may well have been there."""
    numbers = ((0.0, 100), (4.0, 104), (9.0, 109), (9.25, 109), (9.5, 109), (11.0, 111))
    assert judged([(8.8, 8.9, 108)], [(t, *block(number)) for t, number in numbers]) == {"settled": 1}


ORDERED = st.lists(st.tuples(st.floats(0, 10), st.floats(0.001, 1), st.integers(0, 20)), max_size=30)


@given(ORDERED)
def test_the_floor_is_what_anybody_would_find_by_looking_at_all_pairs(parts):
    """As long as it remembers: the floor is the highest head that had come whole before this was sent."""
    order, heard = HeadOrder(), []
    for sent, took, head in sorted(parts, key=lambda part: part[0] + part[1]):
        told = Told(sent, sent + took, head, "")
        floor = order.take(told)
        highest = max((one.head for one in heard if one.done < sent), default=None)
        found = None if floor is None else floor.head
        if highest is not None and highest > head:
            assert found == highest
        else:
            assert found is None or found <= head or found <= (highest or 0)
        heard.append(told)


@given(ORDERED)
def test_a_client_whose_heads_only_grow_is_never_accused(parts):
    heads = sorted(head for *_, head in parts)
    times = sorted((sent, sent + took) for sent, took, _ in parts)
    told = [(sent, done, head) for (sent, done), head in zip(times, heads, strict=True)]
    assert "back_unwatched" not in judged(told)
